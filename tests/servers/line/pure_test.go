package main

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
)

func TestNumbersChooseByEnding(t *testing.T) {
	n := newNumbers()
	for number, says := range map[string]string{
		"+12125550101": "greeting", "12125550101": "greeting", "2125550101": "greeting", "tel:+19075550101": "greeting",
		"sip:+12125550101@127.0.0.1;user=phone": "greeting", "+1 (212) 555-0101": "greeting", "<sip:+12125550101@127.0.0.1>": "greeting",
		"+442079460101": "tone:440", "+11125551101": "tone:440", "": "tone:440", "abc": "tone:440", "+11125550101": "tone:440", "+12125550177": "tone:440",
	} {
		if got := n.of(number); got.Says != says {
			t.Errorf("%q says %q, want %q", number, got.Says, says)
		}
	}
	if len(n.list()) != 20 {
		t.Errorf("the table has %d entries, want 20", len(n.list()))
	}
	for _, e := range n.list() {
		if err := e.Script.check(); err != nil {
			t.Errorf("%s: %v", e.Number, err)
		}
	}
}

func TestNumbersChangeAndReset(t *testing.T) {
	n := newNumbers()
	put := func(number, body string) {
		t.Helper()
		if _, err := n.put(number, []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	put("11", `{"code":480}`)
	put("+12125550111", `{"code":603,"ring_after_ms":-1}`)
	if got := n.of("+12125550111").Code; got != 603 {
		t.Errorf("the full number answers %d, want 603", got)
	}
	if got := n.of("+13125550111"); got.Code != 480 || got.RingAfter != 200 {
		t.Errorf("the ending answers %+v, want 480 and the usual rest", got)
	}
	if err := n.remove("+12125550111"); err != nil {
		t.Fatal(err)
	}
	if got := n.of("+12125550111").Code; got != 480 {
		t.Errorf("after the removal it answers %d, want 480", got)
	}
	n.reset()
	if got := n.of("+12125550111").Code; got != 486 {
		t.Errorf("after the reset it answers %d, want 486", got)
	}
}

func TestACallerHasTheScriptOfItsProvider(t *testing.T) {
	n := newNumbers()
	if _, err := n.putCaller("+12025550150", []byte(`{"code":503,"ring_after_ms":-1,"answer_after_ms":0}`)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		shown, dialled string
		code           int
	}{
		{"+12025550150", "+12125550100", 503}, {"12025550150", "+12125550111", 503},
		{"+12025550160", "+12125550100", 0}, {"+12025550160", "+12125550111", 486}, {"", "+12125550111", 486},
	} {
		if got := n.between(c.shown, c.dialled).Code; got != c.code {
			t.Errorf("from %q to %q: %d, want %d", c.shown, c.dialled, got, c.code)
		}
	}
	for _, number := range []string{"11", "", "x"} {
		if _, err := n.putCaller(number, []byte(`{}`)); err == nil {
			t.Errorf("%q is taken for a number", number)
		}
	}
	n.reset()
	if got := n.between("+12025550150", "+12125550100").Code; got != 0 {
		t.Errorf("after the reset it answers %d, want 0", got)
	}
}

func TestNumbersRefuseNonsense(t *testing.T) {
	n := newNumbers()
	for _, c := range [][2]string{
		{"1", `{}`}, {"x", `{}`}, {"+1212555011x", `{}`}, {"11", `{"code":200}`}, {"11", `{"code":"486"}`}, {"11", `[]`}, {"11", ``}, {"11", `{"colour":1}`},
		{"11", `{"says":"tone:1"}`}, {"11", `{"says":"tone:"}`}, {"11", `{"says":"song"}`}, {"11", `{"says":"file:/nowhere"}`}, {"11", `{"end":"never"}`},
		{"11", `{"send_keys":"12x"}`}, {"11", `{"ring_after_ms":-2}`}, {"11", `{"hangup_after_ms":-1}`}, {"11", `{"reason":"a\nb"}`},
	} {
		if e, err := n.put(c[0], []byte(c[1])); err == nil {
			t.Errorf("%s takes %s: %+v", c[0], c[1], e)
		} else if strings.TrimSpace(err.Error()) == "" {
			t.Errorf("%s gives no reason", c[1])
		}
	}
	if len(n.changed) != 0 {
		t.Errorf("nonsense changed %v", n.changed)
	}
}

func TestULawIsG711(t *testing.T) {
	// Reference values of the G.711 tables.
	for code, want := range map[byte]int16{0x00: -32124, 0x80: 32124, 0xff: 0, 0x7f: 0, 0xf0: 120, 0xe0: 372, 0x8f: 16764} {
		if got := decodeULaw(code); got != want {
			t.Errorf("µ-law %#x is %d, want %d", code, got, want)
		}
	}
	for c := range 256 {
		if v := decodeULaw(byte(c)); decodeULaw(encodeULaw(v)) != v {
			t.Errorf("µ-law %#x does not come back", c)
		}
	}
	for _, v := range []int16{math.MinInt16, math.MaxInt16} {
		if d := float64(decodeULaw(encodeULaw(v))) - float64(v); math.Abs(d) > 700 {
			t.Errorf("%d comes back %g off", v, d)
		}
	}
}

func TestALawIsG711(t *testing.T) {
	for code, want := range map[byte]int16{0xd5: 8, 0x55: -8, 0xaa: 32256, 0x2a: -32256, 0x80: 5504} {
		if got := decodeALaw(code); got != want {
			t.Errorf("A-law %#x is %d, want %d", code, got, want)
		}
	}
}

func TestToneHasItsFrequencyAndLevel(t *testing.T) {
	for _, hz := range []float64{100, 440, 1000, 1004.5, 3100} {
		v := &steady{hz: []float64{hz}}
		e := newEar()
		for range 60 {
			f := v.next()
			pcm := make([]int16, len(f))
			for i, s := range f { // through the codec, as on the line
				pcm[i] = decodeULaw(encodeULaw(s))
			}
			e.add(pcm)
		}
		r := e.report()
		if !near(r.Hz, hz, 0.3) || math.Abs(r.RMS-0.212) > 0.005 || math.Abs(*r.DBFS+13.5) > 0.3 || r.Seconds != 1.2 || r.SecondsTotal != 1.2 {
			t.Errorf("%g Hz measures %+v (%v Hz)", hz, r, *r.Hz)
		}
	}
}

func TestStrongestOfTwo(t *testing.T) {
	loud, soft := &steady{hz: []float64{700}}, &steady{hz: []float64{2000}}
	var s []int16
	for range 50 {
		a, b := loud.next(), soft.next()
		for i := range a {
			s = append(s, a[i]+b[i]/3)
		}
	}
	if hz, ok := strongest(s); !ok || math.Abs(hz-700) > 0.5 {
		t.Errorf("strongest is %g", hz)
	}
	for _, quiet := range [][]int16{nil, s[:100], make([]int16, 8000)} {
		if hz, ok := strongest(quiet); ok {
			t.Errorf("%d samples without sound have %g Hz", len(quiet), hz)
		}
	}
}

func TestTonesTellWhoIsHeard(t *testing.T) {
	desk, phone := &steady{hz: []float64{1000}}, &steady{hz: []float64{440, 620}}
	var s []int16
	for range 50 {
		a, b := desk.next(), phone.next()
		for i := range a {
			s = append(s, a[i]+b[i])
		}
	}
	got := tones(s)
	want := []toneReport{{1000, -13.5}, {440, -19.5}, {620, -19.5}}
	if len(got) != len(want) {
		t.Fatalf("tones %v, want %v", got, want)
	}
	for _, w := range want {
		if !slices.ContainsFunc(got, func(g toneReport) bool { return math.Abs(g.Hz-w.Hz) < 0.5 && math.Abs(g.DBFS-w.DBFS) < 0.5 }) {
			t.Errorf("tones %v have no %v", got, w)
		}
	}
	if got[0].Hz < 999 || got[0].Hz > 1001 {
		t.Errorf("the strongest is %v", got[0])
	}
	if silent := tones(make([]int16, 8000)); len(silent) != 0 {
		t.Errorf("silence has %v", silent)
	}
}

func TestMixAddsAndDoesNotWait(t *testing.T) {
	e := newEar()
	a, b := &source{identity: "a"}, &source{identity: "b"}
	e.sources = []*source{a, b}
	now := time.Now()
	if got := e.mix(a, []int16{1, 2, 3}, now); !slices.Equal(got, []int16{1, 2, 3}) {
		t.Errorf("one alone is %v", got) // b never said anything: it is not waited for
	}
	if got := e.mix(b, []int16{10, 20}, now); got != nil {
		t.Errorf("b alone gave %v, but a is there too", got)
	}
	if got := e.mix(a, []int16{5, 32767, 7}, now); !slices.Equal(got, []int16{15, 32767}) {
		t.Errorf("both are %v", got)
	}
	if got := e.mix(a, []int16{8}, now.Add(time.Second)); !slices.Equal(got, []int16{7, 8}) {
		t.Errorf("without b it is %v", got)
	}
	if got := e.mix(b, make([]int16, mixLimit+400), now.Add(time.Second)); len(got) != mixLimit/2+400 {
		t.Errorf("of one that is far ahead come %d samples", len(got))
	}
}

func TestLowpassKeepsTheTelephoneBandOnly(t *testing.T) {
	level := func(hz float64) float64 {
		in := make([]int16, 48000)
		for i := range in {
			in[i] = int16(10000 * math.Sin(2*math.Pi*hz*float64(i)/48000))
		}
		l := newLowpass()
		var out []int16
		for at := 0; at < len(in); at += 960 { // in packets, as it comes
			out = append(out, l.down(in[at:at+960])...)
		}
		sum := 0.0
		for _, v := range out[100:] {
			sum += float64(v) * float64(v)
		}
		return math.Sqrt(sum/float64(len(out)-100)) / (10000 / math.Sqrt2)
	}
	for hz, want := range map[float64][2]float64{300: {0.99, 1.01}, 1000: {0.99, 1.01}, 2800: {0.95, 1.05}, 5200: {0, 0.01}, 12000: {0, 0.005}} {
		if got := level(hz); got < want[0] || got > want[1] {
			t.Errorf("%g Hz passes with %g, want %v", hz, got, want)
		}
	}
}

func TestGreetingDecodes(t *testing.T) {
	f, err := greetingFrames()
	if err != nil {
		t.Fatal(err)
	}
	if d := time.Duration(len(f)) * frameTime; d < 4*time.Second || d > 9*time.Second {
		t.Errorf("the greeting lasts %s", d)
	}
	e := newEar()
	for i := range f {
		e.add(f[i][:])
	}
	if r := e.report(); r.Seconds < 3 || r.PeakRMS < 0.05 {
		t.Errorf("the greeting measures %+v", r)
	}
}

func TestBrokenOggIsRefused(t *testing.T) {
	for name, b := range map[string][]byte{"empty": nil, "text": []byte("hello"), "cut header": greetingOgg[:20], "cut page": greetingOgg[:len(greetingOgg)/2], "no opus": []byte("OggS" + strings.Repeat("\x00", 40))} {
		if f, err := decodeOgg(b); err == nil {
			t.Errorf("%s decodes to %d frames", name, len(f))
		}
	}
	for cut := range len(greetingOgg) / 50 { // never a panic
		_, _ = decodeOgg(greetingOgg[:cut*50])
	}
}

func TestEarCountsLossAndLateness(t *testing.T) {
	e := newEar()
	var seq uint16
	started := false
	for _, n := range []uint16{65533, 65534, 1, 2, 65535, 5, 5, 6} { // 65535 comes late, 0, 3 and 4 never
		e.count(&rtp.Packet{Header: rtp.Header{SequenceNumber: n}}, &seq, &started)
	}
	if e.packets != 8 || e.lost != 3 || e.late != 1 {
		t.Errorf("packets %d, lost %d, late %d; want 8, 3, 1", e.packets, e.lost, e.late)
	}
	e.reset()
	if r := e.report(); r.Packets != 0 || r.Lost != 0 || r.Hz != nil || r.DBFS != nil {
		t.Errorf("after the reset: %+v", r)
	}
}

func TestClipEndsInSilenceUnlessRepeated(t *testing.T) {
	once := &clip{frames: tone(40*time.Millisecond, 1000)}
	again := &clip{frames: tone(40*time.Millisecond, 1000), repeat: true}
	for i := range 5 {
		a, b := once.next(), again.next()
		if (a == frame{}) != (i >= 2) || (b == frame{}) {
			t.Errorf("frame %d: once silent %t, repeated silent %t", i, a == frame{}, b == frame{})
		}
	}
	if (&clip{repeat: true}).next() != (frame{}) {
		t.Error("an empty clip is not silent")
	}
}

func TestHubWakesAndNumbers(t *testing.T) {
	h := newHub()
	h.publish("a", "one", "", 0)
	h.publish("b", "two", "", 0)
	if list, next, _ := h.after(0, "b"); len(list) != 1 || list[0].What != "two" || next != 2 {
		t.Errorf("after 0 of b: %v, %d", list, next)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	go h.publish("a", "three", "", 0)
	if list, next := h.wait(ctx, 2, ""); len(list) != 1 || list[0].Seq != 3 || next != 3 {
		t.Errorf("waited for %v, %d", list, next)
	}
	cancel()
	if list, _ := h.wait(ctx, 3, ""); len(list) != 0 || h.until(ctx, func() bool { return false }) {
		t.Error("a wait that ended found something")
	}
	for range eventsKept*2 + 10 {
		h.publish("", "x", "", 0)
	}
	if list, _, _ := h.after(0, ""); len(list) < eventsKept || len(list) > eventsKept*2 {
		t.Errorf("%d events are kept", len(list))
	}
}

func TestFlagsRefuseNonsense(t *testing.T) {
	for _, args := range [][]string{
		{"-control", "0.0.0.0:1"}, {"-control", "127.0.0.1"}, {"-redis-listen", ":6379"}, {"-redis-listen", "192.0.2.1:1"}, {"-port", "70000"},
		{"-udp", "-1"}, {"-secret", "short"}, {"-log", "loud"}, {"-key", `a"b`}, {"extra"}, {"-nonsense"},
	} {
		if _, err := parseFlags(args); err == nil {
			t.Errorf("%v is accepted", args)
		}
	}
	if o, err := parseFlags([]string{"-control", "localhost:0", "-redis-listen", "[::1]:0"}); err != nil || !o.seed || !o.tidy || o.child {
		t.Errorf("good flags: %v %+v", err, o)
	}
}

func TestOnlyBehindARelayTheServerMakesNoConnectivityChecks(t *testing.T) {
	for media, lite := range map[string]bool{"": false, "127.0.0.1": false, "127.0.0.2": true} {
		text, err := serverSettings{Media: media}.config()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(text, `"use_ice_lite":true`); got != lite {
			t.Errorf("media to %q: lite %v in %s", media, got, text)
		}
	}
}
