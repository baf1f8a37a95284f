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

// listing is what the server says of the participants of a room.
func (l testLine) listing(t *testing.T, room string) []map[string]any {
	t.Helper()
	status, answer := l.twirp(t, "RoomService/ListParticipants", room, map[string]any{"room": room})
	if status != http.StatusOK {
		return nil
	}
	var out []map[string]any
	for _, p := range answer["participants"].([]any) {
		out = append(out, p.(map[string]any))
	}
	return out
}

func TestHostileNames(t *testing.T) {
	t.Parallel()
	for what, name := range map[string]string{
		"bidi marks": "\u202egnp.exe\u202c \u2066x\u2069\u200f", "NUL": "a\x00b", "markup": `<img src=x onerror="alert(1)">&amp;{{1}}`,
		"somebody else": "+12025550150", "lines": "a\nb\r\tc\u2028d", "long": strings.Repeat("ñ", 100_000), "zalgo": strings.Repeat("e\u0301\u0302\u0303", 300), "tags": "\U000e0041\U000e0042",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r := theLine.ringIn(t, map[string]any{"raw": true, "name": name})
			if r.Over {
				t.Fatalf("it does not ring: %+v", r.Ended)
			}
			if got := theLine.listing(t, r.Room); len(got) != 1 || got[0]["name"] != name {
				t.Errorf("the room has %.300v", got)
			}
			d := theLine.join(t, r.Room)
			for _, rp := range d.room.GetRemoteParticipants() {
				if rp.Name() != name {
					t.Errorf("the desk sees %.100q", rp.Name())
				}
			}
			theLine.control(t, http.MethodPost, "/calls/"+r.ID+"/hangup", nil, http.StatusOK)
		})
	}
}

// A name of 1 MB does not fit into what LiveKit takes a token in; on the line as on the bridge the call then has no room.
func TestHostileNameThatIsTooLong(t *testing.T) {
	t.Parallel()
	answer := theLine.control(t, http.MethodPost, "/calls", map[string]any{"from": "+13125550142", "raw": true, "name": strings.Repeat("x", 1<<20)}, http.StatusCreated)
	r := theLine.call(t, answer["id"].(string), "?until=over")
	if r.Ended == nil || r.Ended.By != byLine || r.Answered {
		t.Errorf("report %+v", r.Ended)
	}
}

func TestHostileCallers(t *testing.T) {
	t.Parallel()
	for what, from := range map[string]string{"empty": "", "anonymous": "anonymous", "no number": "alice <b>&\"'", "our own number": demoNumber, "NUL": "1\x002", "long": strings.Repeat("9", 200)} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r := theLine.ringIn(t, map[string]any{"raw": true, "from": from})
			if r.Over || r.From != from {
				t.Fatalf("it does not ring: from %q, %+v", r.From, r.Ended)
			}
			list := theLine.listing(t, r.Room)
			if len(list) != 1 {
				t.Fatalf("the room has %v", list)
			}
			if a := list[0]["attributes"].(map[string]any); fmt.Sprint(a["sip.phoneNumber"]) != from && !(from == "" && a["sip.phoneNumber"] == nil) {
				t.Errorf("the room has the number %q", a["sip.phoneNumber"])
			}
			theLine.control(t, http.MethodPost, "/calls/"+r.ID+"/hangup", nil, http.StatusOK)
		})
	}
}

func TestHostileAttributes(t *testing.T) {
	t.Parallel()
	t.Run("changed and missing", func(t *testing.T) {
		t.Parallel()
		r := theLine.ringIn(t, map[string]any{"attributes": map[string]any{"sip.callStatus": nil, "sip.callID": nil, "sip.phoneNumber": "\u202e+1", "sip.ruleID": "<b>", "x": ""}})
		a := theLine.join(t, r.Room).attrs
		if _, ok := a["sip.callStatus"]; ok || a["sip.phoneNumber"] != "\u202e+1" || a["sip.ruleID"] != "<b>" || a["sip.trunkID"] == "" {
			t.Errorf("attributes %v", a)
		}
		if _, ok := a["sip.callID"]; ok {
			t.Errorf("attributes %v", a)
		}
	})
	t.Run("unknown status", func(t *testing.T) {
		t.Parallel()
		r := theLine.ringIn(t, map[string]any{"attributes": map[string]any{"sip.callStatus": "dancing"}})
		d := theLine.join(t, r.Room)
		if got := d.seen(); !slices.Equal(got, []string{"dancing"}) {
			t.Errorf("statuses %v", got)
		}
		theLine.control(t, http.MethodPost, "/calls/"+r.ID+"/attributes", map[string]any{"attributes": map[string]any{"sip.callStatus": "active"}}, http.StatusOK)
		d.untilStatus(t, "active")
		theLine.control(t, http.MethodPost, "/calls/"+r.ID+"/attributes", map[string]any{"attributes": map[string]any{"sip.callStatus": "ringing"}}, http.StatusOK)
		d.untilStatus(t, "ringing")
		if theLine.call(t, r.ID, "").Answered {
			t.Error("words answered the call")
		}
	})
	t.Run("after the join", func(t *testing.T) {
		t.Parallel()
		r := theLine.ringIn(t, map[string]any{"attributes_after_ms": 2500})
		d := theLine.join(t, r.Room)
		if len(d.attrs) != 0 {
			t.Errorf("attributes at the join %v", d.attrs)
		}
		d.untilStatus(t, "ringing")
	})
}

func TestHostileRooms(t *testing.T) {
	t.Parallel()
	t.Run("chosen", func(t *testing.T) {
		t.Parallel()
		name := "inbound-\u202e<b> /../?x=1#y"
		r := theLine.ringIn(t, map[string]any{"room": name})
		if r.Room != name || len(theLine.listing(t, name)) != 1 {
			t.Errorf("room %q with %v", r.Room, theLine.listing(t, name))
		}
	})
	t.Run("two for one call", func(t *testing.T) {
		t.Parallel()
		second := "inbound-second-" + fmt.Sprint(time.Now().UnixNano())
		r := theLine.ringIn(t, map[string]any{"also_in": second})
		var list []map[string]any
		d := theLine.join(t, r.Room)
		d.until(t, "the second room", 5*time.Second, func() bool { list = theLine.listing(t, second); return len(list) == 1 })
		if got := list[0]["attributes"].(map[string]any)["sip.callID"]; got == "" || got != d.attrs["sip.callID"] || list[0]["identity"] != r.Identity {
			t.Errorf("the second room has %v, the first %v", list, d.attrs)
		}
		theLine.control(t, http.MethodPost, "/calls/"+r.ID+"/hangup", nil, http.StatusOK)
		d.until(t, "both rooms are left", 10*time.Second, func() bool { return len(theLine.listing(t, second)) == 0 })
	})
	t.Run("vanishes", func(t *testing.T) {
		t.Parallel()
		for _, body := range []map[string]any{{"vanish_after_ms": 0}, {"vanish_after_ms": 300}} {
			r := theLine.ringIn(t, body)
			if r = theLine.call(t, r.ID, "?until=over"); r.Ended == nil || r.Ended.By != byLine || r.Answered || r.Room == "" {
				t.Errorf("report %+v", r)
			}
			if status, _ := theLine.twirp(t, "RoomService/ListParticipants", r.Room, map[string]any{"room": r.Room}); status == http.StatusOK && len(theLine.listing(t, r.Room)) > 0 {
				t.Error("the room is still there")
			}
		}
	})
	t.Run("vanishes when told", func(t *testing.T) {
		t.Parallel()
		r := theLine.ringIn(t, map[string]any{})
		theLine.control(t, http.MethodPost, "/calls/"+r.ID+"/vanish", nil, http.StatusOK)
		if rep := theLine.call(t, r.ID, "?until=over"); rep.Ended == nil || rep.Ended.By != byLine {
			t.Errorf("report %+v", rep.Ended)
		}
		theLine.control(t, http.MethodPost, "/calls/"+r.ID+"/vanish", nil, http.StatusConflict)
	})
}

func TestCallerCancelsInTheMomentOfTheAnswer(t *testing.T) {
	t.Parallel()
	r := theLine.ringIn(t, map[string]any{"cancel_on_answer": true})
	d := theLine.join(t, r.Room)
	d.publish(t, "silence")
	if got := d.untilLeft(t, 6*time.Second); got != livekit.DisconnectReason_CLIENT_INITIATED {
		t.Errorf("left with %s", got)
	}
	if rep := theLine.call(t, r.ID, "?until=over"); rep.Ended == nil || rep.Ended.By != byFar || rep.Ended.Code == nil || *rep.Ended.Code != 487 || rep.Answered {
		t.Errorf("the caller says %+v", rep)
	}
	if slices.Contains(d.seen(), "active") || !slices.Contains(d.seen(), "hangup") {
		t.Errorf("statuses %v", d.seen())
	}
}

func TestHostileRequestsAreLimited(t *testing.T) {
	t.Parallel()
	for _, body := range []any{
		map[string]any{"from": "x y"}, map[string]any{"from": "+1", "name": strings.Repeat("x", 129)}, map[string]any{"from": "+1", "raw": true, "name": strings.Repeat("x", 2<<20+1)},
		map[string]any{"from": "+1", "vanish_after_ms": -1}, map[string]any{"from": "+1", "room": "a", "also_in": "a"}, map[string]any{"from": "+1", "attributes": map[string]any{"a": strings.Repeat("x", 1<<20)}},
		`{"from":"` + strings.Repeat("1", 5<<20) + `"}`,
	} {
		if status, answer := theLine.ask(t, http.MethodPost, "/calls", body); status != http.StatusBadRequest || len(fmt.Sprint(answer["error"])) > 400 {
			t.Errorf("%.80v answered %d %.500v", body, status, answer)
		}
	}
}
