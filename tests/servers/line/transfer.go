package main

import (
	"context"
	"time"

	"github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/rpc"
	"github.com/livekit/psrpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

// TransferSIPParticipant is the server asking the phone to call somebody else (REFER). The target's script decides.
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
		return nil, psrpc.NewErrorf(psrpc.Canceled, "refer canceled")
	}
	l.note("transfer", "asked to %s", req.TransferTo)
	s := b.numbers.of(req.TransferTo)
	var final <-chan time.Time
	if s.AnswerAfter >= 0 {
		final = time.After(ms(max(s.RingAfter, 0) + s.AnswerAfter))
	}
	select {
	case <-ctx.Done():
		return nil, psrpc.NewErrorf(psrpc.Canceled, "refer canceled")
	case <-l.over.ch: // the phone hung up while it was being transferred: as far as it goes, done
		return &emptypb.Empty{}, nil
	case <-final:
	}
	if s.Code != 0 { // the call stays up
		st := &livekit.SIPStatus{Code: livekit.SIPStatusCode(s.Code), Status: s.Reason}
		l.note("transfer", "refused: %d %s", s.Code, s.Reason)
		return nil, sipError("call transfer failed", st)
	}
	l.note("transfer", "done")
	l.after(1000, func() {
		l.end(ending{by: byTransfer, why: "The call was transferred to " + req.TransferTo + ".", hangup: true, reason: livekit.DisconnectReason_CLIENT_INITIATED})
	})
	return &emptypb.Empty{}, nil
}
