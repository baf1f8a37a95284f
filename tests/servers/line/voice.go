package main

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pion/opus"
)

// The telephone side works in frames of 20 ms at 8 kHz, one channel.
const (
	phoneRate    = 8000
	frameTime    = 20 * time.Millisecond
	frameSamples = phoneRate / 50
)

type frame [frameSamples]int16

// voice is what a phone says: one frame after another, for ever.
type voice interface{ next() frame }

// greetingOgg is a synthetic voice; how it was made is in README.md.
//
//go:embed greeting.ogg
var greetingOgg []byte

var greetingFrames = sync.OnceValues(func() ([]frame, error) { return decodeOgg(greetingOgg) })

// newVoice understands the `says` of scripts and requests. "echo" and "keys" are silent by themselves: the mouth
// is fed by what the phone hears.
func newVoice(says string) (voice, error) {
	kind, arg, _ := strings.Cut(says, ":")
	switch kind {
	case "silence", "echo":
		return silence{}, nil
	case "keys":
		return &clip{frames: tone(300*time.Millisecond, 880)}, nil
	case "greeting":
		f, err := greetingFrames()
		return &clip{frames: f}, err
	case "file":
		b, err := os.ReadFile(arg)
		if err != nil {
			return nil, fmt.Errorf("cannot play the file: %w", err)
		}
		f, err := decodeOgg(b)
		if err != nil {
			return nil, fmt.Errorf("cannot play %s: %w", arg, err)
		}
		return &clip{frames: f}, nil
	case "tone":
		var s steady
		for part := range strings.SplitSeq(arg, "+") {
			hz, err := strconv.ParseFloat(part, 64)
			if err != nil || hz < 20 || hz > 3900 || len(s.hz) == 4 {
				return nil, fmt.Errorf("%q is no tone; say tone:440 or tone:350+440, 20 to 3900 Hz, at most four", says)
			}
			s.hz = append(s.hz, hz)
		}
		return &s, nil
	}
	return nil, fmt.Errorf("%q is none of tone:HZ, silence, echo, keys, greeting, file:PATH", says)
}

type silence struct{}

func (silence) next() frame { return frame{} }

// clip plays its frames once, then is silent.
type clip struct {
	frames []frame
	repeat bool
	at     int
}

func (c *clip) next() frame {
	if c.at >= len(c.frames) {
		if !c.repeat || len(c.frames) == 0 {
			return frame{}
		}
		c.at = 0
	}
	c.at++
	return c.frames[c.at-1]
}

// toneLevel is the peak of all generated tones, full scale = 1: −13.5 dBFS rms for one sine.
const toneLevel = 0.3

// steady is a sum of sines without an end; it fades in over 5 ms so that its start is no click.
type steady struct {
	hz []float64
	n  int
}

func (s *steady) next() frame {
	var f frame
	for i := range f {
		v := 0.0
		for _, hz := range s.hz {
			v += math.Sin(2 * math.Pi * hz * float64(s.n) / phoneRate)
		}
		f[i] = int16(v * toneLevel / float64(len(s.hz)) * fade(s.n) * 32767)
		s.n++
	}
	return f
}

// fade is a raised cosine from 0 to 1 over the first 5 ms (40 samples).
func fade(n int) float64 {
	if n >= 40 {
		return 1
	}
	return 0.5 - 0.5*math.Cos(math.Pi*float64(n)/40)
}

// tone is d of one or more sines, faded at both ends.
func tone(d time.Duration, hz ...float64) []frame {
	s := steady{hz: hz}
	out := make([]frame, d/frameTime)
	for i := range out {
		out[i] = s.next()
	}
	if n := len(out); n > 0 {
		for i := range 40 {
			at := frameSamples - 1 - i
			out[n-1][at] = int16(float64(out[n-1][at]) * fade(i))
		}
	}
	return out
}

// keyTones are the two sines of each telephone key (ITU-T Q.23).
var keyTones = map[rune][]float64{
	'1': {697, 1209}, '2': {697, 1336}, '3': {697, 1477}, 'A': {697, 1633},
	'4': {770, 1209}, '5': {770, 1336}, '6': {770, 1477}, 'B': {770, 1633},
	'7': {852, 1209}, '8': {852, 1336}, '9': {852, 1477}, 'C': {852, 1633},
	'*': {941, 1209}, '0': {941, 1336}, '#': {941, 1477}, 'D': {941, 1633},
}

// keyCode is the RFC 4733 event number of a key.
func keyCode(key rune) uint32 { return uint32(strings.IndexRune("0123456789*#ABCD", key)) }

// encodeULaw is the G.711 µ-law code of a sample.
func encodeULaw(s int16) byte {
	v, sign := int(s), byte(0)
	if v < 0 {
		v, sign = -v, 0x80
	}
	v = min(v, 32635) + 132
	exponent := byte(7)
	for mask := 0x4000; exponent > 0 && v&mask == 0; mask >>= 1 {
		exponent--
	}
	return ^(sign | exponent<<4 | byte(v>>(exponent+3))&0x0f)
}

// decodeULaw is the sample of a G.711 µ-law code.
func decodeULaw(b byte) int16 {
	b = ^b
	v := (int(b&0x0f)<<3+132)<<(b>>4&7) - 132
	if b&0x80 != 0 {
		v = -v
	}
	return int16(v)
}

// decodeALaw is the sample of a G.711 A-law code.
func decodeALaw(b byte) int16 {
	b ^= 0x55
	exponent, v := b>>4&7, int(b&0x0f)<<4+8
	if exponent > 0 {
		v = (v + 256) << (exponent - 1)
	}
	if b&0x80 == 0 {
		v = -v
	}
	return int16(v)
}

// lowpass takes 48 kHz to 8 kHz: a windowed sinc with its edge at 3.6 kHz, the band of a telephone.
type lowpass struct {
	taps []float64
	past []float64
}

const downBy = 48000 / phoneRate

func newLowpass() *lowpass {
	const n, edge = 96, 3600.0 / 48000
	l := &lowpass{taps: make([]float64, n), past: make([]float64, n-1)}
	sum := 0.0
	for i := range l.taps {
		x := float64(i) - (n-1)/2.0
		l.taps[i] = math.Sin(2*math.Pi*edge*x) / (math.Pi * x) * (0.54 - 0.46*math.Cos(2*math.Pi*float64(i)/(n-1)))
		sum += l.taps[i]
	}
	for i := range l.taps {
		l.taps[i] /= sum
	}
	return l
}

// down gives one sample for six; the length of in is a multiple of six.
func (l *lowpass) down(in []int16) []int16 {
	buf := l.past
	for _, v := range in {
		buf = append(buf, float64(v))
	}
	n := len(l.taps)
	out := make([]int16, 0, len(in)/downBy)
	for at := 0; at+downBy <= len(in); at += downBy {
		v := 0.0
		for i, t := range l.taps {
			v += t * buf[at+i]
		}
		out = append(out, int16(math.Max(-32768, math.Min(32767, math.Round(v)))))
	}
	l.past = append([]float64(nil), buf[len(buf)-(n-1):]...)
	return out
}

// opusEar decodes Opus packets to telephone samples.
type opusEar struct {
	dec opus.Decoder
	low *lowpass
	pcm []int16
}

func newOpusEar() (*opusEar, error) {
	d, err := opus.NewDecoderWithOutput(48000, 1)
	if err != nil {
		return nil, err
	}
	return &opusEar{dec: d, low: newLowpass(), pcm: make([]int16, 48000*120/1000)}, nil
}

func (o *opusEar) decode(packet []byte) ([]int16, error) {
	n, err := o.dec.DecodeToInt16(packet, o.pcm)
	if err != nil {
		return nil, err
	}
	return o.low.down(o.pcm[:n-n%downBy]), nil
}

// decodeOgg reads an Ogg Opus file with one stream into telephone frames.
func decodeOgg(b []byte) ([]frame, error) {
	packets, err := oggPackets(b)
	if err != nil {
		return nil, err
	}
	if len(packets) < 3 || !bytes.HasPrefix(packets[0], []byte("OpusHead")) {
		return nil, errors.New("it is no Ogg Opus file")
	}
	ear, err := newOpusEar()
	if err != nil {
		return nil, err
	}
	var samples []int16
	for _, p := range packets[2:] {
		s, err := ear.decode(p)
		if err != nil {
			return nil, fmt.Errorf("a packet does not decode: %w", err)
		}
		samples = append(samples, s...)
	}
	out := make([]frame, 0, len(samples)/frameSamples+1)
	for len(samples) > 0 {
		var f frame
		samples = samples[copy(f[:], samples):]
		out = append(out, f)
	}
	return out, nil
}

// oggPackets takes the packets out of Ogg pages. Pion's reader gives whole pages, and encoders put many packets on one.
func oggPackets(b []byte) ([][]byte, error) {
	var out [][]byte
	var open []byte // packet that goes on
	for len(b) > 0 {
		if len(b) < 27 || string(b[:4]) != "OggS" {
			return nil, errors.New("it is no Ogg file, or a broken one")
		}
		segments := int(b[26])
		if len(b) < 27+segments {
			return nil, errors.New("the Ogg file ends in a page header")
		}
		sizes, body := b[27:27+segments], b[27+segments:]
		for _, n := range sizes {
			if len(body) < int(n) {
				return nil, errors.New("the Ogg file ends in a page")
			}
			open = append(open, body[:n]...)
			body = body[n:]
			if n < 255 {
				out = append(out, open)
				open = nil
			}
		}
		b = body
	}
	return out, nil
}
