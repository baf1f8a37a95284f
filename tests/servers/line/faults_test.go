//go:build unix

package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"
)

func (p *process) fault(t *testing.T, name string) map[string]any {
	t.Helper()
	return p.control(t, http.MethodPost, "/faults/"+name, nil, http.StatusOK)
}

// untilDialled calls a number that answers until the server can do so again.
func (p *process) untilDialled(t *testing.T, room string) {
	t.Helper()
	nobody := desk{line: p.testLine, name: room}
	for deadline := time.Now().Add(20 * time.Second); ; {
		r := nobody.dial(t, "+12125550100", nil)
		if r.status == http.StatusOK {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the API still answers %d %v", r.status, r.answer)
		}
	}
}

func TestFaultBridgeKilledLeavesGhosts(t *testing.T) {
	t.Parallel()
	p := startProcess(t)
	d := p.join(t, roomOf(t))
	r := d.dialUp(t, "+12125550100")
	ringing := p.ringIn(t, map[string]any{})
	hears(t, "the desk", d.ear, 0.3)
	killed := time.Now()
	if s := p.fault(t, "bridge_kill"); s["bridge"] != serverStopped || s["server"] != serverRunning {
		t.Errorf("state %v", s)
	}
	d.until(t, "the sound stops", 5*time.Second, func() bool { return *d.ear.report().LastPacket > 1000 })
	for _, id := range []string{r.id(), ringing.ID} {
		if rep := p.call(t, id, ""); rep.Ended == nil || rep.Ended.By != byBridge {
			t.Errorf("the phone says %+v", rep.Ended)
		}
	}
	if !d.listed(t) || slices.Contains(d.seen(), "hangup") || len(d.left) > 0 {
		t.Errorf("listed %t, statuses %v, left %v", d.listed(t), d.seen(), d.left)
	}
	again := p.join(t, "another").dial(t, "+12125550100", nil)
	if again.status != http.StatusServiceUnavailable || again.answer["code"] != "unavailable" {
		t.Errorf("without a bridge the API answers %d %v", again.status, again.answer)
	}
	in := p.control(t, http.MethodPost, "/calls", map[string]any{"from": "+13125550142"}, http.StatusCreated)
	if rep := p.call(t, in["id"].(string), "?until=over"); rep.Ended == nil || rep.Ended.By != byBridge || rep.Room != "" {
		t.Errorf("a caller says %+v", rep)
	}
	if s := p.fault(t, "bridge_start"); s["bridge"] != serverRunning {
		t.Errorf("state %v", s)
	}
	p.join(t, "after").dialUp(t, "+12125550100")
	p.ringIn(t, map[string]any{})
	if got := d.untilLeft(t, 40*time.Second); got != livekit.DisconnectReason_CONNECTION_TIMEOUT {
		t.Errorf("left with %s", got)
	}
	if took := time.Since(killed); took < 15*time.Second {
		t.Errorf("the ghost was gone after %s", took)
	}
}

func TestFaultRedisEmptiedDeniesALegThatIsUp(t *testing.T) {
	t.Parallel()
	for _, how := range [][]string{{"redis_flush"}, {"redis_stop", "redis_start"}} {
		t.Run(how[0], func(t *testing.T) {
			t.Parallel()
			p := startProcess(t)
			d := p.join(t, roomOf(t))
			r := d.dialUp(t, "+12125550100")
			hears(t, "the desk", d.ear, 0.3)
			for _, f := range how {
				p.fault(t, f)
			}
			if status, answer := p.twirp(t, "RoomService/RemoveParticipant", d.name, map[string]any{"room": d.name, "identity": "leg"}); status != http.StatusNotFound {
				t.Errorf("RemoveParticipant answered %d %v", status, answer)
			}
			if _, answer := p.twirp(t, "RoomService/ListRooms", "", map[string]any{}); fmt.Sprint(answer["rooms"]) != "[]" {
				t.Errorf("rooms are %v", answer)
			}
			if _, answer := p.twirp(t, "SIP/ListSIPOutboundTrunk", "", map[string]any{}); fmt.Sprint(answer["items"]) != "[]" {
				t.Errorf("trunks are %v", answer)
			}
			d.ear.reset()
			hears(t, "the desk", d.ear, 0.5) // the call itself goes on
			if p.call(t, r.id(), "").Over {
				t.Error("the call ended")
			}
			p.fault(t, "redis_restore")
			p.untilDialled(t, "another") // the same trunk id as before
			p.ringIn(t, map[string]any{})
			// What still works needs no Redis: the phone is told through the call itself.
			wait := 4 * time.Second
			_, _ = d.room.LocalParticipant.PerformRpc(lksdk.PerformRpcParams{DestinationIdentity: "leg", Method: "lk.sip.EndCall", Payload: "{}", ResponseTimeout: &wait})
			if rep := p.call(t, r.id(), "?until=over&wait_ms=10000"); rep.Ended == nil || rep.Ended.By != byDesk {
				t.Errorf("after EndCall the phone says %+v", rep.Ended)
			}
		})
	}
}

func TestFaultRedisDown(t *testing.T) {
	t.Parallel()
	p := startProcess(t)
	if status, answer := p.ask(t, http.MethodPost, "/faults/redis_restore", nil); status != http.StatusConflict || !strings.Contains(fmt.Sprint(answer["error"]), "nothing was lost") {
		t.Errorf("restore answered %d %v", status, answer)
	}
	if s := p.fault(t, "redis_stop"); s["redis"] != serverStopped {
		t.Errorf("state %v", s)
	}
	if status, answer := p.twirp(t, "RoomService/ListRooms", "", map[string]any{}); status != http.StatusInternalServerError {
		t.Errorf("without Redis the API answers %d %v", status, answer)
	}
	if status, _ := p.ask(t, http.MethodPost, "/faults/redis_restore", nil); status != http.StatusConflict {
		t.Errorf("restore of a stopped Redis answered %d", status)
	}
	if s := p.fault(t, "redis_start"); s["redis"] != serverRunning {
		t.Errorf("state %v", s)
	}
	p.fault(t, "redis_restore")
	p.untilDialled(t, roomOf(t))
	outside := startProcess(t, "-redis", p.Redis)
	if status, _ := outside.ask(t, http.MethodPost, "/faults/redis_flush", nil); status != http.StatusConflict {
		t.Errorf("a Redis of somebody else was emptied: %d", status)
	}
}
