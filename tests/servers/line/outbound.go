package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"time"

	"github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/rpc"
	"github.com/livekit/protocol/sip"
	"github.com/livekit/psrpc"
)

var (
	errNoAnswer = errors.New("sip request timed out")
	errNoLogin  = errors.New("sip server required auth, but no username or password was provided")
	errBadLogin = errors.New("max auth retry attempts reached for SIP invite")
)

// CreateSIPParticipant is the server asking for an outbound call.
func (b *bridge) CreateSIPParticipant(ctx context.Context, req *rpc.InternalCreateSIPParticipantRequest) (*rpc.InternalCreateSIPParticipantResponse, error) {
	req.Upgrade()
	if req.RoomName == "" {
		return nil, psrpc.NewErrorf(psrpc.InvalidArgument, "room name must be set")
	}
	attrs := maps.Clone(req.ParticipantAttributes)
	if attrs == nil {
		attrs = map[string]string{}
	}
	attrs[livekit.AttrSIPCallStatus] = "dialing"
	l := b.add(req.SipCallId, false, req.Number, req.CallTo, b.numbers.between(req.Number, req.CallTo))
	l.login = req.Username != "" && req.Password != ""
	if err := l.join(ctx, req.Token, sip.SIPTokenParams{RoomName: req.RoomName, ParticipantIdentity: req.ParticipantIdentity,
		ParticipantName: req.ParticipantName, ParticipantMetadata: req.ParticipantMetadata, ParticipantAttributes: attrs}); err != nil {
		l.end(ending{by: byRoom, why: "It could not join the room: " + err.Error()})
		return nil, psrpc.NewError(psrpc.Internal, fmt.Errorf("update room failed: %w", err))
	}
	resp := &rpc.InternalCreateSIPParticipantResponse{ParticipantId: l.sid, ParticipantIdentity: l.identity, SipCallId: req.SipCallId}
	if !req.WaitUntilAnswered {
		go func() {
			if l.dial(context.WithoutCancel(ctx), req) == nil {
				l.stay(req.MaxCallDuration.AsDuration())
			}
		}()
		return resp, nil
	}
	if err := l.dial(ctx, req); err != nil {
		if b.down.Load() { // a killed bridge answers nobody
			<-ctx.Done()
		}
		return nil, err
	}
	go l.stay(req.MaxCallDuration.AsDuration())
	return resp, nil
}

// dial rings the simulated phone until it answers; otherwise the leg is ended and the error is the API's.
func (l *leg) dial(ctx context.Context, req *rpc.InternalCreateSIPParticipantRequest) error {
	limit := req.RingingTimeout.AsDuration()
	if limit <= 0 {
		limit = ringingLimit
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	if req.PlayDialtone { // the European ringing tone, into the room, while it dials
		ring := append(tone(time.Second, 425), make([]frame, 4*time.Second/frameTime)...)
		l.mouth.speak(&clip{frames: ring, repeat: true}, queueLimit)
	}
	s := l.script
	if s.RingAfter >= 0 {
		if err := l.pause(ctx, s.RingAfter); err != nil {
			return err
		}
		l.setState(stateRinging)
		l.status("ringing")
		detail := ""
		if s.EarlyMedia {
			detail = "with early media, which the room does not get"
		}
		l.note("ringing", "%s", detail)
	}
	if err := l.pause(ctx, s.AnswerAfter); err != nil {
		return err
	}
	if s.Code != 0 && !l.answerNow.fired() {
		return l.refuse(s.Code, s.Reason)
	}
	l.mu.Lock()
	room := l.room
	l.mu.Unlock()
	room.LocalParticipant.SetAttributes(map[string]string{attrCallIDFull: newSIPCallID(), attrCallTag: newTag()})
	if req.Dtmf != "" {
		if err := l.automate(ctx, req.Dtmf); err != nil {
			return err
		}
	}
	l.status("active")
	l.answer()
	l.listen()
	return nil
}

// pause waits so long (-1 for ever), or ends the call if something happens meanwhile.
func (l *leg) pause(ctx context.Context, wait int) error {
	var done <-chan time.Time
	if wait >= 0 {
		done = time.After(ms(wait))
	}
	select {
	case <-done:
		return nil
	case <-l.answerNow.ch:
		return nil
	case <-l.byPhone.ch:
		return l.refuse(603, "Decline")
	case <-l.over.ch:
	case <-l.gone.ch:
		e := l.lost()
		e.code, e.reason = 487, livekit.DisconnectReason_USER_UNAVAILABLE
		if l.script.OnCancel == cancelCrosses {
			l.pickUp("too late: it was cancelled")
			e.code = 0
		}
		l.end(e)
	case <-ctx.Done():
		l.timedOut()
	}
	return psrpc.NewError(psrpc.Canceled, errNoAnswer)
}

// timedOut is the end of the ringing timeout: the phone is cancelled, unless its answer crosses that.
func (l *leg) timedOut() {
	e := ending{by: byTimeout, code: 487, why: "Nobody answered in time.", reason: livekit.DisconnectReason_USER_UNAVAILABLE}
	switch l.script.OnCancel {
	case cancelAnswers:
		l.status("active")
		l.pickUp("in the moment of the ringing timeout")
		e.code = 0
	case cancelCrosses:
		l.pickUp("too late: it was cancelled")
		e.code = 0
	}
	l.end(e)
}

// pickUp notes an answer that changes nothing any more.
func (l *leg) pickUp(when string) {
	l.setState(stateActive)
	l.note("answered", "%s", when)
}

// automate plays the keys that were asked for with the call, before it counts as active.
func (l *leg) automate(ctx context.Context, keys string) error {
	l.status("automation")
	for _, k := range keys {
		wait := 250
		if k == 'w' {
			wait = 500
		}
		select {
		case <-time.After(ms(wait)):
		case <-l.over.ch:
			return psrpc.NewError(psrpc.Canceled, errNoAnswer)
		case <-l.gone.ch:
			l.end(l.lost())
			return psrpc.NewError(psrpc.Canceled, errNoAnswer)
		case <-ctx.Done():
			l.end(ending{by: byTimeout, why: "The keys took longer than the ringing timeout.", reason: livekit.DisconnectReason_USER_UNAVAILABLE})
			return psrpc.NewError(psrpc.Canceled, errNoAnswer)
		}
		if k != 'w' {
			l.mu.Lock()
			l.keys += string(k)
			l.mu.Unlock()
			l.note("keys", "%c", k)
		}
	}
	return nil
}

// refuse ends an unanswered call with a final SIP code. Measured on the real bridge for 302, 401, 403, 404, 408, 480,
// 484, 486, 488, 500, 503, 600 and 603; all others follow the same rule, which is one by the class of the code. The
// API's status, its twirp code and its meta are made of the code by LiveKit's own library.
func (l *leg) refuse(code int, reason string) error {
	st := &livekit.SIPStatus{Code: livekit.SIPStatusCode(code), Status: reason}
	why := livekit.DisconnectReason_USER_REJECTED
	switch {
	case code == 404 || code == 408 || code == 480:
		why = livekit.DisconnectReason_USER_UNAVAILABLE
	case code < 400 || code >= 500 && code < 600:
		why = livekit.DisconnectReason_UNKNOWN_REASON // the room reads CLIENT_INITIATED
	}
	l.end(ending{by: byFar, code: code, why: fmt.Sprintf("The far end answered %d %s.", code, reason), reason: why})
	switch code {
	case 401, 407: // the bridge answers a challenge or says why it cannot; the code itself goes nowhere
		switch {
		case l.script.PlainStatus:
		case l.login:
			return psrpc.NewError(psrpc.FailedPrecondition, errBadLogin)
		default:
			return psrpc.NewError(psrpc.FailedPrecondition, errNoLogin)
		}
	case 400, 404, 480, 486, 488:
		return sipError("INVITE failed", st)
	}
	return sipError("unexpected status from INVITE response", st)
}

func newSIPCallID() string { return fmt.Sprintf("%016x@demo-line.invalid", rand.Uint64()) }
func newTag() string       { return fmt.Sprintf("%08x", rand.Uint32()) }
