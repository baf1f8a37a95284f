package main

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/livekit/protocol/livekit"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

const (
	removePath = "/twirp/livekit.RoomService/RemoveParticipant"
	deletePath = "/twirp/livekit.RoomService/DeleteRoom"

	cancelBodyLimit = 1 << 20
	answerWait      = time.Second
)

// beforeCancel looks at a request on its way to the server. When it cancels a phone that is to answer in that very
// moment, the phone does so first: the room sees it active for an instant, and then the cancellation comes.
func (b *bridge) beforeCancel(r *http.Request) {
	if r.Method != http.MethodPost || r.URL.Path != removePath && r.URL.Path != deletePath || !b.anyRace() {
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, cancelBodyLimit))
	if err != nil {
		return // the server is told the same by the rest of the body
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), r.Body), r.Body}
	room, identity := cancelled(r, body)
	for _, l := range b.list() {
		l.mu.Lock()
		mine := l.roomName == room && room != "" && (identity == "" || l.identity == identity)
		l.mu.Unlock()
		if !mine || l.inbound || l.isOver() || l.up.fired() || l.script.OnCancel != cancelAnswers {
			continue
		}
		l.answerNow.fire()
		select {
		case <-l.up.ch:
			l.mu.Lock()
			in := l.room
			l.mu.Unlock()
			l.attributeSeen(in, "active") // and so does everybody else in the room
		case <-l.over.ch:
		case <-time.After(answerWait):
		}
	}
}

// anyRace tells whether any phone wants to know of cancellations; nearly always none does.
func (b *bridge) anyRace() bool {
	for _, l := range b.list() {
		if l.script.OnCancel == cancelAnswers && !l.isOver() {
			return true
		}
	}
	return false
}

// cancelled gives whom a request removes: a participant, or (without an identity) everybody in the room.
func cancelled(r *http.Request, body []byte) (room, identity string) {
	read := func(m proto.Message) error {
		if strings.Contains(r.Header.Get("Content-Type"), "json") {
			return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(body, m)
		}
		return proto.Unmarshal(body, m)
	}
	if r.URL.Path == deletePath {
		var m livekit.DeleteRoomRequest
		if read(&m) != nil {
			return "", ""
		}
		return m.Room, ""
	}
	var m livekit.RoomParticipantIdentity
	if read(&m) != nil || m.Identity == "" {
		return "", ""
	}
	return m.Room, m.Identity
}
