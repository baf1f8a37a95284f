package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"
)

var errOver = errors.New("the call is over")
var errNotUp = errors.New("the call is not answered yet")

// answer is the moment the person picks up: from here audio flows without a gap and the script runs.
func (l *leg) answer() {
	l.setState(stateActive)
	l.note("answered", "")
	if err := l.speak(l.currentSays()); err != nil {
		l.note("says", "%v", err)
	}
	l.up.fire()
	s := l.script
	l.after(s.HangupAfter, func() { l.leave(s.End) })
	l.after(s.RejoinAfter, func() { _ = l.rejoin() })
	l.after(s.StopAfter, func() { _ = l.media(mediaStop, 0, s.StopFor) })
	if s.SendKeys != "" {
		go l.press(s.SendKeys)
	}
}

// after does something so many milliseconds from now, unless the call is over by then; 0 is never.
func (l *leg) after(wait int, do func()) {
	if wait <= 0 {
		return
	}
	go func() {
		select {
		case <-time.After(ms(wait)):
			do()
		case <-l.over.ch:
		}
	}()
}

func (l *leg) currentSays() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.says
}

// speak changes what the phone says from now on.
func (l *leg) speak(says string) error {
	v, err := newVoice(says)
	if err != nil {
		return err
	}
	limit := queueLimit
	if says == "echo" {
		limit = 5 // 100 ms: an echo that came late once must not stay late
	}
	l.mouth.speak(v, limit)
	l.ear.setEcho(says == "echo")
	return nil
}

// say is the request to say something else; before the answer it changes what will be said.
func (l *leg) say(says string) error {
	if _, err := newVoice(says); err != nil {
		return err
	}
	if l.isOver() {
		return errOver
	}
	l.mu.Lock()
	l.says = says
	l.mu.Unlock()
	if l.up.fired() {
		if err := l.speak(says); err != nil {
			return err
		}
	}
	l.note("says", "%s", says)
	return nil
}

// key is a key that the room pressed. livekit-sip passes keys on only once the call is up.
func (l *leg) key(digit string) {
	if !l.up.fired() {
		return
	}
	l.mu.Lock()
	l.keys += digit
	says := l.says
	l.mu.Unlock()
	l.note("keys", "%s", digit)
	if says == "keys" {
		for _, r := range digit {
			if hz := keyTones[r]; hz != nil {
				l.mouth.insert(tone(200*time.Millisecond, hz...)...)
				l.mouth.insert(make([]frame, 5)...)
			}
		}
	}
}

// press sends keys to the room one by one, in the rhythm of a person.
func (l *leg) press(keys string) {
	for _, k := range keys {
		pause := 250 * time.Millisecond
		if k == 'w' {
			pause = 500 * time.Millisecond
		}
		select {
		case <-time.After(pause):
		case <-l.over.ch:
			return
		}
		if k == 'w' {
			continue
		}
		l.mu.Lock()
		room := l.room
		l.mu.Unlock()
		err := room.LocalParticipant.PublishDataPacket(&livekit.SipDTMF{Code: keyCode(k), Digit: string(k)}, lksdk.WithDataPublishReliable(true))
		if err != nil {
			l.note("sent", "%c failed: %v", k, err)
			continue
		}
		l.note("sent", "%c", k)
	}
}

// pressLater is the request to press keys.
func (l *leg) pressLater(keys string) error {
	if err := checkKeys(keys); err != nil {
		return err
	}
	switch {
	case keys == "":
		return errors.New("keys is empty")
	case l.isOver():
		return errOver
	case !l.up.fired():
		return errNotUp
	}
	go l.press(keys)
	return nil
}

// leave ends the call the way the far end does.
func (l *leg) leave(how string) {
	switch how {
	case endDrop:
		l.end(ending{by: byFar, why: "The far end dropped without goodbye.", how: endDrop})
	case endGhost:
		l.end(ending{by: byFar, why: "The far end hung up; its leave was lost.", hangup: true, how: endGhost})
	default:
		l.byPhone.fire()
	}
}

// rejoin leaves with an unknown reason and comes back with the attributes of the join, as a phone does after a
// crash of the server. Joining with the same identity does both at once.
func (l *leg) rejoin() error {
	switch {
	case l.isOver():
		return errOver
	case !l.up.fired():
		return errNotUp
	}
	t, err := newTrack()
	if err != nil {
		return err
	}
	l.mu.Lock()
	old := l.room
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := l.enter(ctx, t); err != nil {
		l.note("rejoined", "failed: %v", err)
		return fmt.Errorf("cannot join again: %w", err)
	}
	l.mouth.move(t)
	l.listen()
	l.note("rejoined", "")
	old.Disconnect()
	return nil
}

// media orders what happens to the phone's packets, for so many milliseconds or (0) until the next order.
func (l *leg) media(mode string, delay, for_ int) error {
	if !slices.Contains([]string{mediaFlow, mediaStop, mediaDelay}, mode) {
		return fmt.Errorf("mode %q is none of flow, stop, delay", mode)
	}
	if delay < 0 || delay > 60_000 || for_ < 0 || for_ > msLimit {
		return errors.New("delay_ms goes from 0 to 60000, for_ms from 0 to a day")
	}
	if l.isOver() {
		return errOver
	}
	if !l.up.fired() {
		return errNotUp
	}
	l.mu.Lock()
	l.mediaTurn++
	turn := l.mediaTurn
	l.mu.Unlock()
	l.mouth.media(mode, ms(delay))
	l.note("media", "%s", strings.TrimSpace(mode))
	l.after(for_, func() {
		l.mu.Lock()
		mine := l.mediaTurn == turn
		l.mu.Unlock()
		if mine {
			l.mouth.media(mediaFlow, 0)
			l.note("media", "%s", mediaFlow)
		}
	})
	return nil
}
