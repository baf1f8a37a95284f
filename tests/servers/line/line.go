package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/livekit/protocol/logger"
	"github.com/livekit/psrpc"
	"github.com/redis/go-redis/v9"
)

// line is the whole: Redis, the server, the bridge with its phones, the control API.
type line struct {
	opt     options
	store   *store // the built-in Redis; nil when somebody else's is used
	bus     *redis.Client
	mirror  *mirror
	hooks   *hooks // nil without phones
	server  server
	bridge  *bridge
	numbers *numbers
	events  *hub
	control *http.Server
	ready   readyLine
	stopped chan struct{}

	faulting sync.Mutex // one fault at a time
}

// readyLine is printed on stdout once everything can be used.
type readyLine struct {
	Ready         bool   `json:"ready"`
	URL           string `json:"url"`
	Key           string `json:"key"`
	Secret        string `json:"secret"`
	Control       string `json:"control"`
	Redis         string `json:"redis"`
	InboundNumber string `json:"inbound_number"`
	OutboundTrunk string `json:"outbound_trunk"`
	InboundTrunk  string `json:"inbound_trunk"`
	DispatchRule  string `json:"dispatch_rule"`
	PID           int    `json:"pid"`
	MS            int64  `json:"ms"`
}

func (l *line) readyJSON() []byte {
	b, _ := json.Marshal(l.ready) // plain strings and numbers cannot fail
	return b
}

func startLine(opt options, started time.Time) (l *line, err error) {
	quietenRedis(opt.level)
	l = &line{opt: opt, numbers: newNumbers(), events: newHub(), stopped: make(chan struct{})}
	defer func() {
		if err != nil {
			l.stop()
		}
	}()

	redisAddr := opt.redis
	if redisAddr == "" {
		r := miniredis.NewMiniRedis()
		if err := r.StartAddr(opt.redisListen); err != nil {
			return l, fmt.Errorf("cannot start the built-in Redis: %w", err)
		}
		redisAddr = r.Addr()
		l.store = &store{redis: r, addr: redisAddr}
		go l.tickRedis()
	}

	if l.mirror, err = startMirror(); err != nil {
		return l, err
	}
	set := serverSettings{Port: opt.port, UDP: opt.udp, Media: opt.media, Redis: redisAddr, STUN: l.mirror.addr(), Key: opt.key, Secret: opt.secret, Level: logLevel(opt.level)}
	if opt.webhook != "" {
		set.Webhooks = append(set.Webhooks, opt.webhook)
	}
	if !opt.noBridge {
		if l.hooks, err = startHooks(); err != nil {
			return l, err
		}
		set.Webhooks = append(set.Webhooks, l.hooks.url())
	}
	if err := l.startServer(set); err != nil {
		return l, err
	}

	l.ready = readyLine{Ready: true, URL: l.server.url(), Key: opt.key, Secret: opt.secret, Redis: redisAddr, InboundNumber: demoNumber, PID: os.Getpid()}
	if opt.seed {
		if err := l.seed(); err != nil {
			return l, fmt.Errorf("cannot make the demo trunks: %w", err)
		}
	}
	if !opt.noBridge {
		if err := l.startPhones(redisAddr); err != nil {
			return l, err
		}
	}
	l.ready.MS = time.Since(started).Milliseconds()
	return l, nil
}

// startServer leaves l.server nil if it fails.
func (l *line) startServer(set serverSettings) error {
	if l.opt.child {
		c, err := startChild(set)
		if err == nil {
			l.server = c
		}
		return err
	}
	p, err := startInProcess(set)
	if err == nil {
		l.server = p
	}
	return err
}

// startPhones puts the simulated bridge and its control API on the line.
func (l *line) startPhones(redisAddr string) error {
	if l.opt.child { // in the other mode the server has set the process's logger already
		logger.InitFromConfig(&logger.Config{Level: logLevel(l.opt.level)}, "line")
	}
	l.bus = redis.NewClient(&redis.Options{Addr: redisAddr})
	var err error
	l.bridge, err = newBridge(bridgeSettings{
		direct: l.server.direct, key: l.opt.key, secret: l.opt.secret, record: l.opt.record, tidy: l.opt.tidy,
		numbers: l.numbers, events: l.events, log: logger.GetLogger(),
	}, psrpc.NewRedisMessageBus(l.bus))
	if err != nil {
		return fmt.Errorf("cannot start the simulated bridge: %w", err)
	}
	look := l.bridge.beforeCancel
	l.server.door().before.Store(&look)
	ln, err := net.Listen("tcp", l.opt.control)
	if err != nil {
		return fmt.Errorf("cannot open the control API: %w", err)
	}
	l.ready.Control = "http://" + ln.Addr().String()
	l.control = &http.Server{Handler: l.handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = l.control.Serve(ln) }()
	return nil
}

// quietRedis drops what the Redis client writes past all loggers. A Redis that is gone shows in every answer anyway.
type quietRedis struct{}

func (quietRedis) Printf(context.Context, string, ...any) {}

// quietenRedis keeps stderr for who asked for it.
func quietenRedis(level string) {
	if level == "error" || level == "off" || level == "fatal" {
		redis.SetLogger(quietRedis{})
	}
}

// logLevel is LiveKit's word for a level of -log. Nothing is logged as fatal.
func logLevel(level string) string {
	if level == "off" {
		return "fatal"
	}
	return level
}

// tickRedis moves the clock of the built-in Redis, which stands still by itself: without it no key ever expires.
func (l *line) tickRedis() {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			l.store.redis.FastForward(time.Second)
		case <-l.stopped:
			return
		}
	}
}

// stop ends everything in the order in which it depends on each other. It is called once.
func (l *line) stop() {
	close(l.stopped)
	if l.control != nil {
		_ = l.control.Close()
	}
	if l.bridge != nil {
		l.bridge.stop()
	}
	if l.server != nil {
		l.server.stop()
	}
	if l.mirror != nil {
		l.mirror.stop()
	}
	if l.hooks != nil {
		l.hooks.stop()
	}
	if l.bus != nil {
		_ = l.bus.Close()
	}
	if l.store != nil {
		l.store.redis.Close()
	}
}
