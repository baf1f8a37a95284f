package main

import (
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// wire carries the signalling of one phone to the server. It exists because the SDK always says goodbye and closes
// at once: a phone that drops must not be heard saying it (swallow), and LiveKit loses a goodbye when the socket
// closes right behind it, about once in ten (linger).
type wire struct {
	ln      net.Listener
	target  string
	linger  time.Duration
	swallow atomic.Bool
	once    sync.Once
}

func newWire(target string, linger time.Duration) (*wire, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("no socket for a phone: %w", err)
	}
	w := &wire{ln: ln, target: target, linger: linger}
	go w.accept()
	return w, nil
}

func (w *wire) url() string { return "ws://" + w.ln.Addr().String() }

// mute keeps everything from the server that the phone says from now on.
func (w *wire) mute() { w.swallow.Store(true) }

// close takes no new connections; the open ones end by themselves.
func (w *wire) close() { w.once.Do(func() { _ = w.ln.Close() }) }

func (w *wire) accept() {
	for {
		c, err := w.ln.Accept()
		if err != nil {
			return
		}
		go w.carry(c)
	}
}

func (w *wire) carry(phone net.Conn) {
	defer func() { _ = phone.Close() }()
	srv, err := net.DialTimeout("tcp", w.target, 5*time.Second)
	if err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(phone, srv)
		_ = phone.Close() // the server ended it: the phone must see that
		_ = srv.Close()
	}()
	buf := make([]byte, 32<<10)
	for {
		n, err := phone.Read(buf)
		if n > 0 && !w.swallow.Load() {
			if _, err := srv.Write(buf[:n]); err != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	if !w.swallow.Load() {
		time.Sleep(w.linger)
	}
	_ = srv.Close()
}
