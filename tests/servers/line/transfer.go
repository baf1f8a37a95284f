package main

import (
	"context"
	"errors"
	"time"

	"github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/rpc"
	"github.com/livekit/psrpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

var errTransferring = errors.New("another transfer of this call is pending")

// TransferSIPParticipant is the server asking the phone to call somebody else (REFER). The phone's own script says
// whether it knows REFER at all, the target's script what comes of it: NOTIFY 100, then the final one.
func (b *bridge) TransferSIPParticipant(ctx context.Context, req *rpc.InternalTransferSIPParticipantRequest) (*emptypb.Empty, error) {
	l := b.find(req.SipCallId)
	if l == nil {
		return nil, psrpc.NewErrorf(psrpc.NotFound, "unknown call")
	}
	select { // while it dials livekit-sip holds a lock: the request waits
	case <-l.up.ch:
	case <-l.over.ch:
		return nil, psrpc.NewErrorf(psrpc.FailedPrecondition, "can't transfer non established call")
	case <-ctx.Done():
		return nil, outwaited()
	}
	if l.isOver() {
		return nil, psrpc.NewErrorf(psrpc.FailedPrecondition, "can't transfer hung up call")
	}
	if !l.referring.CompareAndSwap(false, true) {
		return nil, psrpc.NewError(psrpc.FailedPrecondition, errTransferring)
	}
	defer l.referring.Store(false)
	l.mu.Lock()
	l.referTo = req.TransferTo
	l.mu.Unlock()
	l.note("transfer", "asked to %s", req.TransferTo)
	return l.refer(ctx, req.TransferTo, b.numbers.of(req.TransferTo))
}

// refer is the life of one REFER.
func (l *leg) refer(ctx context.Context, to string, target script) (*emptypb.Empty, error) {
	for _, s := range []script{l.script, target} { // the call stays up
		if s.ReferCode != 0 {
			return nil, l.notTransferred(s.ReferCode, reasonPhrase(s.ReferCode))
		}
	}
	var final <-chan time.Time
	if !l.script.ReferSilent && !target.ReferSilent {
		l.note("transfer", "notified: 100 Trying")
		if target.AnswerAfter >= 0 {
			final = time.After(ms(max(target.RingAfter, 0) + target.AnswerAfter))
		}
	}
	select {
	case <-ctx.Done():
		l.note("transfer", "given up: no final answer in time")
		return nil, outwaited()
	case <-l.over.ch: // the phone hung up while it was being transferred: as far as it goes, done
		return &emptypb.Empty{}, nil
	case <-final:
	}
	if target.Code != 0 {
		return nil, l.notTransferred(target.Code, target.Reason)
	}
	l.note("transfer", "done: 200 OK")
	l.after(1000, func() {
		l.end(ending{by: byTransfer, why: "The call was transferred to " + to + ".", hangup: true, reason: livekit.DisconnectReason_CLIENT_INITIATED})
	})
	return &emptypb.Empty{}, nil
}

// outwaited answers a request whose time is over. The server counts the same time and gives up by itself, with "request
// timed out"; that is what was measured, so the answer must not come first.
func outwaited() error {
	time.Sleep(time.Second)
	return psrpc.NewErrorf(psrpc.Canceled, "refer canceled")
}

// notTransferred is the end of a REFER that came to nothing; the call stays up.
func (l *leg) notTransferred(code int, reason string) error {
	l.note("transfer", "refused: %d %s", code, reason)
	return sipError("call transfer failed", &livekit.SIPStatus{Code: livekit.SIPStatusCode(code), Status: reason})
}
