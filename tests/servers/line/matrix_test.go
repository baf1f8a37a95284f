package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/livekit/protocol/livekit"
)

// matrixRow is what the room and the API get for one number of the second table.
type matrixRow struct {
	code   int // 0: no code in the answer
	number string
	status int
	twirp  string
	rings  bool
	reason livekit.DisconnectReason
	says   string // part of the message
}

const (
	busyReason = livekit.DisconnectReason_USER_REJECTED
	awayReason = livekit.DisconnectReason_USER_UNAVAILABLE
	lineReason = livekit.DisconnectReason_CLIENT_INITIATED
)

var sipMatrix = []matrixRow{
	{302, "+13035550102", 404, "not_found", false, lineReason, "unexpected status"},
	{0, "+14045550101", 412, "failed_precondition", false, busyReason, "no username or password"},
	{401, "+17075550101", 403, "permission_denied", false, busyReason, "unexpected status"},
	{403, "+14045550103", 403, "permission_denied", false, busyReason, "unexpected status"},
	{404, "+14045550104", 404, "not_found", false, awayReason, "INVITE failed"},
	{0, "+14045550107", 412, "failed_precondition", false, busyReason, "no username or password"},
	{407, "+17075550107", 401, "unauthenticated", false, busyReason, "unexpected status"},
	{408, "+14045550108", 408, "deadline_exceeded", true, awayReason, ""},
	{410, "+14045550110", 404, "not_found", false, busyReason, ""},
	{415, "+14045550115", 400, "invalid_argument", false, busyReason, ""},
	{480, "+14045550180", 429, "resource_exhausted", true, awayReason, "INVITE failed"},
	{481, "+14045550181", 404, "not_found", false, busyReason, ""},
	{484, "+14045550184", 400, "invalid_argument", false, busyReason, ""},
	{486, "+14045550186", 429, "resource_exhausted", true, busyReason, "INVITE failed"},
	{487, "+14045550187", 409, "aborted", true, busyReason, ""},
	{488, "+14045550188", 400, "invalid_argument", false, busyReason, "INVITE failed"},
	{500, "+15055550100", 412, "failed_precondition", false, lineReason, ""},
	{501, "+15055550101", 412, "failed_precondition", false, lineReason, ""},
	{502, "+15055550102", 412, "failed_precondition", false, lineReason, ""},
	{503, "+15055550103", 412, "failed_precondition", false, lineReason, ""},
	{504, "+15055550104", 408, "deadline_exceeded", false, lineReason, ""},
	{600, "+16065550100", 429, "resource_exhausted", true, busyReason, ""},
	{603, "+16065550103", 403, "permission_denied", true, busyReason, ""},
	{604, "+16065550104", 404, "not_found", false, busyReason, ""},
	{606, "+16065550106", 400, "invalid_argument", false, busyReason, ""},
	{607, "+16065550107", 403, "permission_denied", true, busyReason, ""},
	{486, "+17075550184", 429, "resource_exhausted", true, busyReason, ""},
	{404, "+17075550185", 404, "not_found", true, awayReason, ""},
}

func TestMatrix(t *testing.T) {
	t.Parallel()
	for _, c := range sipMatrix {
		t.Run(fmt.Sprintf("%d_%s", c.code, c.number[2:]), func(t *testing.T) {
			t.Parallel()
			d := theLine.join(t, roomOf(t))
			r := d.dial(t, c.number, nil)
			meta := ""
			if c.code != 0 {
				meta = fmt.Sprint(c.code)
			}
			if r.status != c.status || r.answer["code"] != c.twirp || r.meta() != meta || !strings.Contains(fmt.Sprint(r.answer["msg"]), c.says) {
				t.Errorf("API answered %d %v, want %d %s with %q and %q", r.status, r.answer, c.status, c.twirp, meta, c.says)
			}
			if got := d.untilLeft(t, 8*time.Second); got != c.reason {
				t.Errorf("left with %s, want %s", got, c.reason)
			}
			if rang := slices.Contains(d.seen(), "ringing"); rang != c.rings || slices.Contains(d.seen(), "active") {
				t.Errorf("statuses %v, want ringing %t", d.seen(), c.rings)
			}
		})
	}
}

func TestMatrixWithoutAFinalCode(t *testing.T) {
	t.Parallel()
	for number, rings := range map[string]bool{"+17075550100": false, "+17075550180": true, "+17075550186": true} {
		t.Run(number[1:], func(t *testing.T) {
			t.Parallel()
			d := theLine.join(t, roomOf(t))
			r := d.dial(t, number, map[string]any{"ringing_timeout": "1s"})
			if r.status != http.StatusRequestTimeout || r.answer["code"] != "canceled" || r.meta() != "" {
				t.Errorf("API answered %d %v", r.status, r.answer)
			}
			if got := d.untilLeft(t, 8*time.Second); got != awayReason {
				t.Errorf("left with %s", got)
			}
			if got := slices.Contains(d.seen(), "ringing"); got != rings {
				t.Errorf("statuses %v, want ringing %t", d.seen(), rings)
			}
		})
	}
}

func TestMatrixEarlyMediaThenAnswer(t *testing.T) {
	t.Parallel()
	d := theLine.join(t, roomOf(t))
	d.dialUp(t, "+17075550183")
	d.untilStatus(t, "active")
	if got := d.seen(); !slices.Equal(got, []string{"dialing", "ringing", "active"}) {
		t.Errorf("statuses %v", got)
	}
}

func TestMatrixWithCredentialsThatAreRefused(t *testing.T) {
	t.Parallel()
	status, trunk := theLine.twirp(t, "SIP/CreateSIPOutboundTrunk", "", map[string]any{"trunk": map[string]any{"name": "login", "address": "login.invalid",
		"numbers": []string{demoNumber}, "auth_username": "u", "auth_password": "p"}})
	if status != http.StatusOK {
		t.Fatalf("no trunk: %v", trunk)
	}
	t.Cleanup(func() {
		theLine.twirp(t, "SIP/DeleteSIPTrunk", "", map[string]any{"sip_trunk_id": trunk["sip_trunk_id"]})
	})
	d := theLine.join(t, roomOf(t))
	r := d.dial(t, "+14045550101", map[string]any{"sip_trunk_id": trunk["sip_trunk_id"]})
	if r.status != http.StatusPreconditionFailed || r.meta() != "" || !strings.Contains(fmt.Sprint(r.answer["msg"]), "max auth retry") {
		t.Errorf("API answered %d %v", r.status, r.answer)
	}
}

func TestMatrixIsListedAndComplete(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{}
	for _, e := range theLine.control(t, http.MethodGet, "/numbers/matrix", nil, http.StatusOK)["numbers"].([]any) {
		listed[e.(map[string]any)["number"].(string)] = true
	}
	for _, c := range sipMatrix {
		if !listed[c.number] {
			t.Errorf("%s is not in the list", c.number)
		}
	}
	n := newNumbers()
	for code := 300; code < 700; code++ {
		area := map[int]string{3: "303", 4: "404", 5: "505", 6: "606"}[code/100]
		s := n.of(matrixNumber(area, fmt.Sprintf("%02d", code%100)))
		if err := s.check(); s.Code != code || err != nil {
			t.Errorf("%d is %+v, %v", code, s, err)
		}
	}
	if _, err := n.put("+14045550186", []byte(`{"code":600}`)); err != nil || n.of("+1 404 555 0186").Code != 600 {
		t.Errorf("a number of the second table cannot be changed: %v", err)
	}
	if e, err := n.get("+14045550184"); err != nil || e.Script.Code != 484 {
		t.Errorf("484 reads %+v, %v", e, err)
	}
}

func TestCancelWhileItAnswers(t *testing.T) {
	t.Parallel()
	for name, cancel := range map[string]func(*testing.T, *desk){
		"RemoveParticipant": func(t *testing.T, d *desk) { d.remove(t) },
		"DeleteRoom": func(t *testing.T, d *desk) {
			d.line.twirp(t, "RoomService/DeleteRoom", d.name, map[string]any{"room": d.name})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := theLine.join(t, roomOf(t))
			r := d.dial(t, "+17075550120", map[string]any{"wait_until_answered": false})
			d.untilStatus(t, "ringing")
			cancel(t, d)
			rep := theLine.call(t, r.id(), "?until=over")
			if rep.Ended == nil || rep.Ended.By != byDesk || rep.Ended.Code != nil || !rep.Answered {
				t.Errorf("the phone says %+v", rep)
			}
			if name == "RemoveParticipant" { // DeleteRoom takes the desk away too
				d.untilLeft(t, 6*time.Second)
				if got := d.seen(); !slices.Equal(got, []string{"dialing", "ringing", "active"}) {
					t.Errorf("statuses %v", got)
				}
			}
		})
	}
}

func TestCancelThatTheAnswerCrosses(t *testing.T) {
	t.Parallel()
	d := theLine.join(t, roomOf(t))
	r := d.dial(t, "+17075550121", map[string]any{"wait_until_answered": false})
	d.untilStatus(t, "ringing")
	d.remove(t)
	if got := d.untilLeft(t, 6*time.Second); got != livekit.DisconnectReason_PARTICIPANT_REMOVED || slices.Contains(d.seen(), "active") {
		t.Errorf("left with %s, statuses %v", got, d.seen())
	}
	if rep := theLine.call(t, r.id(), "?until=over"); !rep.Answered || rep.Ended == nil || rep.Ended.By != byDesk || rep.Ended.Code != nil {
		t.Errorf("the phone says %+v", rep)
	}
}

func TestRingingTimeoutWhileItAnswers(t *testing.T) {
	t.Parallel()
	d := theLine.join(t, roomOf(t))
	r := d.dial(t, "+17075550120", map[string]any{"ringing_timeout": "1s"})
	if r.status != http.StatusRequestTimeout || r.answer["code"] != "canceled" {
		t.Errorf("API answered %d %v", r.status, r.answer)
	}
	d.untilStatus(t, "active")
	if got := d.untilLeft(t, 6*time.Second); got != awayReason {
		t.Errorf("left with %s", got)
	}
}

func transfer(t *testing.T, d *desk, to string, extra map[string]any) (int, map[string]any) {
	t.Helper()
	body := map[string]any{"room_name": d.name, "participant_identity": "leg", "transfer_to": to}
	for k, v := range extra {
		body[k] = v
	}
	return d.line.twirp(t, "SIP/TransferSIPParticipant", d.name, body)
}

func TestTransferThatFailsKeepsTheCall(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, phone, to string
		status          int
		code, meta      string
	}{
		{"target declines", "+12125550100", "tel:+16065550103", 403, "permission_denied", "603"},
		{"target busy", "+12125550100", "sip:+14045550186@demo-line.invalid;user=phone", 429, "resource_exhausted", "486"},
		{"refused for the target", "+12125550100", "tel:+17075550132", 403, "permission_denied", "603"},
		{"phone knows no REFER", "+17075550130", "tel:+12125550100", 400, "invalid_argument", "405"},
		{"provider knows no REFER", "+17075550131", "tel:+12125550100", 412, "failed_precondition", "501"},
		{"never notified", "+17075550133", "tel:+12125550100", 408, "deadline_exceeded", ""},
		{"target never notified", "+12125550100", "tel:+17075550133", 408, "deadline_exceeded", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := theLine.join(t, roomOf(t))
			r := d.dialUp(t, c.phone)
			at := time.Now()
			status, answer := transfer(t, d, c.to, map[string]any{"ringing_timeout": "2s"})
			if status != c.status || answer["code"] != c.code || (dialResult{answer: answer}).meta() != c.meta {
				t.Errorf("transfer answered %d %v, want %d %s %q", status, answer, c.status, c.code, c.meta)
			}
			if took := time.Since(at); c.meta == "" && took < 1900*time.Millisecond {
				t.Errorf("timed out after %s, asked for 2 s", took)
			}
			rep := theLine.call(t, r.id(), "")
			want := c.to
			if strings.HasPrefix(want, "sip:") { // the server puts an address in brackets, a telephone number not
				want = "<" + want + ">"
			}
			if rep.Over || rep.ReferTo != want || slices.Contains(d.seen(), "hangup") {
				t.Errorf("over %t, referred to %q, statuses %v", rep.Over, rep.ReferTo, d.seen())
			}
		})
	}
}

func TestTransferOneAtATime(t *testing.T) {
	t.Parallel()
	d := theLine.join(t, roomOf(t))
	r := d.dialUp(t, "+12125550100")
	first := make(chan int, 1)
	go func() {
		status, _ := transfer(t, d, "tel:+12125550106", nil)
		first <- status
	}()
	d.until(t, "the first transfer is asked for", 5*time.Second, func() bool { return theLine.call(t, r.id(), "").ReferTo != "" })
	if status, answer := transfer(t, d, "tel:+12125550100", nil); status != http.StatusPreconditionFailed || !strings.Contains(fmt.Sprint(answer["msg"]), "pending") {
		t.Errorf("the second transfer answered %d %v", status, answer)
	}
	if status := <-first; status != http.StatusOK {
		t.Errorf("the first transfer answered %d", status)
	}
	rep := theLine.call(t, r.id(), "?until=over")
	if rep.ReferTo != "tel:+12125550106" || rep.Ended == nil || rep.Ended.By != byTransfer {
		t.Errorf("the phone says %q %+v", rep.ReferTo, rep.Ended)
	}
}
