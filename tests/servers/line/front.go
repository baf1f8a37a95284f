package main

import (
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
// phones look at cancellations, and is shut while the server is dead, so that clients see what they would see without it.
type front struct {
	addr   string // stays the same over close and open
	proxy  *httputil.ReverseProxy
	refuse atomic.Bool
	before atomic.Pointer[func(*http.Request)] // looks at each request first

	mu  sync.Mutex
	srv *http.Server // nil while closed
}

func newFront(ln net.Listener, target string) *front {
	f := &front{addr: ln.Addr().String()}
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
	if f.refuse.Load() && (r.URL.Path == "/rtc" || strings.HasPrefix(r.URL.Path, "/rtc/")) && r.URL.Query().Get("reconnect") != "1" {
		http.Error(w, "joins are refused for a test", http.StatusInternalServerError)
		return
	}
	if look := f.before.Load(); look != nil {
		(*look)(r)
	}
	f.proxy.ServeHTTP(w, r)
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
