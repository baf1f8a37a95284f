package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/sip"
	lksdk "github.com/livekit/server-sdk-go/v2"
)

const (
	rawLimit        = 2 << 20 // bytes of a caller id or a name
	attributesLimit = 1 << 20
	hostileLimit    = 4 << 20 // of the whole request
)

// hostility is the part of POST /calls that no decent caller needs: what can come in over the network anyway.
type hostility struct {
	Raw             bool               `json:"raw"`                 // from and name are taken as they are
	Attributes      map[string]*string `json:"attributes"`          // instead of, or (null) without, the bridge's own
	AttributesAfter *int               `json:"attributes_after_ms"` // joins without any; they come so long after the join
	Room            string             `json:"room"`                // instead of the rule's
	AlsoIn          string             `json:"also_in"`             // a second room with the same call in it
	VanishAfter     *int               `json:"vanish_after_ms"`     // the room is deleted so long after it rings
}

func (h hostility) check() error {
	for name, v := range map[string]*int{"attributes_after_ms": h.AttributesAfter, "vanish_after_ms": h.VanishAfter} {
		if v != nil && (*v < 0 || *v > msLimit) {
			return fmt.Errorf("%s goes from 0 to a day", name)
		}
	}
	if h.AlsoIn != "" && h.AlsoIn == h.Room {
		return errors.New("room and also_in are the same")
	}
	return checkAttributes(h.Attributes)
}

func checkAttributes(a map[string]*string) error {
	size := 0
	for k, v := range a {
		size += len(k)
		if v != nil {
			size += len(*v)
		}
	}
	if size > attributesLimit {
		return errors.New("the attributes have more than 1 MB")
	}
	return nil
}

// checkParty looks at the caller id and the name.
func (c *callRequest) checkParty() error {
	if c.Raw {
		if len(c.From) > rawLimit || len(c.Name) > rawLimit {
			return errors.New("from and name have at most 2 MB")
		}
		return nil
	}
	if !partyForm.MatchString(c.From) {
		return fmt.Errorf(`from %.100q is no number; give one like +13125550142, or "raw":true`, c.From)
	}
	if len(c.Name) > 128 {
		return errors.New(`name has more than 128 bytes; "raw":true takes it`)
	}
	return nil
}

// change gives the attributes of the join and those that come after it.
func (h hostility) change(attrs map[string]string) (joins, later map[string]string) {
	attrs = maps.Clone(attrs)
	for k, v := range h.Attributes {
		if v == nil {
			delete(attrs, k)
		} else {
			attrs[k] = *v
		}
	}
	if h.AttributesAfter != nil {
		return map[string]string{}, attrs
	}
	return attrs, nil
}

// misbehave does what the caller's network does wrong once the phone is in its room.
func (l *leg) misbehave(ctx context.Context, c callRequest, p sip.SIPTokenParams, later map[string]string) {
	if c.AlsoIn != "" {
		p.RoomName = c.AlsoIn
		if err := l.shadow(ctx, p); err != nil {
			l.note("shadow", "failed: %v", err)
		}
	}
	if later != nil {
		l.soon(*c.AttributesAfter, func() { l.attribute(later) })
	}
	if c.VanishAfter != nil {
		l.soon(*c.VanishAfter, func() {
			if err := l.vanish(); err != nil {
				l.note("vanished", "failed: %v", err)
			}
		})
	}
}

// soon does something so many milliseconds from now, unless the call is over by then.
func (l *leg) soon(wait int, do func()) {
	go func() {
		select {
		case <-time.After(ms(wait)):
			do()
		case <-l.over.ch:
		}
	}()
}

// attribute sets attributes of the phone as they are.
func (l *leg) attribute(a map[string]string) {
	l.mu.Lock()
	room := l.room
	l.mu.Unlock()
	room.LocalParticipant.SetAttributes(a)
	l.note("attributes", "%d set", len(a))
}

// setAttributes is the request to set attributes; null takes one away.
func (l *leg) setAttributes(a map[string]*string) error {
	if err := checkAttributes(a); err != nil {
		return err
	}
	if len(a) == 0 {
		return errors.New("attributes is empty")
	}
	l.mu.Lock()
	joined := l.room != nil && l.identity != ""
	l.mu.Unlock()
	switch {
	case l.isOver():
		return errOver
	case !joined:
		return errNotUp
	}
	plain := map[string]string{}
	for k, v := range a {
		if plain[k] = ""; v != nil {
			plain[k] = *v
		}
	}
	l.attribute(plain)
	return nil
}

// vanish deletes the room of the call under everybody.
func (l *leg) vanish() error {
	if l.isOver() {
		return errOver
	}
	l.mu.Lock()
	name, joined := l.roomName, l.identity != ""
	l.vanished = joined
	l.mu.Unlock()
	if !joined {
		return errNotUp
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err := l.b.rooms().DeleteRoom(ctx, &livekit.DeleteRoomRequest{Room: name})
	if err != nil && !isNotFound(err) {
		return fmt.Errorf("the server does not delete the room: %w", err)
	}
	l.note("vanished", "room deleted")
	return nil
}

// shadow puts the same call into another room: same identity, same attributes, a silent track. It is gone with the call.
func (l *leg) shadow(ctx context.Context, p sip.SIPTokenParams) error {
	p.APIKey, p.APISecret = l.b.key, l.b.secret
	token, err := sip.BuildSIPToken(p)
	if err != nil {
		return err
	}
	track, err := newTrack()
	if err != nil {
		return err
	}
	room := lksdk.NewRoom(&lksdk.RoomCallback{})
	room.SetLogger(l.b.log)
	if err := room.JoinWithContextAndToken(ctx, "ws://"+l.b.direct(), token, lksdk.WithAutoSubscribe(false), lksdk.WithExtraAttributes(p.ParticipantAttributes)); err != nil {
		return err
	}
	if _, err := room.LocalParticipant.PublishTrack(track, &lksdk.TrackPublicationOptions{Name: room.LocalParticipant.Identity(), Source: livekit.TrackSource_MICROPHONE}); err != nil {
		room.Disconnect()
		return err
	}
	l.note("shadow", "room %s", p.RoomName)
	go func() {
		<-l.over.ch
		room.Disconnect()
	}()
	return nil
}
