package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	lkproto "github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"google.golang.org/protobuf/types/known/durationpb"
)

const (
	demoNumber = "+12025550150" // what the desk shows when it calls, and what others dial to reach it
	demoName   = "Demo line"
)

// seed makes the trunks and the rule a desk needs, through the server's own API. On a Redis that kept
// them from last time they are used again.
func (l *line) seed() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c := lksdk.NewSIPClient(httpURL(l.server.url()), l.opt.key, l.opt.secret)

	outs, err := c.ListSIPOutboundTrunk(ctx, &lkproto.ListSIPOutboundTrunkRequest{})
	if err != nil {
		return err
	}
	for _, t := range outs.Items {
		if t.Name == demoName {
			l.ready.OutboundTrunk = t.SipTrunkId
		}
	}
	if l.ready.OutboundTrunk == "" {
		t, err := c.CreateSIPOutboundTrunk(ctx, &lkproto.CreateSIPOutboundTrunkRequest{Trunk: &lkproto.SIPOutboundTrunkInfo{
			Name: demoName, Address: "demo-line.invalid", Numbers: []string{demoNumber}}})
		if err != nil {
			return err
		}
		l.ready.OutboundTrunk = t.SipTrunkId
	}

	ins, err := c.ListSIPInboundTrunk(ctx, &lkproto.ListSIPInboundTrunkRequest{})
	if err != nil {
		return err
	}
	for _, t := range ins.Items {
		if t.Name == demoName {
			l.ready.InboundTrunk = t.SipTrunkId
		}
	}
	if l.ready.InboundTrunk == "" {
		t, err := c.CreateSIPInboundTrunk(ctx, &lkproto.CreateSIPInboundTrunkRequest{Trunk: &lkproto.SIPInboundTrunkInfo{
			Name: demoName, Numbers: []string{demoNumber}}})
		if err != nil {
			return err
		}
		l.ready.InboundTrunk = t.SipTrunkId
	}

	rules, err := c.ListSIPDispatchRule(ctx, &lkproto.ListSIPDispatchRuleRequest{})
	if err != nil {
		return err
	}
	for _, r := range rules.Items {
		if r.Name == demoName {
			l.ready.DispatchRule = r.SipDispatchRuleId
			return nil
		}
	}
	r, err := c.CreateSIPDispatchRule(ctx, &lkproto.CreateSIPDispatchRuleRequest{DispatchRule: &lkproto.SIPDispatchRuleInfo{
		Name: demoName, TrunkIds: []string{l.ready.InboundTrunk},
		Rule: &lkproto.SIPDispatchRule{Rule: &lkproto.SIPDispatchRule_DispatchRuleIndividual{
			DispatchRuleIndividual: &lkproto.SIPDispatchRuleIndividual{RoomPrefix: "inbound-"}}}}})
	if err != nil {
		return err
	}
	l.ready.DispatchRule = r.SipDispatchRuleId
	return nil
}

// ringing sets how long the trunk of the seeded number lets a caller ring; 0: as long as the bridge does by itself.
func (l *line) ringing(limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c := lksdk.NewSIPClient(httpURL(l.server.url()), l.opt.key, l.opt.secret)
	trunk := &lkproto.SIPInboundTrunkInfo{Name: demoName, Numbers: []string{demoNumber}}
	if limit > 0 {
		trunk.RingingTimeout = durationpb.New(limit)
	}
	_, err := c.UpdateSIPInboundTrunk(ctx, &lkproto.UpdateSIPInboundTrunkRequest{SipTrunkId: l.ready.InboundTrunk,
		Action: &lkproto.UpdateSIPInboundTrunkRequest_Replace{Replace: trunk}})
	return err
}

func (l *line) postRinging(r *http.Request) (int, any, error) {
	var body struct {
		LimitMS int `json:"limit_ms"`
	}
	if err := readBody(r, &body); err != nil {
		return 0, nil, err
	}
	switch {
	case body.LimitMS < 0 || body.LimitMS > msLimit:
		return 0, nil, failure{http.StatusBadRequest, "limit_ms goes from 0 to a day."}
	case l.ready.InboundTrunk == "":
		return 0, nil, failure{http.StatusConflict, "This line has no trunk of its own (-seed=false)."}
	}
	if err := l.ringing(ms(body.LimitMS)); err != nil {
		return 0, nil, fmt.Errorf("the server does not change the trunk: %w", err)
	}
	return http.StatusOK, map[string]any{"limit_ms": body.LimitMS}, nil
}

// httpURL is the API address that belongs to a ws:// address.
func httpURL(ws string) string { return "http" + strings.TrimPrefix(ws, "ws") }
