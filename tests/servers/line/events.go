package main

import (
	"context"
	"sync"
	"time"
)

// eventsKept is how many events a late reader can still get.
const eventsKept = 10_000

// event is one thing that happened, on one call or (with an empty call) on the line itself.
type event struct {
	Seq    int64  `json:"seq"`
	UnixMS int64  `json:"unix_ms"`
	Call   string `json:"call"`
	What   string `json:"what"`
	Detail string `json:"detail"`
	MS     int64  `json:"ms"` // since the call began
}

// hub numbers the events and wakes those who wait for them.
type hub struct {
	mu      sync.Mutex
	events  []event
	next    int64
	changed chan struct{} // closed and replaced with each event
}

func newHub() *hub { return &hub{next: 1, changed: make(chan struct{})} }

func (h *hub) publish(call, what, detail string, ms int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, event{Seq: h.next, UnixMS: time.Now().UnixMilli(), Call: call, What: what, Detail: detail, MS: ms})
	h.next++
	if len(h.events) > eventsKept*2 {
		h.events = append([]event(nil), h.events[len(h.events)-eventsKept:]...)
	}
	close(h.changed)
	h.changed = make(chan struct{})
}

// after gives the kept events with a number above seq (of one call, if call is not empty), the number to ask
// with next, and a channel that is closed when more come.
func (h *hub) after(seq int64, call string) ([]event, int64, <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := []event{}
	for i := len(h.events) - 1; i >= 0 && h.events[i].Seq > seq; i-- {
		if e := h.events[i]; call == "" || e.Call == call {
			out = append(out, e)
		}
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out, h.next - 1, h.changed
}

// wait is after, but waits for the first event until ctx ends.
func (h *hub) wait(ctx context.Context, seq int64, call string) ([]event, int64) {
	for {
		list, next, changed := h.after(seq, call)
		if len(list) > 0 {
			return list, next
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return list, next
		}
	}
}

// until waits until done is true; it looks again after every event. It reports whether done became true.
func (h *hub) until(ctx context.Context, done func() bool) bool {
	for {
		_, _, changed := h.after(1<<62, "")
		if done() {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return done()
		}
	}
}
