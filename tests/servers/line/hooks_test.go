//go:build unix

package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/livekit/protocol/auth"
	"github.com/livekit/protocol/webhook"
)

// receiver is a program that takes webhooks and keeps what they are called, in their order.
type receiver struct {
	url string

	mu    sync.Mutex
	names []string
	at    []time.Time
	wrong int
}

func startReceiver(t *testing.T, read func(*http.Request) (string, error)) *receiver {
	t.Helper()
	r := &receiver{}
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		name, err := read(req)
		r.mu.Lock()
		defer r.mu.Unlock()
		if err != nil {
			r.wrong++
			return
		}
		r.names, r.at = append(r.names, name), append(r.at, time.Now())
	}))
	t.Cleanup(srv.Close)
	r.url = srv.URL
	return r
}

func (r *receiver) seen() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.names)
}

// until waits until something holds for what was received.
func (r *receiver) until(t *testing.T, what string, holds func([]string) bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(r.seen()); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("received %v, want %s", r.seen(), what)
		}
	}
}

func (r *receiver) is(t *testing.T, want ...string) {
	t.Helper()
	r.until(t, fmt.Sprint(want), func(got []string) bool { return slices.Equal(got, want) })
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names, r.at = nil, nil
}

// inOrder is a target whose receiver tells the names of the events, and a way to send some.
func inOrder(t *testing.T) (*hookTarget, *receiver, func(...string)) {
	t.Helper()
	h, err := startHooks()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.stop)
	r := startReceiver(t, func(req *http.Request) (string, error) {
		name, err := io.ReadAll(req.Body)
		return string(name), err
	})
	target, err := h.add(hookSwitches{URL: r.url})
	if err != nil {
		t.Fatal(err)
	}
	return target, r, func(names ...string) {
		for _, n := range names {
			target.take(hookEvent{name: n, header: http.Header{}, body: []byte(n)})
		}
	}
}

func TestWebhookSwitches(t *testing.T) {
	t.Parallel()
	target, r, send := inOrder(t)
	set := func(s hookSwitches) {
		t.Helper()
		s.URL = r.url
		if err := target.change(s); err != nil {
			t.Fatal(err)
		}
	}
	send("a", "b", "c")
	r.is(t, "a", "b", "c")

	set(hookSwitches{Only: []string{"b"}, Drop: 1})
	send("a", "b", "c", "b")
	r.is(t, "a", "c", "b")
	set(hookSwitches{Drop: -1})
	send("a", "b")
	if got := target.report(); got.Dropped != 3 || got.Received != 9 || got.Delivered != 6 {
		t.Errorf("report %+v", got)
	}

	set(hookSwitches{Duplicate: 1})
	send("a", "b")
	r.is(t, "a", "a", "b", "b")

	set(hookSwitches{Reorder: 2})
	send("a", "b", "c", "d")
	r.is(t, "b", "a", "d", "c")
	send("alone")
	r.is(t, "alone") // nobody comes to change places with it

	set(hookSwitches{Hold: true})
	send("a", "b")
	if got := target.report(); got.Held != 2 || len(r.seen()) != 0 {
		t.Errorf("report %+v, received %v", got, r.seen())
	}
	target.release(true)
	r.is(t, "b", "a")
	send("c") // a release does not end the hold
	if got := target.report(); got.Held != 1 {
		t.Errorf("report %+v", got)
	}
	set(hookSwitches{}) // this does
	r.is(t, "c")

	set(hookSwitches{Only: []string{"late"}, DelayMS: 700})
	begin := time.Now()
	send("late", "a")
	r.until(t, "a, then the late one", func(got []string) bool { return slices.Equal(got, []string{"a", "late"}) })
	if took := r.at[1].Sub(begin); took < 700*time.Millisecond {
		t.Errorf("the late one took %s", took)
	}
}

func TestWebhooksKeepTheirSignature(t *testing.T) {
	t.Parallel()
	p := startProcess(t)
	r := startReceiver(t, func(req *http.Request) (string, error) {
		e, err := webhook.ReceiveWebhookEvent(req, auth.NewSimpleKeyProvider(p.Key, p.Secret)) // checks signature and body
		if err == nil && req.Header.Get("Content-Type") != "application/webhook+json" {
			err = errors.New(req.Header.Get("Content-Type"))
		}
		return e.GetEvent(), err
	})
	target := p.control(t, http.MethodPost, "/webhooks", map[string]any{"url": r.url, "hold": true}, http.StatusCreated)["id"].(string)
	p.ringIn(t, map[string]any{})
	held := func() float64 {
		return p.control(t, http.MethodGet, "/webhooks/"+target, nil, http.StatusOK)["held"].(float64)
	}
	for deadline := time.Now().Add(40 * time.Second); held() < 3; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the server sent %g events", held())
		}
	}
	if got := r.seen(); len(got) != 0 {
		t.Errorf("%v came through", got)
	}
	p.control(t, http.MethodPost, "/webhooks/"+target+"/release", nil, http.StatusOK)
	p.control(t, http.MethodPut, "/webhooks/"+target, map[string]any{}, http.StatusOK)
	for _, want := range []string{"room_started", "participant_joined", "track_published"} {
		r.until(t, want, func(got []string) bool { return slices.Contains(got, want) })
	}
	r.mu.Lock()
	if r.wrong > 0 {
		t.Errorf("%d events with a wrong signature or type", r.wrong)
	}
	r.mu.Unlock()
	p.control(t, http.MethodDelete, "/webhooks/"+target, nil, http.StatusOK)
	p.control(t, http.MethodGet, "/webhooks/"+target, nil, http.StatusNotFound)
}

func TestWebhookReachesATargetThatComesBack(t *testing.T) {
	t.Parallel()
	h, err := startHooks()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.stop)
	var mu sync.Mutex
	calls := 0
	var got string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if calls++; calls < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		got = r.Header.Get("Authorization")
	}))
	t.Cleanup(srv.Close)
	target, err := h.add(hookSwitches{URL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	target.take(hookEvent{name: "x", header: http.Header{"Authorization": {"signed"}}, body: []byte("{}")})
	for deadline := time.Now().Add(10 * time.Second); target.report().Delivered == 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not delivered: %+v", target.report())
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if calls != 3 || got != "signed" {
		t.Errorf("%d calls, signature %q", calls, got)
	}
}

func TestWebhookTargetsAreOnThisMachine(t *testing.T) {
	t.Parallel()
	for _, body := range []any{nil, map[string]any{"url": "http://192.0.2.1/"}, map[string]any{"url": "https://127.0.0.1/"}, map[string]any{"url": "http://line.example/"},
		map[string]any{"url": "http://127.0.0.1:1/", "delay_ms": -1}, map[string]any{"url": "http://127.0.0.1:1/", "drop": -2}, `{"url":1}`} {
		if status, answer := theLine.ask(t, http.MethodPost, "/webhooks", body); status != http.StatusBadRequest || answer["error"] == "" {
			t.Errorf("%v answered %d %v", body, status, answer)
		}
	}
	theLine.control(t, http.MethodDelete, "/webhooks/none", nil, http.StatusNotFound)
}
