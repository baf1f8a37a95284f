package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/livekit/protocol/auth"
	"github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/logger"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// asLine as first argument makes the test binary the line itself, for tests of the process.
const asLine = "as-line"

// theLine is the line in this process that most tests share.
var theLine testLine

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == asLine || os.Args[1] == serveWord) {
		args := os.Args[1:]
		if args[0] == asLine {
			args = args[1:]
		}
		out := os.Stdout
		os.Stdout = os.Stderr
		os.Exit(begin(args, time.Now(), out))
	}
	// Calls mostly wait, so more of them run at once than there are processors.
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	opt, err := parseFlags([]string{"-stdin-eof=false", "-log=off"})
	var l *line
	if err == nil {
		l, err = startLine(opt, time.Now())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot start the line to test:", err)
		os.Exit(1)
	}
	theLine = testLine{l.ready}
	code := m.Run()
	l.stop()
	os.Exit(code)
}

// testLine is a line as a client knows it: by its ready line.
type testLine struct{ readyLine }

// control does a request to the control API and decodes the answer.
func (l testLine) control(t *testing.T, method, path string, body any, status int) map[string]any {
	t.Helper()
	got, answer := l.ask(t, method, path, body)
	if got != status {
		t.Fatalf("%s %s answered %d %v, want %d", method, path, got, answer, status)
	}
	return answer
}

func (l testLine) ask(t *testing.T, method, path string, body any) (int, map[string]any) {
	t.Helper()
	return fetch(t, method, l.Control+path, body, nil)
}

func fetch(t *testing.T, method, url string, body any, header map[string]string) (int, map[string]any) {
	t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	default:
		j, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		r = bytes.NewReader(j)
	}
	req, err := http.NewRequest(method, url, r)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer := map[string]any{}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatalf("%s %s answered %d and no JSON: %v", method, url, resp.StatusCode, err)
	}
	return resp.StatusCode, answer
}

// twirp calls the server's API the way Deskline does.
func (l testLine) twirp(t *testing.T, method, room string, body any) (int, map[string]any) {
	t.Helper()
	token, err := auth.NewAccessToken(l.Key, l.Secret).
		SetVideoGrant(&auth.VideoGrant{RoomCreate: true, RoomList: true, RoomAdmin: true, Room: room}).
		SetSIPGrant(&auth.SIPGrant{Admin: true, Call: true}).ToJWT()
	if err != nil {
		t.Fatal(err)
	}
	return fetch(t, http.MethodPost, httpURL(l.URL)+"/twirp/livekit."+method, body, map[string]string{"Authorization": "Bearer " + token})
}

// call gets a report; query may wait.
func (l testLine) call(t *testing.T, id, query string) callReport {
	t.Helper()
	if strings.Contains(query, "until=") && !strings.Contains(query, "wait_ms=") {
		query += "&wait_ms=20000" // a loaded machine takes its time
	}
	resp, err := http.Get(l.Control + "/calls/" + id + query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var r callReport
	if err := json.NewDecoder(resp.Body).Decode(&r); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("GET /calls/%s answered %d: %v", id, resp.StatusCode, err)
	}
	return r
}

// ringIn has somebody call the desk and gives the report once it rings.
func (l testLine) ringIn(t *testing.T, body map[string]any) callReport {
	t.Helper()
	if body["from"] == nil {
		body["from"] = "+13125550142"
	}
	id := l.control(t, http.MethodPost, "/calls", body, http.StatusCreated)["id"].(string)
	r := l.call(t, id, "?until=ringing")
	if r.State != stateRinging && !r.Over {
		t.Fatalf("the call does not ring: %+v", r)
	}
	return r
}

// desk is a client in a room that watches one phone, as Deskline would.
type desk struct {
	line testLine
	name string
	room *lksdk.Room
	ear  *ear
	out  *mouth

	mu       sync.Mutex
	statuses []string
	left     []livekit.DisconnectReason
	joined   int
	sid      string
	keys     string
	attrs    map[string]string
	changed  chan struct{}
}

func (d *desk) update(do func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	do()
	close(d.changed)
	d.changed = make(chan struct{})
}

// until waits for something to become true, looking again after every event and every 50 ms for what has none.
func (d *desk) until(t *testing.T, what string, limit time.Duration, done func() bool) {
	t.Helper()
	deadline := time.After(3 * limit) // a loaded machine takes its time
	for {
		d.mu.Lock()
		changed, ok := d.changed, done()
		state := fmt.Sprintf("statuses %v, left %v, joined %d, keys %q", d.statuses, d.left, d.joined, d.keys)
		d.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-time.After(50 * time.Millisecond):
		case <-deadline:
			t.Fatalf("not within %s: %s (%s)", limit, what, state)
		}
	}
}

// status remembers a status; the SDK tells the first one twice. Call with mu held.
func (d *desk) status(v string) {
	if n := len(d.statuses); v != "" && (n == 0 || d.statuses[n-1] != v) {
		d.statuses = append(d.statuses, v)
	}
}

func (d *desk) untilStatus(t *testing.T, status string) {
	t.Helper()
	d.until(t, "status "+status, 8*time.Second, func() bool { return slices.Contains(d.statuses, status) })
}

// untilLeft waits until the phone left the room and gives the reason.
func (d *desk) untilLeft(t *testing.T, limit time.Duration) livekit.DisconnectReason {
	t.Helper()
	d.until(t, "the phone leaves", limit, func() bool { return len(d.left) > 0 })
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.left[0]
}

func (d *desk) seen() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.statuses)
}

// join puts a desk into a room; it ends with the test.
func (l testLine) join(t *testing.T, room string) *desk {
	t.Helper()
	d := &desk{line: l, name: room, ear: newEar(), attrs: map[string]string{}, changed: make(chan struct{})}
	met := func(rp *lksdk.RemoteParticipant) {
		if rp.Kind() != lksdk.ParticipantSIP {
			return
		}
		d.update(func() {
			d.joined++
			d.sid = rp.SID()
			for k, v := range rp.Attributes() {
				d.attrs[k] = v
			}
			d.status(rp.Attributes()[livekit.AttrSIPCallStatus])
		})
	}
	d.room = lksdk.NewRoom(&lksdk.RoomCallback{
		OnParticipantConnected: met,
		OnParticipantDisconnected: func(rp *lksdk.RemoteParticipant) {
			if rp.Kind() == lksdk.ParticipantSIP {
				d.update(func() { d.left, d.sid = append(d.left, rp.DisconnectReason()), "" })
			}
		},
		ParticipantCallback: lksdk.ParticipantCallback{
			OnAttributesChanged: func(changed map[string]string, p lksdk.Participant) {
				if p.Kind() != lksdk.ParticipantSIP {
					return
				}
				d.update(func() {
					// A rejoin is one update with another sid. Deskline's engine tells it as a leave and a join.
					if d.sid != "" && p.SID() != d.sid {
						d.left, d.joined, d.sid = append(d.left, livekit.DisconnectReason_UNKNOWN_REASON), d.joined+1, p.SID()
					}
					for k, v := range changed {
						d.attrs[k] = v
					}
					d.status(changed[livekit.AttrSIPCallStatus])
				})
			},
			OnTrackSubscribed: func(t *webrtc.TrackRemote, _ *lksdk.RemoteTrackPublication, rp *lksdk.RemoteParticipant) {
				go d.ear.listen(rp.Identity(), t)
			},
			OnDataPacket: func(p lksdk.DataPacket, _ lksdk.DataReceiveParams) {
				if k, ok := p.(*livekit.SipDTMF); ok {
					d.update(func() { d.keys += k.Digit })
				}
			},
		},
	})
	d.room.SetLogger(logger.GetLogger())
	yes := true
	token, err := auth.NewAccessToken(l.Key, l.Secret).SetIdentity("desk").
		SetVideoGrant(&auth.VideoGrant{RoomJoin: true, Room: room, CanUpdateOwnMetadata: &yes}).ToJWT()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := d.room.JoinWithContextAndToken(ctx, l.URL, token); err != nil {
		t.Fatalf("the desk cannot join: %v", err)
	}
	for _, rp := range d.room.GetRemoteParticipants() {
		met(rp)
	}
	t.Cleanup(func() {
		if d.out != nil {
			d.out.close()
		}
		d.room.Disconnect()
	})
	return d
}

// publish says something into the room from now on.
func (d *desk) publish(t *testing.T, says string) {
	t.Helper()
	m, err := newMouth()
	if err != nil {
		t.Fatal(err)
	}
	v, err := newVoice(says)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.room.LocalParticipant.PublishTrack(m.track, &lksdk.TrackPublicationOptions{Name: "mic", Source: livekit.TrackSource_MICROPHONE}); err != nil {
		t.Fatalf("the desk cannot publish: %v", err)
	}
	d.out = m
	m.speak(v, queueLimit)
}

// publishOpus plays the greeting into the room as Opus packets.
func (d *desk) publishOpus(t *testing.T) {
	t.Helper()
	packets, err := oggPackets(greetingOgg)
	if err != nil {
		t.Fatal(err)
	}
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}, "audio", "desk")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.room.LocalParticipant.PublishTrack(track, &lksdk.TrackPublicationOptions{Name: "mic", Source: livekit.TrackSource_MICROPHONE}); err != nil {
		t.Fatalf("the desk cannot publish: %v", err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { close(done) })
	go func() {
		tick := time.NewTicker(frameTime)
		defer tick.Stop()
		for i := 0; ; i++ {
			p := rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: uint16(i), Timestamp: uint32(i) * 960}, Payload: packets[2+i%(len(packets)-2)]}
			_ = track.WriteRTP(&p)
			select {
			case <-tick.C:
			case <-done:
				return
			}
		}
	}()
}

// dialResult is what the API answered to CreateSIPParticipant.
type dialResult struct {
	status int
	answer map[string]any
	took   time.Duration
}

func (r dialResult) id() string { s, _ := r.answer["sip_call_id"].(string); return s }

// meta is the SIP code in the error, "" if there is none.
func (r dialResult) meta() string {
	m, _ := r.answer["meta"].(map[string]any)
	s, _ := m["sip_status_code"].(string)
	return s
}

// dial calls a number from the desk's room and waits for the answer of the API.
func (d *desk) dial(t *testing.T, number string, extra map[string]any) dialResult {
	t.Helper()
	body := map[string]any{"sip_trunk_id": d.line.OutboundTrunk, "sip_call_to": number, "room_name": d.name, "participant_identity": "leg", "wait_until_answered": true}
	for k, v := range extra {
		body[k] = v
	}
	at := time.Now()
	status, answer := d.line.twirp(t, "SIP/CreateSIPParticipant", d.name, body)
	return dialResult{status, answer, time.Since(at)}
}

// dialThrough calls a number; a bridge that was too busy to take the request within LiveKit's second is asked again.
func (d *desk) dialThrough(t *testing.T, number string) dialResult {
	t.Helper()
	r := d.dial(t, number, nil)
	for range 5 {
		if r.status != http.StatusServiceUnavailable {
			break
		}
		r = d.dial(t, number, nil)
	}
	return r
}

// dialUp calls a number that answers.
func (d *desk) dialUp(t *testing.T, number string) dialResult {
	t.Helper()
	r := d.dialThrough(t, number)
	if r.status != http.StatusOK {
		t.Fatalf("%s does not answer: %d %v", number, r.status, r.answer)
	}
	t.Cleanup(func() { d.remove(t) })
	return r
}

// remove is the desk's hang-up by RemoveParticipant; the phone may be gone already.
func (d *desk) remove(t *testing.T) int {
	t.Helper()
	status, _ := d.line.twirp(t, "RoomService/RemoveParticipant", d.name, map[string]any{"room": d.name, "identity": "leg"})
	return status
}

// listed tells whether the server still lists the phone.
func (d *desk) listed(t *testing.T) bool {
	t.Helper()
	status, _ := d.line.twirp(t, "RoomService/GetParticipant", d.name, map[string]any{"room": d.name, "identity": "leg"})
	return status == http.StatusOK
}

// hears waits until the desk heard so many loud seconds in a fresh window, and gives the report.
func hears(t *testing.T, what string, e *ear, seconds float64) heardReport {
	t.Helper()
	deadline := time.Now().Add(time.Duration(seconds*float64(time.Second)) + 20*time.Second)
	for {
		r := e.report()
		if r.Seconds >= seconds {
			return r
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s hears only %+v", what, r)
		}
		time.Sleep(20 * time.Millisecond) // sound has no event here
	}
}

// settles empties the window of an ear until a fresh one is as it should be: then what was on its way is out of it.
func settles(t *testing.T, what string, e *ear, asItShould func(heardReport) bool) {
	t.Helper()
	const window = 200 // ms
	deadline := time.Now().Add(20 * time.Second)
	e.reset()
	for {
		r := e.report()
		if r.WindowMS >= window && asItShould(r) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: the desk still hears %+v", what, r)
		}
		if r.WindowMS >= window {
			e.reset()
		}
		time.Sleep(20 * time.Millisecond) // sound has no event here
	}
}

// quietFor is how long something must not happen where nothing says that it will not.
const quietFor = 1500 * time.Millisecond

// stays fails at the first moment of quietFor in which it no longer holds.
func (d *desk) stays(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for over := time.After(quietFor); ; {
		d.mu.Lock()
		changed := d.changed
		d.mu.Unlock()
		if !holds() {
			t.Errorf("no longer %s: statuses %v", what, d.seen())
			return
		}
		select {
		case <-changed:
		case <-time.After(100 * time.Millisecond): // who is listed has no event
		case <-over:
			return
		}
	}
}

func near(got *float64, want, by float64) bool { return got != nil && *got > want-by && *got < want+by }

// roomOf gives each test a room of its own.
func roomOf(t *testing.T) string {
	return "outbound-" + strings.NewReplacer("/", "-", " ", "_").Replace(t.Name())
}
