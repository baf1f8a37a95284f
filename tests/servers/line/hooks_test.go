//go:build unix

package main

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/livekit/protocol/auth"
	"github.com/livekit/protocol/webhook"
)

// receiver is a program that takes webhooks; it keeps the events of every signature that is right.
type receiver struct {
	url string

	mu    sync.Mutex
	room  string // only what is about this room counts; "" for all
	names []string
	rooms []string
	ids   []string
	at    []time.Time
	wrong int
}

func startReceiver(t *testing.T, key, secret string) *receiver {
	t.Helper()
	r := &receiver{}
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		e, err := webhook.ReceiveWebhookEvent(req, auth.NewSimpleKeyProvider(key, secret)) // checks signature and body
		r.mu.Lock()
		defer r.mu.Unlock()
		if err != nil || req.Header.Get("Content-Type") != "application/webhook+json" {
			r.wrong++
			return
		}
		r.names, r.ids, r.at = append(r.names, e.Event), append(r.ids, e.Id), append(r.at, time.Now())
		r.rooms = append(r.rooms, e.GetRoom().GetName())
	}))
	t.Cleanup(srv.Close)
	r.url = srv.URL
	return r
}

func (r *receiver) seen() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for i, name := range r.names {
		if r.room == "" || r.rooms[i] == r.room {
			out = append(out, name)
		}
	}
	return out
}

// until waits until the receiver has exactly these events, in this order.
func (r *receiver) until(t *testing.T, want ...string) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !slices.Equal(r.seen(), want); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("received %v, want %v", r.seen(), want)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wrong > 0 {
		t.Errorf("%d events with a wrong signature or type", r.wrong)
	}
}

func (r *receiver) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names, r.rooms, r.ids, r.at = nil, nil, nil, nil
}

func TestWebhookSwitches(t *testing.T) {
	t.Parallel()
	p := startProcess(t)
	r := startReceiver(t, p.Key, p.Secret)
	target := p.control(t, http.MethodPost, "/webhooks", map[string]any{"url": r.url}, http.StatusCreated)["id"].(string)
	set := func(body map[string]any) {
		t.Helper()
		p.control(t, http.MethodPut, "/webhooks/"+target, body, http.StatusOK)
	}
	got := func(field string) int {
		t.Helper()
		return int(p.control(t, http.MethodGet, "/webhooks/"+target, nil, http.StatusOK)[field].(float64))
	}
	// Somebody rings in; these three come of it, in this order.
	three := []string{"room_started", "participant_joined", "track_published"}
	arrive := func() {
		t.Helper()
		before := got("received")
		in := p.ringIn(t, map[string]any{})
		r.mu.Lock()
		r.room = in.Room
		r.mu.Unlock()
		for deadline := time.Now().Add(15 * time.Second); got("received") < before+3; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("the server sent %d events", got("received")-before)
			}
		}
	}

	arrive()
	r.until(t, three...)

	r.forget()
	set(map[string]any{"only": []string{"participant_joined"}, "drop": 1})
	arrive()
	r.until(t, "room_started", "track_published")
	if n := got("dropped"); n != 1 {
		t.Errorf("%d dropped", n)
	}

	r.forget()
	set(map[string]any{"duplicate": 1})
	arrive()
	r.until(t, three[0], three[0], three[1], three[1], three[2], three[2])
	r.mu.Lock()
	slices.Sort(r.ids)
	if len(slices.Compact(r.ids)) != len(r.names)/2 {
		t.Errorf("ids %v", r.ids)
	}
	r.mu.Unlock()

	r.forget()
	set(map[string]any{"reorder": 3})
	arrive()
	r.until(t, three[2], three[1], three[0])

	r.forget()
	set(map[string]any{"hold": true})
	arrive()
	if n := got("held"); n != 3 || len(r.seen()) != 0 {
		t.Errorf("%d held, %v came through", n, r.seen())
	}
	p.control(t, http.MethodPost, "/webhooks/"+target+"/release", map[string]any{"reversed": true}, http.StatusOK)
	r.until(t, three[2], three[1], three[0])
	r.forget()
	arrive()
	if n := got("held"); n != 3 { // a release does not end the hold
		t.Errorf("%d held after a release", n)
	}
	set(map[string]any{}) // this does
	r.until(t, three...)

	r.forget()
	set(map[string]any{"only": []string{"participant_joined"}, "delay_ms": 1500})
	begin := time.Now()
	arrive()
	r.until(t, three[0], three[2], three[1])
	r.mu.Lock()
	if took := r.at[len(r.at)-1].Sub(begin); took < 1500*time.Millisecond {
		t.Errorf("the late one took %s", took)
	}
	r.mu.Unlock()

	r.forget()
	set(map[string]any{"reorder": 10}) // the others never come: what there is goes after a while
	arrive()
	for deadline := time.Now().Add(15 * time.Second); len(r.seen()) < 3; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("received only %v", r.seen())
		}
	}

	r.forget()
	p.control(t, http.MethodDelete, "/webhooks/"+target, nil, http.StatusOK)
	p.control(t, http.MethodGet, "/webhooks/"+target, nil, http.StatusNotFound)
	p.ringIn(t, map[string]any{})
	if n := len(r.seen()); n != 0 {
		t.Errorf("%d events after the removal", n)
	}
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
