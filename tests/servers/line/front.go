package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// front is the public door of the server. It passes everything on, WebSockets too, can refuse new joins, lets the
// phones look at cancellations, can cut the signalling of every client while their media goes on, and is shut while the
// server is dead, so that clients see what they would see without it.
type front struct {
	addr   string // stays the same over close and open
	proxy  *httputil.ReverseProxy
	refuse atomic.Bool
	before atomic.Pointer[func(*http.Request)] // looks at each request first

	mu      sync.Mutex
	srv     *http.Server               // nil while closed
	signals map[int]context.CancelFunc // open signalling sockets, by the number of their coming
	taken   int                        // signalling sockets so far
}

func newFront(ln net.Listener, target string) *front {
	f := &front{addr: ln.Addr().String(), signals: map[int]context.CancelFunc{}}
	to := &url.URL{Scheme: "http", Host: target}
	f.proxy = &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(to); r.Out.Host = r.In.Host },
		Transport:     &http.Transport{MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Second},
		FlushInterval: -1,
		// A dead server is a closed connection, not a tidy "bad gateway" page.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	f.serve(ln)
	return f
}

func (f *front) serve(ln net.Listener) {
	srv := &http.Server{Handler: f, ReadHeaderTimeout: 30 * time.Second}
	f.mu.Lock()
	f.srv = srv
	f.mu.Unlock()
	go func() { _ = srv.Serve(ln) }()
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	signalling := r.URL.Path == "/rtc" || strings.HasPrefix(r.URL.Path, "/rtc/")
	if f.refuse.Load() && signalling && r.URL.Query().Get("reconnect") != "1" {
		http.Error(w, "joins are refused for a test", http.StatusInternalServerError)
		return
	}
	if look := f.before.Load(); look != nil {
		(*look)(r)
	}
	if signalling && strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		var done func()
		r, done = f.signal(r)
		defer done()
	}
	f.proxy.ServeHTTP(w, r)
}

// signal notes a signalling socket, so that it can be cut: the proxy closes both of its ends with the context.
func (f *front) signal(r *http.Request) (*http.Request, func()) {
	ctx, cut := context.WithCancel(r.Context())
	f.mu.Lock()
	f.taken++
	number := f.taken
	f.signals[number] = cut
	f.mu.Unlock()
	return r.WithContext(ctx), func() {
		f.mu.Lock()
		delete(f.signals, number)
		f.mu.Unlock()
		cut()
	}
}

// cutSignals breaks every open signalling socket without a word; new ones are taken, and nothing else is touched.
func (f *front) cutSignals() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, cut := range f.signals {
		cut()
	}
}

// signalled tells how many signalling sockets are open, and how many came so far.
func (f *front) signalled() (open, taken int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.signals), f.taken
}

// close refuses new connections and drops the idle ones. Open WebSockets end with the server behind them.
func (f *front) close() {
	f.mu.Lock()
	srv := f.srv
	f.srv = nil
	f.mu.Unlock()
	if srv != nil {
		_ = srv.Close()
	}
}

func (f *front) open() error {
	f.mu.Lock()
	open := f.srv != nil
	f.mu.Unlock()
	if open {
		return nil
	}
	ln, err := net.Listen("tcp", f.addr)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w", f.addr, err)
	}
	f.serve(ln)
	return nil
}

func (f *front) stop() { f.close() }
