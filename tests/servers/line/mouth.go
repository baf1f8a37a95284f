package main

import (
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// What happens to the packets of a phone on their way to the room.
const (
	mediaFlow  = "flow"
	mediaStop  = "stop"
	mediaDelay = "delay"
)

// mouth sends one 20 ms frame after another as PCMU, on an absolute schedule that never drifts.
type mouth struct {
	mu    sync.Mutex
	track *webrtc.TrackLocalStaticRTP
	says  voice
	queue []frame // said before says goes on
	limit int     // longest queue; an echo must not fall behind
	mode  string
	delay time.Duration
	late  []latePacket // packets that wait in mode delay
	seq   uint16
	stamp uint32

	began sync.Once
	ended sync.Once
	done  chan struct{}
}

type latePacket struct {
	at time.Time
	p  rtp.Packet
}

const queueLimit = 3000 // one minute

func newTrack() (*webrtc.TrackLocalStaticRTP, error) {
	return webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMU, ClockRate: phoneRate}, "audio", "line")
}

func newMouth() (*mouth, error) {
	t, err := newTrack()
	if err != nil {
		return nil, err
	}
	return &mouth{track: t, says: silence{}, limit: queueLimit, mode: mediaFlow, done: make(chan struct{})}, nil
}

// speak makes v what is said from now on and starts the clock; from here packets flow without a gap.
func (m *mouth) speak(v voice, limit int) {
	m.mu.Lock()
	m.says, m.queue, m.limit = v, nil, limit
	m.mu.Unlock()
	m.began.Do(func() { go m.run() })
}

// insert says frames before what is said goes on; the oldest are dropped when there are too many.
func (m *mouth) insert(f ...frame) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.queue = append(m.queue, f...)
	if n := len(m.queue) - m.limit; n > 0 {
		m.queue = append([]frame(nil), m.queue[n:]...)
	}
}

// media changes what happens to the packets.
func (m *mouth) media(mode string, delay time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mode, m.delay = mode, delay
}

// move sends to another track from now on, after the phone joined again.
func (m *mouth) move(t *webrtc.TrackLocalStaticRTP) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.track = t
}

func (m *mouth) close() { m.ended.Do(func() { close(m.done) }) }

func (m *mouth) run() {
	next := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-m.done:
			return
		case <-timer.C:
		}
		m.tick(time.Now())
		next = next.Add(frameTime)
		if behind := time.Since(next); behind > time.Second { // the machine slept: go on from here
			next = time.Now()
		}
		timer.Reset(time.Until(next))
	}
}

func (m *mouth) tick(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var f frame
	if len(m.queue) > 0 {
		f, m.queue = m.queue[0], m.queue[1:]
	} else {
		f = m.says.next()
	}
	p := rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: m.seq, Timestamp: m.stamp, Marker: m.stamp == 0}, Payload: make([]byte, frameSamples)}
	for i, s := range f {
		p.Payload[i] = encodeULaw(s)
	}
	m.stamp += frameSamples
	if m.mode == mediaStop {
		return // time goes on, no packet is made
	}
	m.seq++
	wait := time.Duration(0)
	if m.mode == mediaDelay {
		wait = m.delay
	}
	m.late = append(m.late, latePacket{now.Add(wait), p})
	// Packets never overtake each other: when a delay ends, what waited comes in one burst.
	for len(m.late) > 0 && (m.mode == mediaFlow || !m.late[0].at.After(now)) {
		_ = m.track.WriteRTP(&m.late[0].p)
		m.late = m.late[1:]
	}
}
