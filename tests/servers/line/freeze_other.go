//go:build !unix

package main

import "syscall"

// Signals that do not exist here: os.Process.Signal answers "not supported", which the fault passes on.
const (
	freezeSignal = syscall.Signal(0x13)
	thawSignal   = syscall.Signal(0x12)
)
