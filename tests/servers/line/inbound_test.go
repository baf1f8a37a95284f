package main

import (
	"net/http"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"
)

func (d *desk) removeCaller(t *testing.T, identity string) {
	t.Helper()
	if status, answer := d.line.twirp(t, "RoomService/RemoveParticipant", d.name, map[string]any{"room": d.name, "identity": identity}); status != http.StatusOK {
		t.Fatalf("RemoveParticipant answered %d %v", status, answer)
	}
}

func TestInboundIsAnsweredByPublishing(t *testing.T) {
	t.Parallel()
	r := theLine.ringIn(t, map[string]any{"from": "+13125550141", "says": "tone:500", "send_keys": "42"})
	if !regexp.MustCompile(`^inbound-_\+13125550141_`).MatchString(r.Room) || r.Identity != "sip_+13125550141" || r.Direction != "inbound" {
		t.Errorf("report %+v", r)
	}
	d := theLine.join(t, r.Room)
	if got := d.seen(); !slices.Equal(got, []string{"ringing"}) {
		t.Errorf("statuses at the join %v", got)
	}
	for _, k := range []string{"sip.callID", "sip.callIDFull", "sip.callTag", "sip.hostname", "sip.phoneNumber", "sip.ruleID", "sip.trunkID", "sip.trunkPhoneNumber"} {
		if d.attrs[k] == "" {
			t.Errorf("attribute %s is missing of %v", k, d.attrs)
		}
	}
	if theLine.call(t, r.ID, "?until=answered&wait_ms=300").Answered {
		t.Fatal("joining alone answered the call")
	}
	d.publish(t, "tone:900")
	d.untilStatus(t, "active")
	if h := hears(t, "the desk", d.ear, 1); !near(h.Hz, 500, 1) {
		t.Errorf("the desk hears %+v", h)
	}
	d.until(t, "the caller hears the desk", 5*time.Second, func() bool { return near(theLine.call(t, r.ID, "").Heard.Hz, 900, 1) })
	d.until(t, "the caller's keys", 5*time.Second, func() bool { return d.keys == "42" })
	d.removeCaller(t, r.Identity)
	if rep := theLine.call(t, r.ID, "?until=over"); rep.Ended == nil || rep.Ended.By != byDesk || rep.Ended.Code != nil {
		t.Errorf("the caller says %+v", rep.Ended)
	}
}

func TestInboundCallerGivesUp(t *testing.T) {
	t.Parallel()
	r := theLine.ringIn(t, map[string]any{"give_up_ms": 800})
	d := theLine.join(t, r.Room)
	d.untilStatus(t, "hangup")
	if got := d.untilLeft(t, 6*time.Second); got != livekit.DisconnectReason_CLIENT_INITIATED {
		t.Errorf("left with %s", got)
	}
	if rep := theLine.call(t, r.ID, "?until=over"); rep.Ended == nil || rep.Ended.By != byFar || *rep.Ended.Code != 487 {
		t.Errorf("the caller says %+v", rep.Ended)
	}
}

func TestInboundRingingTimeoutOfTheTrunk(t *testing.T) {
	t.Parallel()
	p := startProcess(t) // a trunk of its own
	p.control(t, http.MethodPost, "/ringing", map[string]any{"limit_ms": 700}, http.StatusOK)
	r := p.ringIn(t, map[string]any{})
	d := p.join(t, r.Room)
	if got := d.untilLeft(t, 6*time.Second); got != livekit.DisconnectReason_CLIENT_INITIATED {
		t.Errorf("left with %s", got)
	}
	if slices.Contains(d.seen(), "hangup") {
		t.Errorf("statuses %v: a timeout tells none", d.seen())
	}
	if rep := p.call(t, r.ID, "?until=over"); rep.Ended == nil || rep.Ended.By != byTimeout || *rep.Ended.Code != 486 {
		t.Errorf("the caller says %+v", rep.Ended)
	}
	p.control(t, http.MethodPost, "/ringing", map[string]any{}, http.StatusOK)
	again := p.ringIn(t, map[string]any{})
	if p.call(t, again.ID, "?until=over&wait_ms=1500").Over {
		t.Error("the timeout is still there")
	}
	p.control(t, http.MethodPost, "/ringing", map[string]any{"limit_ms": -1}, http.StatusBadRequest)
}

func TestInboundDeclined(t *testing.T) {
	t.Parallel()
	for name, decline := range map[string]func(*testing.T, *desk, callReport){
		"RemoveParticipant": func(t *testing.T, d *desk, r callReport) { d.removeCaller(t, r.Identity) },
		"DeleteRoom": func(t *testing.T, d *desk, _ callReport) {
			d.line.twirp(t, "RoomService/DeleteRoom", d.name, map[string]any{"room": d.name})
		},
		"EndCall": func(t *testing.T, d *desk, r callReport) {
			answer, err := d.room.LocalParticipant.PerformRpc(lksdk.PerformRpcParams{DestinationIdentity: r.Identity, Method: "lk.sip.EndCall", Payload: "{}"})
			if err != nil || *answer != "{}" {
				t.Errorf("EndCall: %v", err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := theLine.ringIn(t, map[string]any{})
			d := theLine.join(t, r.Room)
			decline(t, d, r)
			rep := theLine.call(t, r.ID, "?until=over")
			if rep.Ended == nil || rep.Ended.By != byDesk || rep.Ended.Code == nil || *rep.Ended.Code != 486 || rep.Answered {
				t.Errorf("the caller says %+v", rep.Ended)
			}
		})
	}
}

func TestInboundCallerHangsUpAfterTheAnswer(t *testing.T) {
	t.Parallel()
	r := theLine.ringIn(t, map[string]any{"hangup_ms": 500})
	d := theLine.join(t, r.Room)
	d.publish(t, "silence")
	d.untilStatus(t, "hangup")
	if got := d.untilLeft(t, 6*time.Second); got != livekit.DisconnectReason_CLIENT_INITIATED {
		t.Errorf("left with %s", got)
	}
	if rep := theLine.call(t, r.ID, "?until=over"); rep.Ended == nil || rep.Ended.By != byFar || rep.AnsweredMS == nil {
		t.Errorf("the caller says %+v", rep)
	}
}

func TestInboundRingOnly(t *testing.T) {
	t.Parallel()
	r := theLine.ringIn(t, map[string]any{"ring_only": true})
	d := theLine.join(t, r.Room)
	d.publish(t, "silence")
	if rep := theLine.call(t, r.ID, "?until=over"); rep.Ended == nil || rep.Ended.By != byFar || !rep.Answered {
		t.Errorf("the caller says %+v", rep)
	}
}

func TestInboundWithoutATrunkHasNoRoom(t *testing.T) {
	t.Parallel()
	answer := theLine.control(t, http.MethodPost, "/calls", map[string]any{"from": "+13125550142", "to": "+12025550199"}, http.StatusCreated)
	r := theLine.call(t, answer["id"].(string), "?until=over")
	if r.Ended == nil || r.Ended.By != byLine || r.Room != "" || r.Answered {
		t.Errorf("report %+v", r)
	}
}

func TestInboundTrunkWithPassword(t *testing.T) {
	t.Parallel()
	number := "+12025550188"
	status, trunk := theLine.twirp(t, "SIP/CreateSIPInboundTrunk", "", map[string]any{"trunk": map[string]any{"name": "locked", "numbers": []string{number}, "auth_username": "u", "auth_password": "p"}})
	if status != http.StatusOK {
		t.Fatalf("no trunk: %v", trunk)
	}
	t.Cleanup(func() {
		theLine.twirp(t, "SIP/DeleteSIPTrunk", "", map[string]any{"sip_trunk_id": trunk["sip_trunk_id"]})
	})
	theLine.twirp(t, "SIP/CreateSIPDispatchRule", "", map[string]any{"dispatch_rule": map[string]any{"name": "locked", "trunk_ids": []any{trunk["sip_trunk_id"]},
		"attributes": map[string]string{"desk.queue": "sales"}, "rule": map[string]any{"dispatch_rule_individual": map[string]any{"room_prefix": "locked"}}}})
	answer := theLine.control(t, http.MethodPost, "/calls", map[string]any{"from": "+13125550142", "to": number}, http.StatusCreated)
	if r := theLine.call(t, answer["id"].(string), "?until=over"); r.Ended == nil || r.Ended.Code == nil || *r.Ended.Code != 407 {
		t.Errorf("without a password: %+v", r.Ended)
	}
	r := theLine.ringIn(t, map[string]any{"to": number, "user": "u", "password": "p"})
	d := theLine.join(t, r.Room)
	if d.attrs["desk.queue"] != "sales" {
		t.Errorf("the rule's attributes did not arrive: %v", d.attrs)
	}
	theLine.control(t, http.MethodPost, "/calls/"+r.ID+"/hangup", nil, http.StatusOK)
}

func TestSecondPhoneInARingingRoomAnswersBoth(t *testing.T) {
	t.Parallel()
	r := theLine.ringIn(t, map[string]any{})
	d := theLine.join(t, r.Room)
	d.dial(t, "+12125550105", map[string]any{"wait_until_answered": false})
	if rep := theLine.call(t, r.ID, "?until=answered"); !rep.Answered {
		t.Error("the caller still rings")
	}
	d.remove(t)
}

func TestMediaOrders(t *testing.T) {
	t.Parallel()
	r := theLine.ringIn(t, map[string]any{})
	theLine.control(t, http.MethodPost, "/calls/"+r.ID+"/media", map[string]any{"mode": "stop"}, http.StatusConflict)
	d := theLine.join(t, r.Room)
	d.publish(t, "silence")
	hears(t, "the desk", d.ear, 0.5)
	theLine.control(t, http.MethodPost, "/calls/"+r.ID+"/media", map[string]any{"mode": "stop", "for_ms": 800}, http.StatusOK)
	d.until(t, "the packets stop", 3*time.Second, func() bool { return *d.ear.report().LastPacket > 400 })
	d.until(t, "the packets go on", 3*time.Second, func() bool { return *d.ear.report().LastPacket < 100 })
	theLine.control(t, http.MethodPost, "/calls/"+r.ID+"/media", map[string]any{"mode": "delay", "delay_ms": 500}, http.StatusOK)
	d.until(t, "the delay is felt once", 3*time.Second, func() bool { return *d.ear.report().LastPacket > 300 })
	d.until(t, "delayed packets flow", 3*time.Second, func() bool { return *d.ear.report().LastPacket < 100 })
	theLine.control(t, http.MethodPost, "/calls/"+r.ID+"/media", map[string]any{"mode": "flow"}, http.StatusOK)
	theLine.control(t, http.MethodPost, "/calls/"+r.ID+"/drop", nil, http.StatusOK)
	if rep := theLine.call(t, r.ID, "?until=over"); rep.Ended == nil || rep.Ended.By != byFar {
		t.Errorf("the caller says %+v", rep.Ended)
	}
}

func TestMutedDeskIsSilentButPacketsGoOn(t *testing.T) {
	t.Parallel()
	r := theLine.ringIn(t, map[string]any{})
	d := theLine.join(t, r.Room)
	d.publish(t, "tone:800")
	d.until(t, "the caller hears the desk", 5*time.Second, func() bool { return theLine.call(t, r.ID, "").Heard.Seconds > 0.3 })
	d.out.speak(silence{}, queueLimit)
	reset := func() { theLine.control(t, http.MethodPost, "/calls/"+r.ID+"/heard/reset", nil, http.StatusOK) }
	reset()
	var h heardReport
	d.until(t, "packets of silence", 5*time.Second, func() bool {
		h = theLine.call(t, r.ID, "").Heard
		if h.Seconds > 0 {
			reset() // that was on its way
			return false
		}
		return h.Packets >= 40
	})
	if h.Seconds != 0 || h.Hz != nil || h.DBFS != nil || h.RMS != 0 {
		t.Errorf("the caller hears %+v", h)
	}
	theLine.control(t, http.MethodPost, "/calls/"+r.ID+"/hangup", nil, http.StatusOK)
}
