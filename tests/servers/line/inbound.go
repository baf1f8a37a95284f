package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"time"

	"github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/rpc"
	"github.com/livekit/protocol/sip"
)

// callRequest is the body of POST /calls: somebody rings in.
type callRequest struct {
	From     string `json:"from"`
	To       string `json:"to"`
	Name     string `json:"name"`
	Says     string `json:"says"`
	GiveUp   int    `json:"give_up_ms"`
	Hangup   int    `json:"hangup_ms"`
	SendKeys string `json:"send_keys"`
	User     string `json:"user"`
	Password string `json:"password"`
	RingOnly bool   `json:"ring_only"`
	Crosses  bool   `json:"cancel_on_answer"`
	hostility
}

var partyForm = regexp.MustCompile(`^[+0-9A-Za-z._*#-]{1,64}$`)

func (c *callRequest) check() error {
	if c.To == "" {
		c.To = demoNumber
	}
	if c.Says == "" {
		c.Says = usualScript().Says
	}
	if err := c.checkParty(); err != nil {
		return err
	}
	if err := c.hostility.check(); err != nil {
		return err
	}
	switch {
	case !partyForm.MatchString(c.To):
		return fmt.Errorf("to %q is no number; give one like %s", c.To, demoNumber)
	case c.GiveUp < 0 || c.GiveUp > msLimit || c.Hangup < 0 || c.Hangup > msLimit:
		return errors.New("give_up_ms and hangup_ms go from 0 to a day")
	}
	if err := checkKeys(c.SendKeys); err != nil {
		return err
	}
	_, err := newVoice(c.Says)
	return err
}

// callIn has a phone ring in; it returns at once.
func (b *bridge) callIn(c callRequest) *leg {
	s := usualScript()
	s.Says, s.HangupAfter, s.SendKeys = c.Says, c.Hangup, c.SendKeys
	l := b.add(sip.NewCallID(), true, c.From, c.To, s)
	if b.down.Load() {
		l.end(ending{by: byBridge, why: "The bridge is down: the call reaches nobody."})
		return l
	}
	go l.ring(c)
	return l
}

// reject ends a call that got no room. Without a code it would ring for its caller, but nowhere else.
func (l *leg) reject(code int, why string) {
	if code == 0 {
		l.setState(stateRinging)
	}
	l.end(ending{by: byLine, code: code, why: why})
}

// ring goes the way of an INVITE through livekit-sip: trunk, rule, room, ringing, answer.
func (l *leg) ring(c callRequest) {
	ctx := context.Background()
	uri := func(user string) *livekit.SIPUri { return &livekit.SIPUri{User: user, Host: "127.0.0.1"} }
	sipID := newSIPCallID()
	call := &rpc.SIPCall{LkCallId: l.id, SourceIp: "127.0.0.1", From: uri(c.From), To: uri(c.To), Address: uri(c.To), SipCallId: sipID}
	l.headers = map[string]string{}

	auth, err := l.b.io.GetSIPTrunkAuthentication(ctx, &rpc.GetSIPTrunkAuthenticationRequest{Call: call, SipCallId: l.id,
		From: c.From, FromHost: "127.0.0.1", To: c.To, ToHost: "127.0.0.1", SrcAddress: "127.0.0.1"})
	nobody := fmt.Sprintf("No inbound trunk takes calls to %s; on a real bridge the caller would hear ringing for ever.", c.To)
	switch {
	case err != nil:
		l.reject(503, "The server gave no answer about its trunks: "+err.Error()+".")
		return
	case auth.Drop || auth.ErrorCode != 0:
		l.reject(0, nobody)
		return
	case auth.Username != "" && (auth.Username != c.User || auth.Password != c.Password):
		l.reject(407, "The trunk wants a user and password, and these are not right.")
		return
	}
	d, err := l.b.io.EvaluateSIPDispatchRules(ctx, &rpc.EvaluateSIPDispatchRulesRequest{SipTrunkId: auth.SipTrunkId, Call: call, SipCallId: l.id,
		CallingNumber: c.From, CallingHost: "127.0.0.1", CalledNumber: c.To, CalledHost: "127.0.0.1", SrcAddress: "127.0.0.1"})
	if err != nil {
		l.reject(503, "The server gave no answer about its dispatch rules: "+err.Error()+".")
		return
	}
	d.Upgrade()
	switch d.Result {
	case rpc.SIPDispatchResult_ACCEPT:
	case rpc.SIPDispatchResult_REJECT:
		l.reject(404, "No dispatch rule takes this call.")
		return
	case rpc.SIPDispatchResult_DROP:
		l.reject(0, nobody)
		return
	default:
		l.reject(501, "This line does not simulate "+d.Result.String()+".")
		return
	}
	attrs := maps.Clone(d.ParticipantAttributes)
	if attrs == nil {
		attrs = map[string]string{}
	}
	attrs[attrCallIDFull], attrs[attrCallTag] = sipID, newTag()
	attrs[livekit.AttrSIPCallStatus] = "ringing"
	name := d.ParticipantName
	if c.Name != "" {
		name = c.Name
	}
	room := d.RoomName
	if c.Room != "" {
		room = c.Room
	}
	attrs, later := c.change(attrs)
	p := sip.SIPTokenParams{RoomName: room, ParticipantIdentity: d.ParticipantIdentity,
		ParticipantName: name, ParticipantMetadata: d.ParticipantMetadata, ParticipantAttributes: attrs,
		RoomPreset: d.RoomPreset, RoomConfig: d.RoomConfig}
	if err := l.join(ctx, d.Token, p); err != nil {
		l.reject(486, "It could not join its room: "+err.Error()+".")
		return
	}
	l.setState(stateRinging)
	l.note("ringing", "room %s", room)
	l.listen()
	l.misbehave(ctx, c, p, later)
	if !l.awaitAnswer(c, d.RingingTimeout.AsDuration()) {
		return
	}
	if c.Crosses {
		l.end(ending{by: byFar, code: 487, why: "The caller gave up in the moment of the answer.", hangup: true})
		return
	}
	l.status("active")
	l.answer()
	if c.RingOnly {
		l.leave(endBye)
	}
	l.stay(d.MaxCallDuration.AsDuration())
}

// awaitAnswer rings until somebody publishes audio; false if the call ended instead.
func (l *leg) awaitAnswer(c callRequest, limit time.Duration) bool {
	if limit <= 0 {
		limit = ringingLimit
	}
	var giveUp <-chan time.Time
	if c.GiveUp > 0 {
		giveUp = time.After(ms(c.GiveUp))
	}
	gaveUp := ending{by: byFar, code: 487, why: "The caller gave up.", hangup: true}
	select {
	case <-l.heard.ch:
		return true
	case <-giveUp:
		l.end(gaveUp)
	case <-l.byPhone.ch:
		l.end(gaveUp)
	case <-l.gone.ch:
		e := l.lost()
		e.code = 486
		l.end(e)
	case <-time.After(limit):
		l.end(ending{by: byTimeout, code: 486, why: "Nobody answered within the trunk's ringing timeout."})
	case <-l.over.ch: // EndCall or a dropped connection
	}
	return false
}
