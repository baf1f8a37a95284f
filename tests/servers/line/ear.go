package main

import (
	"bytes"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media/oggwriter"
)

const (
	blockSamples = phoneRate / 10 // loudness is judged in blocks of 100 ms
	loudRMS      = 0.01           // −40 dBFS
)

// ear hears what the room sends to one phone: it counts, measures, records, and can pass the sound on.
type ear struct {
	record io.WriteCloser      // where the recording goes besides memory, or nil
	onLoud func()              // first loud block of a window
	echo   func(...frame)      // gets every frame while echoing
	open   *webrtc.TrackRemote // the track that is being recorded

	mu      sync.Mutex
	ogg     *oggwriter.OggWriter
	file    bytes.Buffer
	closed  bool
	echoing bool
	rest    []int16 // samples that do not fill an echo frame yet
	codec   string
	last    time.Time
	began   time.Time
	packets int
	lost    int
	late    int
	errors  int
	meter   // of the mix, which is what a person would hear
	sources []*source
	final   *heardReport // of a call that is over; spectra are too dear to make them again for every list
}

func newEar() *ear { return &ear{began: time.Now()} }

// recordingLimit bounds a recording in memory: about an hour of speech.
const recordingLimit = 32 << 20

// listen follows one track of a participant until it ends.
func (e *ear) listen(identity string, t *webrtc.TrackRemote) {
	mime := t.Codec().MimeType
	src := &source{identity: identity, track: t.ID()}
	e.mu.Lock()
	e.sources = append(e.sources, src)
	e.codec = strings.ToLower(mime)
	records := e.open == nil && strings.EqualFold(mime, webrtc.MimeTypeOpus)
	if records {
		e.open = t
	}
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		if e.open == t {
			e.open = nil
		}
		src.over = true
		e.mu.Unlock()
	}()

	decode, err := newDecoder(mime)
	if err != nil {
		return
	}
	var seq uint16
	started := false
	for {
		p, _, err := t.ReadRTP()
		if err != nil {
			return
		}
		if len(p.Payload) == 0 {
			continue
		}
		pcm, derr := decode(p.Payload)
		e.mu.Lock()
		e.count(p, &seq, &started)
		src.packets++
		src.last = e.last
		if derr != nil {
			e.errors++
		}
		if records {
			e.keep(p)
		}
		src.meter.add(pcm)
		mixed := e.mix(src, pcm, e.last)
		first := e.add(mixed)
		var out []frame
		if e.echoing {
			out = e.frames(mixed)
		}
		e.mu.Unlock()
		if first && e.onLoud != nil {
			e.onLoud()
		}
		if len(out) > 0 {
			e.echo(out...)
		}
	}
}

// newDecoder gives the way from a packet of this codec to telephone samples.
func newDecoder(mime string) (func([]byte) ([]int16, error), error) {
	switch strings.ToLower(mime) {
	case strings.ToLower(webrtc.MimeTypePCMU):
		return expand(decodeULaw), nil
	case strings.ToLower(webrtc.MimeTypePCMA):
		return expand(decodeALaw), nil
	}
	o, err := newOpusEar()
	if err != nil {
		return nil, err
	}
	return o.decode, nil
}

func expand(law func(byte) int16) func([]byte) ([]int16, error) {
	return func(b []byte) ([]int16, error) {
		out := make([]int16, len(b))
		for i, v := range b {
			out[i] = law(v)
		}
		return out, nil
	}
}

// count follows the sequence numbers: a gap is lost until its packet comes late. Call with mu held.
func (e *ear) count(p *rtp.Packet, seq *uint16, started *bool) {
	e.packets++
	e.last = time.Now()
	if !*started {
		*started, *seq = true, p.SequenceNumber
		return
	}
	switch d := int16(p.SequenceNumber - *seq); {
	case d > 0 && d < 1000:
		e.lost += int(d) - 1
		*seq = p.SequenceNumber
	case d < 0 && d > -1000:
		e.late++
		e.lost = max(0, e.lost-1)
	default: // the same number again, or a fresh start
		*seq = p.SequenceNumber
	}
}

// keep writes a packet to the recording. Call with mu held.
func (e *ear) keep(p *rtp.Packet) {
	if e.closed || e.file.Len() > recordingLimit {
		return
	}
	if e.ogg == nil {
		var out io.Writer = &e.file
		if e.record != nil {
			out = io.MultiWriter(&e.file, e.record)
		}
		w, err := oggwriter.NewWith(out, 48000, 1)
		if err != nil {
			e.closed = true
			return
		}
		e.ogg = w
	}
	_ = e.ogg.WriteRTP(p) // memory does not fail; a full disk must not end a call
}

// frames cuts samples into frames. Call with mu held.
func (e *ear) frames(pcm []int16) []frame {
	e.rest = append(e.rest, pcm...)
	var out []frame
	for len(e.rest) >= frameSamples {
		out = append(out, frame(e.rest[:frameSamples]))
		e.rest = e.rest[frameSamples:]
	}
	e.rest = append([]int16(nil), e.rest...)
	return out
}

func (e *ear) setEcho(on bool) {
	e.mu.Lock()
	e.echoing, e.rest = on, nil
	e.mu.Unlock()
}

// reset begins a new measuring window; the recording goes on.
func (e *ear) reset() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.began, e.final = time.Now(), nil
	e.packets, e.lost, e.late, e.errors, e.meter = 0, 0, 0, 0, meter{}
	e.sources = slices.DeleteFunc(e.sources, func(s *source) bool { return s.over })
	for _, s := range e.sources {
		s.packets, s.meter = 0, meter{}
	}
}

// close ends the recording.
func (e *ear) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	e.closed = true
	if e.ogg != nil {
		_ = e.ogg.Close()
	}
	if e.record != nil {
		_ = e.record.Close()
	}
}

// recording is what was heard so far, nil if nothing.
func (e *ear) recording() []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.file.Len() == 0 {
		return nil
	}
	return bytes.Clone(e.file.Bytes())
}

// forget frees the recording of a call that is long over.
func (e *ear) forget() {
	e.mu.Lock()
	e.file = bytes.Buffer{}
	e.mu.Unlock()
}

// heardReport is `heard` of a call report; README.md explains the fields.
type heardReport struct {
	Packets      int            `json:"packets"`
	Lost         int            `json:"lost"`
	Late         int            `json:"late"`
	DecodeErrors int            `json:"decode_errors"`
	Seconds      float64        `json:"seconds"`
	SecondsTotal float64        `json:"seconds_total"`
	RMS          float64        `json:"rms"`
	PeakRMS      float64        `json:"peak_rms"`
	DBFS         *float64       `json:"rms_dbfs"`
	Hz           *float64       `json:"hz"`
	Tones        []toneReport   `json:"tones"`
	Codec        string         `json:"codec"`
	LastPacket   *int64         `json:"last_packet_ms_ago"`
	WindowMS     int64          `json:"window_ms"`
	Sources      []sourceReport `json:"sources"`
}

func (e *ear) report() heardReport {
	e.mu.Lock()
	if e.closed && e.final != nil {
		defer e.mu.Unlock()
		return *e.final
	}
	closed := e.closed
	r := heardReport{Packets: e.packets, Lost: e.lost, Late: e.late, DecodeErrors: e.errors, Codec: e.codec,
		Seconds: float64(e.loud) / 10, SecondsTotal: round(float64(e.samples)/phoneRate, 2),
		PeakRMS: round(e.peak, 4), WindowMS: time.Since(e.began).Milliseconds(), Sources: []sourceReport{}}
	if e.loud > 0 {
		rms := math.Sqrt(e.power / float64(e.loud))
		db := round(20*math.Log10(rms), 1)
		r.RMS, r.DBFS = round(rms, 4), &db
	}
	r.LastPacket = ago(e.last)
	sound := e.lastLoud
	own := make([][]int16, 0, len(e.sources))
	for _, s := range e.sources {
		if s.packets > 0 {
			r.Sources = append(r.Sources, s.report())
			own = append(own, s.meter.lastLoud)
		}
	}
	e.mu.Unlock()
	// Sound that was taken is never written into again, so the spectra need no lock.
	r.Tones = tones(sound)
	if len(r.Tones) > 0 {
		r.Hz = &r.Tones[0].Hz
	}
	for i := range r.Sources {
		if hz, ok := strongest(own[i]); ok {
			hz = round(hz, 1)
			r.Sources[i].Hz = &hz
		}
	}
	if closed {
		e.mu.Lock()
		e.final = &r
		e.mu.Unlock()
	}
	return r
}

// ago is how many milliseconds have passed since then, nil if there was no then.
func ago(then time.Time) *int64 {
	if then.IsZero() {
		return nil
	}
	n := time.Since(then).Milliseconds()
	return &n
}

func round(v float64, digits int) float64 {
	f := math.Pow(10, float64(digits))
	return math.Round(v*f) / f
}

// openRecording makes the file for a call in the folder of -record.
func openRecording(path string) (io.WriteCloser, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
}
