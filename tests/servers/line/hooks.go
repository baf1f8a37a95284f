package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	hookBodyLimit = 4 << 20
	hookTargets   = 32
	hookWaiting   = 10_000 // events kept for one target
	hookTries     = 5
	hookTryAgain  = 500 * time.Millisecond
	reorderLimit  = 2 * time.Second // what waits for company goes after so long without it
)

// hookSwitches say what happens to the events on their way to one target.
type hookSwitches struct {
	URL       string   `json:"url"`
	Only      []string `json:"only"`      // the switches are for these events, others pass; empty: for all
	Drop      int      `json:"drop"`      // the next so many are lost; -1: all
	Hold      bool     `json:"hold"`      // they wait for a release
	Reorder   int      `json:"reorder"`   // so many are collected and go in reverse order; 0: none
	DelayMS   int      `json:"delay_ms"`  // each goes so much later
	Duplicate int      `json:"duplicate"` // each goes so many times more
}

func (s hookSwitches) check() error {
	u, err := url.Parse(s.URL)
	if err != nil || u.Scheme != "http" || u.Host == "" {
		return fmt.Errorf("url %.100q is no http:// address", s.URL)
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("url %.100q is not on this machine; the line sends nothing elsewhere", s.URL)
	}
	switch {
	case s.Drop < -1:
		return errors.New("drop is -1 (all) or a number of events")
	case s.Reorder < 0 || s.Reorder > 100 || s.Duplicate < 0 || s.Duplicate > 100:
		return errors.New("reorder and duplicate go from 0 to 100")
	case s.DelayMS < 0 || s.DelayMS > msLimit:
		return errors.New("delay_ms goes from 0 to a day")
	}
	return nil
}

// hookReport is one entry of GET /webhooks.
type hookReport struct {
	ID string `json:"id"`
	hookSwitches
	Received  int `json:"received"`
	Delivered int `json:"delivered"` // copies count
	Dropped   int `json:"dropped"`
	Failed    int `json:"failed"` // given up after some tries
	Held      int `json:"held"`
	Waiting   int `json:"waiting"` // delayed, collected for a new order, or on their way
}

// hookEvent is one webhook of the server, as it came.
type hookEvent struct {
	name   string
	header http.Header
	body   []byte
}

type dueEvent struct {
	at time.Time
	hookEvent
}

// hookTarget sends to one URL, one after the other.
type hookTarget struct {
	id string

	mu      sync.Mutex
	set     hookSwitches
	held    []hookEvent
	odd     []hookEvent // collected for a new order
	oddTurn int
	due     []dueEvent // by time
	sending int
	wake    chan struct{}
	stopped once
	count   hookReport
}

// hooks receives the server's webhooks and passes each on to the targets, bytes and signature as they are.
type hooks struct {
	addr string
	srv  *http.Server

	mu      sync.Mutex
	next    int
	targets []*hookTarget
}

func startHooks() (*hooks, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("no socket for the server's webhooks: %w", err)
	}
	h := &hooks{addr: ln.Addr().String(), next: 1}
	h.srv = &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = h.srv.Serve(ln) }()
	return h, nil
}

func (h *hooks) url() string { return "http://" + h.addr + "/" }

func (h *hooks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, hookBodyLimit))
	if err != nil {
		http.Error(w, "cannot read the event", http.StatusBadRequest)
		return
	}
	e := hookEvent{header: http.Header{}, body: body}
	for _, name := range []string{"Authorization", "Content-Type"} {
		e.header[name] = r.Header.Values(name)
	}
	var head struct {
		Event string `json:"event"`
	}
	if json.Unmarshal(body, &head) == nil {
		e.name = head.Event
	}
	for _, t := range h.list() {
		t.take(e)
	}
}

func (h *hooks) list() []*hookTarget {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.targets)
}

func (h *hooks) find(id string) *hookTarget {
	for _, t := range h.list() {
		if t.id == id {
			return t
		}
	}
	return nil
}

func (h *hooks) add(s hookSwitches) (*hookTarget, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.targets) >= hookTargets {
		return nil, fmt.Errorf("there are %d targets already; remove one first", hookTargets)
	}
	t := &hookTarget{id: "WH_" + strconv.Itoa(h.next), set: s, wake: make(chan struct{}, 1), stopped: newOnce()}
	h.next++
	h.targets = append(h.targets, t)
	go t.run()
	return t, nil
}

func (h *hooks) remove(id string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := slices.IndexFunc(h.targets, func(t *hookTarget) bool { return t.id == id })
	if i < 0 {
		return false
	}
	h.targets[i].stopped.fire()
	h.targets = slices.Delete(h.targets, i, i+1)
	return true
}

func (h *hooks) stop() {
	_ = h.srv.Close()
	for _, t := range h.list() {
		t.stopped.fire()
	}
}

// take is one event of the server.
func (t *hookTarget) take(e hookEvent) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count.Received++
	switch s := &t.set; {
	case len(s.Only) > 0 && !slices.Contains(s.Only, e.name):
		t.queue(e, 0)
	case s.Drop != 0 || len(t.held)+len(t.odd)+len(t.due) >= hookWaiting:
		t.count.Dropped++
		if s.Drop > 0 {
			s.Drop--
		}
	case s.Hold:
		t.held = append(t.held, e)
	case s.Reorder > 1:
		t.odd = append(t.odd, e)
		if len(t.odd) >= s.Reorder {
			t.turn()
			return
		}
		mine := t.oddTurn
		time.AfterFunc(reorderLimit, func() {
			t.mu.Lock()
			defer t.mu.Unlock()
			if t.oddTurn == mine {
				t.turn()
			}
		})
	default:
		t.repeat(e)
	}
}

// turn sends what was collected in reverse order. Call with mu held.
func (t *hookTarget) turn() {
	t.oddTurn++
	for _, e := range slices.Backward(t.odd) {
		t.repeat(e)
	}
	t.odd = nil
}

// repeat queues an event as often and as late as the switches say. Call with mu held.
func (t *hookTarget) repeat(e hookEvent) {
	for range 1 + t.set.Duplicate {
		t.queue(e, ms(t.set.DelayMS))
	}
}

// queue is the last station before the wire. Call with mu held.
func (t *hookTarget) queue(e hookEvent, wait time.Duration) {
	at := time.Now().Add(wait)
	i := len(t.due)
	for i > 0 && t.due[i-1].at.After(at) {
		i--
	}
	t.due = slices.Insert(t.due, i, dueEvent{at, e})
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// change sets other switches; what they no longer keep back goes.
func (t *hookTarget) change(s hookSwitches) error {
	if err := s.check(); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.set = s
	if !s.Hold {
		t.letGo(false)
	}
	if s.Reorder < 2 {
		t.turn()
	}
	return nil
}

// release sends what is held, the newest first if reversed; later events are held again while hold is on.
func (t *hookTarget) release(reversed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.letGo(reversed)
}

// letGo is release with mu held.
func (t *hookTarget) letGo(reversed bool) {
	if reversed {
		slices.Reverse(t.held)
	}
	for _, e := range t.held {
		t.repeat(e)
	}
	t.held = nil
}

func (t *hookTarget) report() hookReport {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.count
	r.ID, r.hookSwitches = t.id, t.set
	r.Held, r.Waiting = len(t.held), len(t.due)+len(t.odd)+t.sending
	return r
}

// run sends what is due until the target is removed.
func (t *hookTarget) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		t.mu.Lock()
		wait := time.Hour
		var next hookEvent
		if len(t.due) > 0 {
			if wait = time.Until(t.due[0].at); wait <= 0 {
				next = t.due[0].hookEvent
				t.due = t.due[1:]
				t.sending = 1
			}
		}
		address := t.set.URL
		t.mu.Unlock()
		if wait <= 0 {
			ok := t.deliver(address, next)
			t.mu.Lock()
			t.sending = 0
			if ok {
				t.count.Delivered++
			} else {
				t.count.Failed++
			}
			t.mu.Unlock()
			continue
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-t.wake:
		case <-t.stopped.ch:
			return
		}
	}
}

// hookClient goes straight to this machine, whatever proxy the surroundings name, and is not led elsewhere.
var hookClient = http.Client{
	Timeout:       10 * time.Second,
	Transport:     &http.Transport{MaxIdleConnsPerHost: 4},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// deliver posts an event; a target that is down is tried again for a while, as the server itself would.
func (t *hookTarget) deliver(address string, e hookEvent) bool {
	for range hookTries {
		req, err := http.NewRequest(http.MethodPost, address, bytes.NewReader(e.body))
		if err != nil {
			return false
		}
		req.Header = e.header.Clone()
		if resp, err := hookClient.Do(req); err == nil {
			_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, hookBodyLimit))
			_ = resp.Body.Close()
			if resp.StatusCode < 500 { // the server, too, does not repeat what was refused
				return true
			}
		}
		select {
		case <-time.After(hookTryAgain):
		case <-t.stopped.ch:
			return false
		}
	}
	return false
}
