package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/sip"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/pion/webrtc/v4"
	"github.com/twitchtv/twirp"
)

// The states of a call, in their order.
const (
	stateDialing = "dialing"
	stateRinging = "ringing"
	stateActive  = "active"
	stateOver    = "over"
)

// Who ended a call.
const (
	byDesk     = "desk"
	byFar      = "far"
	byTimeout  = "timeout"
	byTransfer = "transfer"
	byRoom     = "room"
	byLine     = "line"
	byBridge   = "bridge"
)

// ending says how a call ends, to the report and to the room.
type ending struct {
	by     string
	code   int // final SIP code of an unanswered call, 0 if there is none
	why    string
	hangup bool                     // set sip.callStatus to hangup first
	reason livekit.DisconnectReason // of the leave; the server makes CLIENT_INITIATED of UNKNOWN_REASON
	how    string                   // endBye unless the leave is to be lost
}

// leg is one phone call as the room sees it: one SIP participant, and the person behind it.
type leg struct {
	b        *bridge
	id       string
	inbound  bool
	from, to string
	script   script
	start    time.Time
	ear      *ear
	mouth    *mouth
	headers  map[string]string
	login    bool // the trunk of an outbound call has a user and password

	referring atomic.Bool // a transfer is pending

	up        once // answered
	over      once // the call has ended
	gone      once // the room let go of us: removed, deleted, connection lost
	heard     once // somebody publishes audio: this answers an inbound call
	byPhone   once // the person hangs up
	answerNow once // the person answers at once

	mu         sync.Mutex
	state      string
	rang       bool
	answeredMS int64 // -1 until answered
	ended      *ending
	endedMS    int64
	events     []legEvent
	keys       string
	says       string
	room       *lksdk.Room
	wire       *wire
	token      string
	attrs      map[string]string // of the join; a rejoin brings them back
	roomName   string
	identity   string
	sid        string
	subscribes bool
	vanished   bool   // the line itself deleted the room
	referTo    string // of the last transfer, as it was asked for
	mediaTurn  int    // number of the last media order, so that an older one does not undo it
}

type legEvent struct {
	MS     int64  `json:"ms"`
	What   string `json:"what"`
	Detail string `json:"detail"`
}

// once is an event that happens once.
type once struct {
	ch chan struct{}
	do *sync.Once
}

func newOnce() once  { return once{make(chan struct{}), new(sync.Once)} }
func (s once) fire() { s.do.Do(func() { close(s.ch) }) }
func (s once) fired() bool {
	select {
	case <-s.ch:
		return true
	default:
		return false
	}
}

func newLeg(b *bridge, id string, inbound bool, from, to string, s script) *leg {
	l := &leg{b: b, id: id, inbound: inbound, from: from, to: to, script: s, start: time.Now(), ear: newEar(),
		state: stateDialing, answeredMS: -1, says: s.Says,
		up: newOnce(), over: newOnce(), gone: newOnce(), heard: newOnce(), byPhone: newOnce(), answerNow: newOnce()}
	l.ear.onLoud = func() { l.note("sound", "hears something") }
	l.ear.echo = func(f ...frame) { l.mouth.insert(f...) }
	l.note("called", "%s calls %s", from, to)
	return l
}

// note writes down what happened and tells those who follow the events.
func (l *leg) note(what, format string, args ...any) { l.tell(l.write(what, format, args...)) }

func (l *leg) write(what, format string, args ...any) legEvent {
	e := legEvent{MS: time.Since(l.start).Milliseconds(), What: what, Detail: fmt.Sprintf(format, args...)}
	l.mu.Lock()
	l.events = append(l.events, e)
	l.mu.Unlock()
	return e
}

func (l *leg) tell(e legEvent) { l.b.events.publish(l.id, e.What, e.Detail, e.MS) }

func (l *leg) isOver() bool { return l.over.fired() }

// setState moves the call forward, never back.
func (l *leg) setState(to string) {
	order := map[string]int{stateDialing: 0, stateRinging: 1, stateActive: 2, stateOver: 3}
	l.mu.Lock()
	defer l.mu.Unlock()
	if order[to] <= order[l.state] {
		return
	}
	l.state = to
	switch to {
	case stateRinging:
		l.rang = true
	case stateActive:
		l.answeredMS = time.Since(l.start).Milliseconds()
	}
}

// join enters the room as a SIP participant and publishes its track, in which nothing is sent yet. The server
// leaves the token to us, with the rule's room settings in it.
func (l *leg) join(ctx context.Context, token string, p sip.SIPTokenParams) error {
	if token == "" {
		p.APIKey, p.APISecret = l.b.key, l.b.secret
		var err error
		if token, err = sip.BuildSIPToken(p); err != nil {
			return err
		}
	}
	m, err := newMouth()
	if err != nil {
		return err
	}
	linger := time.Duration(0)
	if l.b.tidy {
		linger = leaveLinger
	}
	w, err := newWire(l.b.direct(), linger)
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.mouth, l.wire, l.token, l.roomName, l.attrs = m, w, token, p.RoomName, p.ParticipantAttributes
	l.mu.Unlock()
	if err := l.enter(ctx, m.track); err != nil {
		return err
	}
	return l.b.service().RegisterTransferSIPParticipantTopic(l.id)
}

// enter joins with the leg's token and publishes t; it is used again for a rejoin.
func (l *leg) enter(ctx context.Context, t *webrtc.TrackLocalStaticRTP) error {
	var room *lksdk.Room
	current := func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.room == room
	}
	room = lksdk.NewRoom(&lksdk.RoomCallback{
		OnParticipantConnected: l.met,
		OnDisconnected: func() {
			if current() {
				l.gone.fire()
			}
		},
		OnReconnecting: func() { l.note("reconnecting", "lost the server") },
		OnReconnected:  func() { l.note("reconnected", "has the server again") },
		ParticipantCallback: lksdk.ParticipantCallback{
			OnTrackPublished: func(pub *lksdk.RemoteTrackPublication, _ *lksdk.RemoteParticipant) { l.subscribe(pub) },
			OnTrackSubscribed: func(t *webrtc.TrackRemote, _ *lksdk.RemoteTrackPublication, rp *lksdk.RemoteParticipant) {
				l.note("hears", "%s, %s", rp.Identity(), t.Codec().MimeType)
				go l.ear.listen(rp.Identity(), t)
			},
			OnDataPacket: func(d lksdk.DataPacket, _ lksdk.DataReceiveParams) {
				if k, ok := d.(*livekit.SipDTMF); ok {
					l.key(k.Digit)
				}
			},
		},
	})
	room.SetLogger(l.b.log)
	l.mu.Lock()
	url, token, attrs := l.wire.url(), l.token, l.attrs
	before := l.room
	l.room = room
	l.mu.Unlock()
	if err := room.JoinWithContextAndToken(ctx, url, token, lksdk.WithAutoSubscribe(false), lksdk.WithExtraAttributes(attrs)); err != nil {
		l.mu.Lock()
		l.room = before
		l.mu.Unlock()
		return err
	}
	me := room.LocalParticipant
	l.mu.Lock()
	l.identity, l.sid = me.Identity(), me.SID()
	name := l.roomName
	l.mu.Unlock()
	l.note("joined", "room %s as %s", name, me.Identity())
	me.SetAttributes(attrs) // livekit-sip does so too, besides giving them to the join
	if _, err := me.PublishTrack(t, &lksdk.TrackPublicationOptions{Name: me.Identity(), Source: livekit.TrackSource_MICROPHONE}); err != nil {
		return fmt.Errorf("cannot publish: %w", err)
	}
	l.note("published", "%s", t.Codec().MimeType)
	return errors.Join(
		room.RegisterRpcMethod("lk.sip.EndCall", l.endCall),
		room.RegisterRpcMethod("lk.sip.GetRemoteHeaders", func(lksdk.RpcInvocationData) (string, error) {
			j, err := json.Marshal(map[string]any{"headers": l.headers})
			return string(j), err
		}))
}

// endCall is the desk's hang-up by remote procedure call, with the measured oddities of livekit-sip.
func (l *leg) endCall(lksdk.RpcInvocationData) (string, error) {
	e := ending{by: byDesk, why: "The desk ended the call (EndCall).", hangup: true, reason: livekit.DisconnectReason_CLIENT_INITIATED}
	if l.inbound { // answers first, then hangs up
		if !l.up.fired() {
			e.code = 486
		}
		go l.end(e)
		return "{}", nil
	}
	select { // while it dials livekit-sip holds a lock: the request waits until its caller gives up
	case <-l.up.ch:
	case <-l.over.ch:
	}
	l.end(e) // gone before it can answer: the caller reads "recipient disconnected"
	time.Sleep(2 * time.Second)
	return "{}", nil
}

// status tells the room where the call is.
func (l *leg) status(v string) {
	l.mu.Lock()
	room := l.room
	l.mu.Unlock()
	room.LocalParticipant.SetAttributes(map[string]string{livekit.AttrSIPCallStatus: v})
	l.note("status", "%s", v)
}

// listen is the moment from which the phone takes what is published in the room.
func (l *leg) listen() {
	l.mu.Lock()
	l.subscribes = true
	room := l.room
	l.mu.Unlock()
	for _, rp := range room.GetRemoteParticipants() {
		l.met(rp)
		for _, pub := range rp.TrackPublications() {
			if p, ok := pub.(*lksdk.RemoteTrackPublication); ok {
				l.subscribe(p)
			}
		}
	}
}

func (l *leg) listening() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.subscribes
}

// met: two phones in one room must not wait for each other, so another phone answers.
func (l *leg) met(rp *lksdk.RemoteParticipant) {
	if l.listening() && rp.Kind() == lksdk.ParticipantSIP {
		l.heard.fire()
	}
}

func (l *leg) subscribe(p *lksdk.RemoteTrackPublication) {
	if l.listening() && p.Kind() == lksdk.TrackKindAudio && p.SetSubscribed(true) == nil {
		l.heard.fire()
	}
}

// stay keeps an answered call until somebody ends it.
func (l *leg) stay(longest time.Duration) {
	var limit <-chan time.Time
	if longest > 0 {
		limit = time.After(longest)
	}
	select {
	case <-l.over.ch:
	case <-l.gone.ch:
		l.end(l.lost())
	case <-l.byPhone.ch:
		l.end(ending{by: byFar, why: "The far end hung up.", hangup: true, reason: livekit.DisconnectReason_CLIENT_INITIATED})
	case <-limit:
		l.end(ending{by: byTimeout, why: "The longest allowed call is reached.", hangup: true, reason: livekit.DisconnectReason_CLIENT_INITIATED})
	}
}

// lost names the end when the room let go of the phone.
func (l *leg) lost() ending {
	l.mu.Lock()
	r, vanished := l.room.DisconnectReason(), l.vanished
	l.mu.Unlock()
	e := ending{by: byDesk, reason: r}
	if vanished {
		e.by, e.why = byLine, "The room vanished, as it was asked to."
		return e
	}
	switch r {
	case livekit.DisconnectReason_PARTICIPANT_REMOVED:
		e.why = "The desk removed the phone."
	case livekit.DisconnectReason_ROOM_DELETED, livekit.DisconnectReason_ROOM_CLOSED:
		e.why = "The desk deleted the room."
	case livekit.DisconnectReason_DUPLICATE_IDENTITY:
		e.why = "The same leg was dialled again."
	default:
		e.by, e.why = byRoom, "The room is gone: "+r.String()+"."
	}
	if r == livekit.DisconnectReason_UNKNOWN_REASON {
		e.reason = livekit.DisconnectReason_CLIENT_INITIATED
	}
	return e
}

// end ends the call, once; later calls do nothing.
func (l *leg) end(e ending) {
	l.mu.Lock()
	if l.ended != nil {
		l.mu.Unlock()
		return
	}
	l.ended, l.endedMS = &e, time.Since(l.start).Milliseconds()
	room, w, m := l.room, l.wire, l.mouth
	l.mu.Unlock()

	if room != nil {
		l.b.service().DeregisterTransferSIPParticipantTopic(l.id)
		if e.hangup {
			l.status("hangup")
			if l.b.tidy || e.how == endGhost {
				l.attributeSeen(room, "hangup")
			}
		}
		if e.how == endDrop || e.how == endGhost {
			w.mute()
		}
		if m != nil {
			m.close() // before the tracks go: nothing is written into closed ones
		}
		room.DisconnectWithReason(e.reason)
		if l.b.tidy && (e.how == "" || e.how == endBye) {
			go l.sweep()
		}
	}
	if w != nil {
		w.close()
	}
	l.ear.close()
	l.setState(stateOver)
	last := l.write("ended", "%s", e.why)
	l.over.fire() // before it is told, so that who waits for the event finds the call over
	l.tell(last)
}

// attributeSeen waits until the server has our call status (it tells everybody, us too), but not long: the status
// would be lost with the socket. The SDK has an event for others only, so this looks.
func (l *leg) attributeSeen(room *lksdk.Room, status string) {
	deadline := time.Now().Add(100 * time.Millisecond)
	for time.Now().Before(deadline) && room.LocalParticipant.Attributes()[livekit.AttrSIPCallStatus] != status {
		time.Sleep(time.Millisecond)
	}
}

// sweep removes what a lost leave message would keep in the room for 20 s. The wire prevents nearly all of them.
func (l *leg) sweep() {
	l.mu.Lock()
	who, sid := &livekit.RoomParticipantIdentity{Room: l.roomName, Identity: l.identity}, l.sid
	l.mu.Unlock()
	rooms := l.b.rooms()
	for range ghostChecks {
		time.Sleep(ghostCheckAfter)
		if l.b.stopped.fired() {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		p, err := rooms.GetParticipant(ctx, who)
		if err == nil && p.Sid == sid {
			_, err = rooms.RemoveParticipant(ctx, who)
			l.b.log.Infow("removed a ghost", "call", l.id, "error", err)
		}
		cancel()
		if err == nil || isNotFound(err) {
			return
		}
	}
}

// isNotFound tells that the server knows no such participant or room, which is what a sweep hopes for.
func isNotFound(err error) bool {
	var coded interface{ Code() twirp.ErrorCode }
	return errors.As(err, &coded) && coded.Code() == twirp.NotFound
}
