package main

import (
	"fmt"
	"net"

	"github.com/pion/stun/v3"
)

// mirror is a STUN server on loopback: it tells who asks which address the question came from. LiveKit names
// public STUN servers to its clients unless it is given one, and a demo line must not send anybody out of the machine.
type mirror struct{ conn net.PacketConn }

func startMirror() (*mirror, error) {
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("cannot open the STUN port: %w", err)
	}
	m := &mirror{c}
	go m.answer()
	return m, nil
}

func (m *mirror) addr() string { return m.conn.LocalAddr().String() }

func (m *mirror) answer() {
	buf := make([]byte, 1500)
	for {
		n, from, err := m.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		question := stun.Message{Raw: append([]byte(nil), buf[:n]...)}
		who, ok := from.(*net.UDPAddr)
		if !ok || question.Decode() != nil || question.Type != stun.BindingRequest {
			continue
		}
		answer, err := stun.Build(stun.NewTransactionIDSetter(question.TransactionID), stun.BindingSuccess,
			&stun.XORMappedAddress{IP: who.IP, Port: who.Port}, stun.Fingerprint)
		if err == nil {
			_, _ = m.conn.WriteTo(answer.Raw, from) // who asked may be gone
		}
	}
}

func (m *mirror) stop() { _ = m.conn.Close() }
