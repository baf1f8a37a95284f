package main

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/livekit/protocol/livekit"
)

// trackOf waits for the published audio track of somebody in the desk's room.
func (d *desk) trackOf(t *testing.T, identity string) string {
	t.Helper()
	sid := ""
	d.until(t, "a track of "+identity, 5*time.Second, func() bool {
		_, p := d.line.twirp(t, "RoomService/GetParticipant", d.name, map[string]any{"room": d.name, "identity": identity})
		tracks, _ := p["tracks"].([]any)
		for _, track := range tracks {
			sid, _ = track.(map[string]any)["sid"].(string)
		}
		return sid != ""
	})
	return sid
}

func (d *desk) subscribe(t *testing.T, identity, track string, on bool) {
	t.Helper()
	status, answer := d.line.twirp(t, "RoomService/UpdateSubscriptions", d.name,
		map[string]any{"room": d.name, "identity": identity, "track_sids": []string{track}, "subscribe": on})
	if status != http.StatusOK {
		t.Fatalf("UpdateSubscriptions answered %d %v", status, answer)
	}
}

// untilHears waits until a phone hears exactly these participants.
func (d *desk) untilHears(t *testing.T, what, id string, who ...string) {
	t.Helper()
	slices.Sort(who)
	var last []string
	deadline := time.Now().Add(25 * time.Second)
	for time.Now().Before(deadline) {
		if last = d.line.call(t, id, "").Hears; slices.Equal(last, who) {
			return
		}
		time.Sleep(30 * time.Millisecond) // packets have no event
	}
	t.Fatalf("%s: the phone hears %v, want %v", what, last, who)
}

// untilTones waits until a fresh window of a phone has exactly these tones.
func (d *desk) untilTones(t *testing.T, what, id string, hz ...float64) {
	t.Helper()
	var got []toneReport
	deadline := time.Now().Add(25 * time.Second)
	for time.Now().Before(deadline) {
		d.line.control(t, http.MethodPost, "/calls/"+id+"/heard/reset", nil, http.StatusOK)
		time.Sleep(400 * time.Millisecond) // a window of sound
		got = d.line.call(t, id, "").Heard.Tones
		all := len(got) == len(hz)
		for _, want := range hz {
			all = all && slices.ContainsFunc(got, func(g toneReport) bool { return g.Hz > want-4 && g.Hz < want+4 })
		}
		if all {
			return
		}
	}
	t.Fatalf("%s: tones %v, want %v", what, got, hz)
}

func TestThirdPartyInARoom(t *testing.T) {
	t.Parallel()
	theLine.control(t, http.MethodPut, "/numbers/+12125550161", map[string]any{"says": "tone:500"}, http.StatusOK)
	theLine.control(t, http.MethodPut, "/numbers/+12125550162", map[string]any{"says": "tone:700"}, http.StatusOK)
	d := theLine.join(t, roomOf(t))
	d.publish(t, "tone:1100")
	first := d.dialUp(t, "+12125550161")
	second := d.dial(t, "+12125550162", map[string]any{"participant_identity": "third"})
	if second.status != http.StatusOK {
		t.Fatalf("the third party does not answer: %d %v", second.status, second.answer)
	}
	t.Cleanup(func() {
		d.line.twirp(t, "RoomService/DeleteRoom", d.name, map[string]any{"room": d.name})
	})

	// Everybody hears everybody.
	d.untilHears(t, "together", first.id(), "desk", "third")
	d.untilHears(t, "together", second.id(), "desk", "leg")
	d.untilTones(t, "together", first.id(), 1100, 700)
	d.untilTones(t, "together", second.id(), 1100, 500)

	// Consultation: the caller hears neither the desk (permission) nor the third party (unsubscribed), and is heard by neither.
	d.room.LocalParticipant.SetSubscriptionPermission(&livekit.SubscriptionPermission{
		TrackPermissions: []*livekit.TrackPermission{{ParticipantIdentity: "third", AllTracks: true}}})
	d.subscribe(t, "leg", d.trackOf(t, "third"), false)
	d.subscribe(t, "third", d.trackOf(t, "leg"), false)
	d.untilHears(t, "consultation", first.id())
	d.untilHears(t, "consultation", second.id(), "desk")
	d.untilTones(t, "consultation", second.id(), 1100)
	d.untilTones(t, "consultation", first.id())

	// And back together.
	d.room.LocalParticipant.SetSubscriptionPermission(&livekit.SubscriptionPermission{AllParticipants: true})
	d.subscribe(t, "leg", d.trackOf(t, "third"), true)
	d.subscribe(t, "third", d.trackOf(t, "leg"), true)
	d.untilHears(t, "back together", first.id(), "desk", "third")
	d.untilTones(t, "back together", first.id(), 1100, 700)
	d.untilTones(t, "back together", second.id(), 1100, 500)

	// The host leaves; the two go on.
	d.room.Disconnect()
	d.untilHears(t, "after the host left", first.id(), "third")
	d.untilTones(t, "after the host left", second.id(), 500)
	if sources := theLine.call(t, second.id(), "").Heard.Sources; !slices.ContainsFunc(sources, func(s sourceReport) bool { return s.Identity == "leg" && near(s.Hz, 500, 2) }) {
		t.Errorf("sources of the third party: %+v", sources)
	}
}
