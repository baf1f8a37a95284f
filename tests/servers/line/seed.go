package main

import (
	"context"
	"strings"
	"time"

	lkproto "github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"
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

// httpURL is the API address that belongs to a ws:// address.
func httpURL(ws string) string { return "http" + strings.TrimPrefix(ws, "ws") }
