package main

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"
)

func TestOutboundToneIsHeardBothWays(t *testing.T) {
	t.Parallel()
	d := theLine.join(t, roomOf(t))
	d.publish(t, "tone:1000")
	r := d.dialUp(t, "+12125550100")
	if r.took < 1100*time.Millisecond {
		t.Errorf("answered after %s, the script says 1.2 s", r.took)
	}
	d.untilStatus(t, "active")
	if got, want := d.seen(), []string{"dialing", "ringing", "active"}; !slices.Equal(got, want) {
		t.Errorf("statuses %v, want %v", got, want)
	}
	h := hears(t, "the desk", d.ear, 1)
	if !near(h.Hz, 440, 1) || h.RMS < 0.19 || h.RMS > 0.23 {
		t.Errorf("the desk hears %+v, want 440 Hz at 0.21", h)
	}
	var far callReport
	d.until(t, "the phone hears the desk", 5*time.Second, func() bool { far = theLine.call(t, r.id(), ""); return far.Heard.Seconds >= 1 })
	if !near(far.Heard.Hz, 1000, 1) || far.Heard.RMS < 0.19 || far.Heard.Codec != "audio/pcmu" || far.Heard.Lost > 0 {
		t.Errorf("the phone hears %+v, want 1000 Hz", far.Heard)
	}
	if far.Direction != "outbound" || far.From != demoNumber || far.To != "+12125550100" || !far.Rang || !far.Answered || far.State != stateActive {
		t.Errorf("report %+v", far)
	}
	for _, k := range []string{"sip.callID", "sip.callIDFull", "sip.callTag", "sip.hostname", "sip.phoneNumber", "sip.trunkID", "sip.trunkPhoneNumber"} {
		d.mu.Lock()
		if d.attrs[k] == "" {
			t.Errorf("attribute %s is missing of %v", k, d.attrs)
		}
		d.mu.Unlock()
	}
}

func TestOutboundFailures(t *testing.T) {
	t.Parallel()
	rings, dials := []string{"dialing", "ringing"}, []string{"dialing"}
	for _, c := range []struct {
		number, name string
		status       int
		code, meta   string
		statuses     []string
		reason       livekit.DisconnectReason
	}{
		{"11", "busy", 429, "resource_exhausted", "486", rings, livekit.DisconnectReason_USER_REJECTED},
		{"12", "not in service", 404, "not_found", "404", dials, livekit.DisconnectReason_USER_UNAVAILABLE},
		{"13", "declines", 403, "permission_denied", "603", rings, livekit.DisconnectReason_USER_REJECTED},
		{"14", "unavailable", 429, "resource_exhausted", "480", dials, livekit.DisconnectReason_USER_UNAVAILABLE},
		{"15", "line fails", 412, "failed_precondition", "503", dials, livekit.DisconnectReason_CLIENT_INITIATED},
		{"16", "refused", 403, "permission_denied", "403", dials, livekit.DisconnectReason_USER_REJECTED},
		{"19", "early media then busy", 429, "resource_exhausted", "486", rings, livekit.DisconnectReason_USER_REJECTED},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d, got := (*desk)(nil), livekit.DisconnectReason_UNKNOWN_REASON
			// Once, on a busy machine, a leave was told without its reason, and why is not known; then the number is dialled again. A
			// leave that never has one still fails.
			for try := 0; try < 3 && got == livekit.DisconnectReason_UNKNOWN_REASON; try++ {
				d = theLine.join(t, fmt.Sprintf("%s-%d", roomOf(t), try))
				r := d.dial(t, "+161755501"+c.number, nil)
				if r.status != c.status || r.answer["code"] != c.code || r.meta() != c.meta {
					t.Errorf("API answered %d %v, want %d %s with %s", r.status, r.answer, c.status, c.code, c.meta)
				}
				got = d.untilLeft(t, 6*time.Second)
			}
			if got != c.reason {
				t.Errorf("left with %s, want %s", got, c.reason)
			}
			if got := d.seen(); !slices.Equal(got, c.statuses) {
				t.Errorf("statuses %v, want %v", got, c.statuses)
			}
		})
	}
}

func TestOutboundErrorJSONIsTheBridges(t *testing.T) {
	t.Parallel()
	d := theLine.join(t, roomOf(t))
	r := d.dial(t, "+12125550111", nil)
	meta, _ := r.answer["meta"].(map[string]any)
	if r.answer["msg"] != "twirp error unknown: INVITE failed: sip status: 486: Busy Here" || meta["sip_status"] != "Busy Here" || meta["error_details"] == nil {
		t.Errorf("busy reads %v", r.answer)
	}
}

func TestOutboundNoAnswer(t *testing.T) {
	t.Parallel()
	d := theLine.join(t, roomOf(t))
	r := d.dial(t, "+12125550105", map[string]any{"ringing_timeout": "2s"})
	if r.status != http.StatusRequestTimeout || r.answer["code"] != "canceled" || r.meta() != "" || !strings.Contains(fmt.Sprint(r.answer["msg"]), "sip request timed out") {
		t.Errorf("API answered %d %v", r.status, r.answer)
	}
	if got := d.untilLeft(t, 6*time.Second); got != livekit.DisconnectReason_USER_UNAVAILABLE {
		t.Errorf("left with %s", got)
	}
}

func TestOutboundCancelByRemoveParticipant(t *testing.T) {
	t.Parallel()
	d := theLine.join(t, roomOf(t))
	result := make(chan dialResult, 1)
	go func() { result <- d.dial(t, "+12125550105", nil) }()
	d.untilStatus(t, "ringing")
	if got := d.remove(t); got != http.StatusOK {
		t.Fatalf("RemoveParticipant answered %d", got)
	}
	if r := <-result; r.answer["code"] != "canceled" {
		t.Errorf("API answered %d %v", r.status, r.answer)
	}
	if got := d.untilLeft(t, 6*time.Second); got != livekit.DisconnectReason_PARTICIPANT_REMOVED {
		t.Errorf("left with %s", got)
	}
	answer := theLine.control(t, http.MethodGet, "/calls?room="+d.name, nil, http.StatusOK)
	id := answer["calls"].([]any)[0].(map[string]any)["id"].(string)
	r := theLine.call(t, id, "?until=over")
	if r.Ended == nil || r.Ended.By != byDesk || r.Ended.Code == nil || *r.Ended.Code != 487 || r.Answered {
		t.Errorf("the phone says %+v", r.Ended)
	}
}

func TestOutboundGivingUpTheRequestDoesNotCancel(t *testing.T) {
	t.Parallel()
	d := theLine.join(t, roomOf(t))
	r := d.dial(t, "+12125550105", map[string]any{"wait_until_answered": false})
	if r.status != http.StatusOK {
		t.Fatalf("without waiting the API answered %d after %s", r.status, r.took)
	}
	d.untilStatus(t, "ringing")
	if rep := theLine.call(t, r.id(), "?until=over&wait_ms=700"); rep.Over {
		t.Errorf("the phone stopped ringing: %+v", rep.Ended)
	}
	d.remove(t)
}

func TestOutboundFarEndHangsUp(t *testing.T) {
	t.Parallel()
	d := theLine.join(t, roomOf(t))
	r := d.dialUp(t, "+12125550107")
	up := time.Now()
	if got := d.untilLeft(t, 8*time.Second); got != livekit.DisconnectReason_CLIENT_INITIATED {
		t.Errorf("left with %s", got)
	}
	if took := time.Since(up); took < 1800*time.Millisecond {
		t.Errorf("hung up after %s", took)
	}
	if got := d.seen(); got[len(got)-1] != "hangup" {
		t.Errorf("statuses %v do not end with hangup", got)
	}
	if rep := theLine.call(t, r.id(), "?until=over"); rep.Ended == nil || rep.Ended.By != byFar || rep.Ended.Code != nil {
		t.Errorf("the phone says %+v", rep.Ended)
	}
}

func TestOutboundDeskHangsUp(t *testing.T) {
	t.Parallel()
	for name, hangUp := range map[string]func(*testing.T, *desk){
		"RemoveParticipant": func(t *testing.T, d *desk) { d.remove(t) },
		"DeleteRoom": func(t *testing.T, d *desk) {
			d.line.twirp(t, "RoomService/DeleteRoom", d.name, map[string]any{"room": d.name})
		},
		"EndCall": func(t *testing.T, d *desk) {
			wait := 4 * time.Second
			_, err := d.room.LocalParticipant.PerformRpc(lksdk.PerformRpcParams{DestinationIdentity: "leg", Method: "lk.sip.EndCall", Payload: "{}", ResponseTimeout: &wait})
			if err == nil { // the real bridge is gone before it can answer
				t.Error("EndCall of an outbound leg answered")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := theLine.join(t, roomOf(t))
			r := d.dialUp(t, "+12125550100")
			hangUp(t, d)
			rep := theLine.call(t, r.id(), "?until=over")
			if rep.Ended == nil || rep.Ended.By != byDesk {
				t.Errorf("the phone says %+v", rep.Ended)
			}
			hangup := slices.Contains(d.seen(), "hangup")
			if hangup != (name == "EndCall") {
				t.Errorf("statuses %v", d.seen())
			}
		})
	}
}

func TestOutboundKeysBothWays(t *testing.T) {
	t.Parallel()
	d := theLine.join(t, roomOf(t))
	r := d.dialUp(t, "+12125550104")
	for _, k := range "7*9" {
		err := d.room.LocalParticipant.PublishDataPacket(&livekit.SipDTMF{Code: keyCode(k), Digit: string(k)}, lksdk.WithDataPublishReliable(true))
		if err != nil {
			t.Fatal(err)
		}
	}
	d.until(t, "the keys 123# arrive", 5*time.Second, func() bool { return d.keys == "123#" })
	// Both sides send at once: ours may come after theirs.
	d.until(t, "the phone gets the keys 7*9", 5*time.Second, func() bool { return theLine.call(t, r.id(), "").Keys == "7*9" })
}

func TestOutboundKeysAreReadBack(t *testing.T) {
	t.Parallel()
	d := theLine.join(t, roomOf(t))
	d.dialUp(t, "+12125550103")
	hears(t, "the desk", d.ear, 0.3)
	settles(t, "the end of the beep", d.ear, func(r heardReport) bool { return r.Seconds == 0 })
	if err := d.room.LocalParticipant.PublishDataPacket(&livekit.SipDTMF{Code: 5, Digit: "5"}, lksdk.WithDataPublishReliable(true)); err != nil {
		t.Fatal(err)
	}
	if h := hears(t, "the desk", d.ear, 0.1); !near(h.Hz, 770, 15) && !near(h.Hz, 1336, 15) {
		t.Errorf("read back %+v, want the key tone of 5", h)
	}
}

func TestOutboundEcho(t *testing.T) {
	t.Parallel()
	d := theLine.join(t, roomOf(t))
	d.publish(t, "tone:700")
	d.dialUp(t, "+12125550102")
	if h := hears(t, "the desk", d.ear, 1); !near(h.Hz, 700, 1) || h.RMS < 0.15 {
		t.Errorf("echo is %+v", h)
	}
}

func TestOutboundGreetingAndRecording(t *testing.T) {
	t.Parallel()
	d := theLine.join(t, roomOf(t))
	d.publishOpus(t)
	r := d.dialUp(t, "+12125550101")
	h := hears(t, "the desk", d.ear, 1.5)
	if h.PeakRMS < 0.03 {
		t.Errorf("the greeting is too soft: %+v", h)
	}
	var far callReport
	d.until(t, "the phone hears Opus", 5*time.Second, func() bool { far = theLine.call(t, r.id(), ""); return far.Heard.Seconds >= 1 })
	if far.Heard.Codec != "audio/opus" || far.Heard.DecodeErrors > 0 {
		t.Errorf("the phone hears %+v", far.Heard)
	}
	resp, err := http.Get(theLine.Control + "/calls/" + r.id() + "/audio.ogg")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.Header.Get("Content-Type") != "audio/ogg" {
		t.Fatalf("no recording: %d %v", resp.StatusCode, err)
	}
	frames, err := decodeOgg(b)
	if err != nil || len(frames) < 40 {
		t.Errorf("the recording has %d frames: %v", len(frames), err)
	}
}

func TestOutboundAfterFourSeconds(t *testing.T) {
	t.Parallel()
	d := theLine.join(t, roomOf(t))
	if r := d.dialUp(t, "+12125550106"); r.took < 3900*time.Millisecond {
		t.Errorf("answered after %s", r.took)
	}
}

func TestOutboundGhostStaysListed(t *testing.T) {
	t.Parallel()
	d := theLine.join(t, roomOf(t))
	d.dialUp(t, "+12125550109")
	d.untilStatus(t, "hangup")
	d.stays(t, "listed", func() bool { return d.listed(t) })
	if got := d.untilLeft(t, 30*time.Second); got != livekit.DisconnectReason_CONNECTION_TIMEOUT {
		t.Errorf("left with %s", got)
	}
}

func TestOutboundDropsWithoutGoodbye(t *testing.T) {
	t.Parallel()
	d := theLine.join(t, roomOf(t))
	r := d.dialUp(t, "+12125550108")
	rep := theLine.call(t, r.id(), "?until=over")
	if rep.Ended == nil || rep.Ended.By != byFar {
		t.Fatalf("the phone says %+v", rep)
	}
	d.stays(t, "listed without a goodbye", func() bool { return d.listed(t) && !slices.Contains(d.seen(), "hangup") })
	if got := d.untilLeft(t, 30*time.Second); got != livekit.DisconnectReason_CONNECTION_TIMEOUT {
		t.Errorf("left with %s", got)
	}
}

func TestOutboundRejoinsAsDialing(t *testing.T) {
	t.Parallel()
	d := theLine.join(t, roomOf(t))
	d.publish(t, "tone:1000")
	r := d.dialUp(t, "+12125550110")
	d.until(t, "the phone comes back", 6*time.Second, func() bool { return d.joined == 2 })
	if got := d.untilLeft(t, time.Second); got != livekit.DisconnectReason_UNKNOWN_REASON {
		t.Errorf("left with %s", got)
	}
	if got := d.seen(); got[len(got)-1] != "dialing" {
		t.Errorf("statuses %v do not end with dialing", got)
	}
	d.ear.reset()
	if h := hears(t, "the desk", d.ear, 1); !near(h.Hz, 440, 1) {
		t.Errorf("after the rejoin the desk hears %+v", h)
	}
	theLine.control(t, http.MethodPost, "/calls/"+r.id()+"/heard/reset", nil, http.StatusOK)
	d.until(t, "the phone hears the desk again", 5*time.Second, func() bool { return near(theLine.call(t, r.id(), "").Heard.Hz, 1000, 1) })
	if d.remove(t) != http.StatusOK {
		t.Error("the phone cannot be removed")
	}
	if rep := theLine.call(t, r.id(), "?until=over"); rep.Ended == nil || rep.Ended.By != byDesk {
		t.Errorf("the phone says %+v", rep.Ended)
	}
}

func TestOutboundPacketsStopAndGoOn(t *testing.T) {
	t.Parallel()
	d := theLine.join(t, roomOf(t))
	r := d.dialUp(t, "+12125550118")
	quiet := func() bool { ago := d.ear.report().LastPacket; return ago != nil && *ago > 1500 }
	d.until(t, "the packets stop", 6*time.Second, quiet)
	d.until(t, "the packets go on", 8*time.Second, func() bool { return !quiet() })
	if theLine.call(t, r.id(), "").Over {
		t.Error("the call ended")
	}
}

func TestOutboundSameIdentityAgainCancelsTheFirst(t *testing.T) {
	t.Parallel()
	d := theLine.join(t, roomOf(t))
	first := d.dial(t, "+12125550105", map[string]any{"wait_until_answered": false})
	d.untilStatus(t, "ringing")
	d.dialUp(t, "+12125550100")
	if rep := theLine.call(t, first.id(), "?until=over"); rep.Ended == nil || rep.Ended.By != byDesk || rep.Answered {
		t.Errorf("the first phone says %+v", rep)
	}
}

func TestTransfer(t *testing.T) {
	t.Parallel()
	transfer := func(t *testing.T, d *desk, to string) (int, map[string]any) {
		return d.line.twirp(t, "SIP/TransferSIPParticipant", d.name, map[string]any{"room_name": d.name, "participant_identity": "leg", "transfer_to": to})
	}
	t.Run("answers", func(t *testing.T) {
		t.Parallel()
		d := theLine.join(t, roomOf(t))
		r := d.dialUp(t, "+12125550100")
		if status, answer := transfer(t, d, "tel:+13125550100"); status != http.StatusOK {
			t.Fatalf("transfer answered %d %v", status, answer)
		}
		if got := d.untilLeft(t, 8*time.Second); got != livekit.DisconnectReason_CLIENT_INITIATED {
			t.Errorf("left with %s", got)
		}
		if rep := theLine.call(t, r.id(), "?until=over"); rep.Ended == nil || rep.Ended.By != byTransfer || !slices.Contains(d.seen(), "hangup") {
			t.Errorf("the phone says %+v, the room %v", rep.Ended, d.seen())
		}
	})
	t.Run("busy", func(t *testing.T) {
		t.Parallel()
		d := theLine.join(t, roomOf(t))
		r := d.dialUp(t, "+12125550100")
		status, answer := transfer(t, d, "sip:+13125550111@127.0.0.1")
		if status != http.StatusTooManyRequests || (dialResult{answer: answer}).meta() != "486" {
			t.Errorf("transfer answered %d %v", status, answer)
		}
		if theLine.call(t, r.id(), "").Over {
			t.Error("the call did not stay up")
		}
	})
}

func TestOutboundIsAnsweredByControl(t *testing.T) {
	t.Parallel()
	d := theLine.join(t, roomOf(t))
	r := d.dial(t, "+12125550105", map[string]any{"wait_until_answered": false})
	d.untilStatus(t, "ringing")
	theLine.control(t, http.MethodPost, "/calls/"+r.id()+"/answer", nil, http.StatusOK)
	d.untilStatus(t, "active")
	theLine.control(t, http.MethodPost, "/calls/"+r.id()+"/says", map[string]any{"says": "tone:620"}, http.StatusOK)
	settles(t, "the new tone", d.ear, func(r heardReport) bool { return near(r.Hz, 620, 1) })
	if h := hears(t, "the desk", d.ear, 1); !near(h.Hz, 620, 1) {
		t.Errorf("the desk hears %+v", h)
	}
	rep := theLine.control(t, http.MethodPost, "/calls/"+r.id()+"/hangup", nil, http.StatusOK)
	if rep["over"] != true {
		t.Errorf("hangup answered %v", rep["state"])
	}
	theLine.control(t, http.MethodPost, "/calls/"+r.id()+"/keys", map[string]any{"keys": "1"}, http.StatusConflict)
}

// A leave that the server loses leaves a ghost; -tidy must never let that happen.
func TestTidyLeavesNoGhosts(t *testing.T) {
	t.Parallel()
	d := theLine.join(t, roomOf(t))
	theLine.control(t, http.MethodPut, "/numbers/+12125550177", map[string]any{"ring_after_ms": 0, "answer_after_ms": 0, "hangup_after_ms": 200}, http.StatusOK)
	for i := range 15 {
		d.update(func() { d.left = nil })
		if r := d.dial(t, "+12125550177", nil); r.status != http.StatusOK {
			t.Fatalf("round %d: %d %v", i, r.status, r.answer)
		}
		// LiveKit tells of one who was hardly there up to 3 s late; a ghost would stay for 20 s.
		// On a loaded machine a lost leave is swept up, which reads as a removal.
		if got := d.untilLeft(t, 6*time.Second); got != livekit.DisconnectReason_CLIENT_INITIATED && got != livekit.DisconnectReason_PARTICIPANT_REMOVED {
			t.Errorf("round %d: left with %s", i, got)
		}
	}
}
