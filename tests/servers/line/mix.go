package main

import (
	"math"
	"slices"
	"time"
)

const (
	mixStale = 100 * time.Millisecond // a source that sent nothing for so long is not waited for
	mixLimit = phoneRate / 5          // nor is one that is 200 ms behind another
	hearsFor = time.Second            // a participant is heard until so long after its last packet
)

// source is one track that a phone receives.
type source struct {
	identity string
	track    string
	packets  int
	last     time.Time
	meter    meter
	pending  []int16 // decoded, not mixed yet
	pushed   time.Time
	over     bool // the track has ended
}

// sourceReport is one of `heard.sources`.
type sourceReport struct {
	Identity   string   `json:"identity"`
	Track      string   `json:"track"`
	Packets    int      `json:"packets"`
	Seconds    float64  `json:"seconds"`
	DBFS       *float64 `json:"rms_dbfs"`
	Hz         *float64 `json:"hz"`
	LastPacket *int64   `json:"last_packet_ms_ago"`
}

func (s *source) report() sourceReport {
	r := sourceReport{Identity: s.identity, Track: s.track, Packets: s.packets, Seconds: float64(s.meter.loud) / 10, LastPacket: ago(s.last)}
	if s.meter.loud > 0 {
		db := round(10*math.Log10(s.meter.power/float64(s.meter.loud)), 1)
		r.DBFS = &db
	}
	return r
}

// mix takes sound of one source and gives what can be heard of all of them now. One source alone passes without delay;
// of several, what all have is added up. Call with mu held.
func (e *ear) mix(from *source, pcm []int16, now time.Time) []int16 {
	from.pending, from.pushed = append(from.pending, pcm...), now
	ready, most := math.MaxInt, 0
	for _, s := range e.sources {
		if len(s.pending) == 0 && (s.over || now.Sub(s.pushed) > mixStale) {
			continue
		}
		ready, most = min(ready, len(s.pending)), max(most, len(s.pending))
	}
	if most-ready > mixLimit { // one lags far behind: go on without it
		ready = most - mixLimit/2
	}
	if ready == 0 || ready == math.MaxInt {
		return nil
	}
	sum := make([]int, ready)
	for _, s := range e.sources {
		n := min(ready, len(s.pending))
		for i, v := range s.pending[:n] {
			sum[i] += int(v)
		}
		s.pending = append([]int16(nil), s.pending[n:]...)
	}
	out := make([]int16, ready)
	for i, v := range sum {
		out[i] = int16(max(math.MinInt16, min(math.MaxInt16, v)))
	}
	return out
}

// hears are the participants whose packets arrive now, silent ones too.
func (e *ear) hears() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := []string{}
	for _, s := range e.sources {
		if !s.last.IsZero() && time.Since(s.last) < hearsFor && !slices.Contains(out, s.identity) {
			out = append(out, s.identity)
		}
	}
	slices.Sort(out)
	return out
}

// meter measures sound in blocks of 100 ms.
type meter struct {
	samples  int
	block    []int16
	loud     int     // loud blocks
	power    float64 // their summed mean squares
	peak     float64
	lastLoud []int16 // at most the last second of loud sound; replaced, never written into
}

// add measures more sound; it reports the first loud block.
func (m *meter) add(pcm []int16) bool {
	first := false
	m.samples += len(pcm)
	m.block = append(m.block, pcm...)
	for len(m.block) >= blockSamples {
		b := m.block[:blockSamples]
		m.block = m.block[blockSamples:]
		power := 0.0
		for _, v := range b {
			power += float64(v) * float64(v)
		}
		power /= float64(blockSamples) * 32768 * 32768
		rms := math.Sqrt(power)
		m.peak = math.Max(m.peak, rms)
		if rms > loudRMS {
			first = first || m.loud == 0
			m.loud++
			m.power += power
			skip := max(0, len(m.lastLoud)+len(b)-phoneRate)
			m.lastLoud = slices.Concat(m.lastLoud[skip:], b)
		}
	}
	m.block = append([]int16(nil), m.block...)
	return first
}
