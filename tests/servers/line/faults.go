package main

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/alicebob/miniredis/v2"
	"github.com/livekit/livekit-server/pkg/service"
)

// stateOutside is the state of a Redis that is not ours to disturb.
const stateOutside = "outside"

// faultState is the answer of GET /faults.
type faultState struct {
	Child        bool   `json:"child"`
	Server       string `json:"server"`
	RefuseJoins  bool   `json:"refuse_joins"`
	Signals      int    `json:"signals"`       // signalling sockets of clients that are open
	SignalsTaken int    `json:"signals_taken"` // and that came so far
	Bridge       string `json:"bridge"`
	Redis        string `json:"redis"`
}

func (l *line) faultState() faultState {
	s := faultState{Server: serverRunning}
	if c := l.server.faults(); c != nil {
		s = c.faultState()
	}
	s.Bridge, s.Redis = serverRunning, stateOutside
	if l.bridge.down.Load() {
		s.Bridge = serverStopped
	}
	if l.store != nil {
		s.Redis = l.store.state()
	}
	return s
}

// ownFaults need no child: they befall the bridge and the built-in Redis.
func (l *line) ownFaults() map[string]func() error {
	redis := func(do func(*store) error) func() error {
		return func() error {
			if l.store == nil {
				return errors.New("the Redis of this line is somebody else's (-redis); only the built-in one has faults")
			}
			return do(l.store)
		}
	}
	return map[string]func() error{
		"bridge_kill":   l.bridge.kill,
		"bridge_start":  l.bridge.revive,
		"redis_flush":   redis((*store).flush),
		"redis_stop":    redis((*store).stop),
		"redis_start":   redis((*store).start),
		"redis_restore": redis((*store).restore),
	}
}

func (l *line) postFault(r *http.Request) (int, any, error) {
	name := r.PathValue("fault")
	own, mine := l.ownFaults()[name]
	if !mine && !slices.Contains([]string{"freeze", "thaw", "kill", "start", "restart", "refuse_joins", "cut_signals"}, name) {
		return 0, nil, failure{http.StatusNotFound, fmt.Sprintf("There is no fault %q.", name)}
	}
	var body struct {
		On *bool `json:"on"`
	}
	if err := readBody(r, &body); err != nil {
		return 0, nil, err
	}
	l.faulting.Lock()
	defer l.faulting.Unlock()
	c := l.server.faults()
	switch {
	case mine:
		if err := own(); err != nil {
			return 0, nil, failure{http.StatusConflict, err.Error() + "."}
		}
	case c == nil:
		return 0, nil, failure{http.StatusConflict, "The LiveKit server runs in the line's own process; start the line with -child to have faults."}
	case name == "refuse_joins":
		if body.On == nil {
			return 0, nil, failure{http.StatusBadRequest, `refuse_joins wants {"on":true} or {"on":false}.`}
		}
		c.front.refuse.Store(*body.On)
		name = fmt.Sprintf("refuse_joins %t", *body.On)
	default:
		if err := c.fault(name); err != nil {
			return 0, nil, failure{http.StatusConflict, err.Error() + "."}
		}
	}
	l.events.publish("", "fault", name, 0)
	return http.StatusOK, l.faultState(), nil
}

// store is the built-in Redis as faults see it. Its methods are called one at a time.
type store struct {
	redis   *miniredis.Miniredis
	addr    string
	stopped atomic.Bool
	trunks  map[string]map[string]string // trunks and rules as they were before they were lost
}

func (s *store) state() string {
	if s.stopped.Load() {
		return serverStopped
	}
	return serverRunning
}

// flush loses everything: rooms, participants, trunks, rules, which server has which room.
func (s *store) flush() error {
	s.remember()
	s.redis.FlushAll()
	return nil
}

// stop ends Redis as if it were killed. It comes back empty.
func (s *store) stop() error {
	if s.stopped.Load() {
		return nil
	}
	s.remember()
	s.redis.Close()
	s.redis.FlushAll()
	s.stopped.Store(true)
	return nil
}

func (s *store) start() error {
	if !s.stopped.Load() {
		return nil
	}
	if err := s.redis.StartAddr(s.addr); err != nil {
		return fmt.Errorf("the built-in Redis does not start again: %w", err)
	}
	s.stopped.Store(false)
	return nil
}

// remember keeps trunks and rules, so that they can come back under the same names.
func (s *store) remember() {
	kept := map[string]map[string]string{}
	for _, key := range []string{service.SIPTrunkKey, service.SIPInboundTrunkKey, service.SIPOutboundTrunkKey, service.SIPDispatchRuleKey} {
		fields, err := s.redis.HKeys(key)
		if err != nil {
			continue // there are none of this kind
		}
		kept[key] = map[string]string{}
		for _, f := range fields {
			kept[key][f] = s.redis.HGet(key, f)
		}
	}
	if len(kept) > 0 {
		s.trunks = kept
	}
}

// restore puts trunks and rules back as they were before the last flush or stop.
func (s *store) restore() error {
	if s.stopped.Load() {
		return errors.New("the built-in Redis is stopped; redis_start comes first")
	}
	if s.trunks == nil {
		return errors.New("nothing was lost that could be put back")
	}
	for key, fields := range s.trunks {
		for f, v := range fields {
			s.redis.HSet(key, f, v)
		}
	}
	return nil
}

// kill ends the bridge without a word to anybody: its phones fall silent, the rooms keep them as ghosts, nobody is
// dialled or rings in until it is started again.
func (b *bridge) kill() error {
	if b.down.Swap(true) {
		return nil
	}
	b.service().Kill()
	for _, l := range b.list() {
		l.end(ending{by: byBridge, why: "The bridge was killed.", how: endDrop})
	}
	return nil
}

// revive starts a killed bridge. It knows nothing of the calls it had.
func (b *bridge) revive() error {
	if !b.down.Load() {
		return nil
	}
	if err := b.serve(); err != nil {
		return fmt.Errorf("the bridge does not start again: %s", strings.TrimSuffix(err.Error(), "."))
	}
	b.down.Store(false)
	return nil
}
