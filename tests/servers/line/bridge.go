package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/logger"
	"github.com/livekit/protocol/rpc"
	"github.com/livekit/psrpc"
	lksdk "github.com/livekit/server-sdk-go/v2"
)

const (
	attrCallIDFull = livekit.AttrSIPPrefix + "callIDFull"
	attrCallTag    = livekit.AttrSIPPrefix + "callTag"

	ringingLimit    = 3 * time.Minute // without a ringing timeout, as livekit-sip
	legsKept        = 1000            // reports of calls that are over
	recordingsKept  = 50
	leaveLinger     = time.Second // see wire; a loaded machine needs a while to read a leave
	ghostCheckAfter = 1200 * time.Millisecond
	ghostChecks     = 5
)

type bridgeSettings struct {
	direct      func() string // host:port of the server itself
	key, secret string
	record      string // folder, or ""
	tidy        bool
	numbers     *numbers
	events      *hub
	log         logger.Logger
}

// bridge stands where livekit-sip stands: it serves the server's internal SIP service and asks for trunks and
// rules the way livekit-sip does. Each call is a leg.
type bridge struct {
	bridgeSettings
	bus     psrpc.MessageBus
	io      rpc.IOInfoClient
	stopped once
	down    atomic.Bool // killed

	mu   sync.Mutex
	rpc  rpc.SIPInternalServer // a new one after a kill
	legs []*leg                // oldest first, living and over
}

func newBridge(set bridgeSettings, bus psrpc.MessageBus) (*bridge, error) {
	b := &bridge{bridgeSettings: set, bus: bus, stopped: newOnce()}
	var err error
	if b.io, err = rpc.NewIOInfoClient(bus); err != nil {
		return nil, err
	}
	return b, b.serve()
}

// serve begins to take the server's requests.
func (b *bridge) serve() error {
	s, err := rpc.NewSIPInternalServer(b, b.bus)
	if err != nil {
		return err
	}
	b.mu.Lock()
	b.rpc = s
	b.mu.Unlock()
	// The open-source server has one cluster without a name.
	return s.RegisterCreateSIPParticipantTopic("")
}

func (b *bridge) service() rpc.SIPInternalServer {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rpc
}

// stop ends all calls as a bridge that goes down.
func (b *bridge) stop() {
	b.stopped.fire()
	b.service().DeregisterCreateSIPParticipantTopic("")
	var wait sync.WaitGroup
	for _, l := range b.list() {
		wait.Go(func() {
			l.end(ending{by: byLine, why: "The line was stopped.", reason: livekit.DisconnectReason_SERVER_SHUTDOWN})
		})
	}
	wait.Wait()
	b.service().Shutdown()
}

// add makes a leg and remembers it.
func (b *bridge) add(id string, inbound bool, from, to string, s script) *leg {
	l := newLeg(b, id, inbound, from, to, s)
	if b.record != "" {
		w, err := openRecording(filepath.Join(b.record, l.id+".ogg"))
		if err != nil {
			b.log.Warnw("cannot keep the recording", err)
		} else {
			l.ear.record = w
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.legs = append(b.legs, l)
	b.trim()
	return l
}

// trim forgets old calls: their recordings first, then all of them. Call with mu held.
func (b *bridge) trim() {
	over := 0
	for i := len(b.legs) - 1; i >= 0; i-- {
		if !b.legs[i].isOver() {
			continue
		}
		if over++; over > recordingsKept {
			b.legs[i].ear.forget()
		}
		if over > legsKept {
			b.legs = slices.Delete(b.legs, i, i+1)
		}
	}
}

func (b *bridge) list() []*leg {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.legs)
}

// find gives the newest leg of that id, nil if there is none.
func (b *bridge) find(id string) *leg {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range slices.Backward(b.legs) {
		if l.id == id {
			return l
		}
	}
	return nil
}

func (b *bridge) rooms() *lksdk.RoomServiceClient {
	return lksdk.NewRoomServiceClient("http://"+b.direct(), b.key, b.secret)
}

// sipError is what the API caller gets to read as twirp error and meta; the server does the rest.
func sipError(what string, st *livekit.SIPStatus) error {
	return psrpc.NewError(psrpc.ErrorCodeFromGRPC(st.GRPCStatus().Code()), fmt.Errorf("%s: %w", what, st), st)
}
