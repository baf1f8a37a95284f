//go:build unix

package main

import "syscall"

const (
	freezeSignal = syscall.SIGSTOP
	thawSignal   = syscall.SIGCONT
)
