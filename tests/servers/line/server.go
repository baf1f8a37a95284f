package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/livekit/livekit-server/pkg/config"
	"github.com/livekit/livekit-server/pkg/routing"
	"github.com/livekit/livekit-server/pkg/service"
	"github.com/livekit/livekit-server/pkg/telemetry/prometheus"
)

// server is the LiveKit server of the line, in this process or in a child.
type server interface {
	url() string        // ws:// address for clients
	direct() string     // host:port that bypasses what stands in front of the server
	down() <-chan error // says once that the server ended by itself
	faults() *child     // nil if this server cannot be frozen, killed and started
	door() *front       // where clients come in
	stop()
}

// serverSettings is what the server is told; a child gets it as JSON on stdin, so the secret is in no argument list.
type serverSettings struct {
	Port     int      `json:"port"`
	UDP      int      `json:"udp"`
	Media    string   `json:"media"` // the address that clients are told for media
	Redis    string   `json:"redis"`
	STUN     string   `json:"stun"`
	Key      string   `json:"key"`
	Secret   string   `json:"secret"`
	Webhooks []string `json:"webhooks"`
	Level    string   `json:"level"`
}

// config is the LiveKit configuration that keeps every socket of the server on loopback. LiveKit reads YAML,
// of which JSON is a part.
func (s serverSettings) config() (string, error) {
	type m = map[string]any
	if s.Media == "" {
		s.Media = "127.0.0.1"
	}
	rtc := m{
		"udp_port": s.UDP, "tcp_port": 0, // LiveKit binds its TCP media port to every interface, so there is none
		"node_ip": s.Media, "use_external_ip": false, "enable_loopback_candidate": true, "stun_servers": []string{s.STUN},
	}
	if s.Media != "127.0.0.1" {
		// The server's own connectivity checks would come from 127.0.0.1 and offer clients a way around the relay, which some
		// of them take. A lite agent only answers.
		rtc["use_ice_lite"] = true
	}
	switch runtime.GOOS {
	case "linux":
		rtc["interfaces"] = m{"includes": []string{"lo"}}
	case "darwin":
		rtc["interfaces"] = m{"includes": []string{"lo0"}}
	}
	c := m{
		"port": s.Port, "bind_addresses": []string{"127.0.0.1"},
		"redis":   m{"address": s.Redis},
		"keys":    m{s.Key: s.Secret},
		"logging": m{"level": s.Level, "pion_level": "error"},
		"rtc":     rtc,
		"room":    m{"departure_timeout": 20},
	}
	if len(s.Webhooks) > 0 {
		c["webhook"] = m{"api_key": s.Key, "urls": s.Webhooks}
	}
	b, err := json.Marshal(c)
	return string(b), err
}

// withFreePorts fills in the ports that were left open. LiveKit wants concrete numbers, and between finding one
// and using it another process may take it: callers try again on errPortTaken.
func (s serverSettings) withFreePorts() (serverSettings, error) {
	if s.Port == 0 {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return s, fmt.Errorf("no free TCP port: %w", err)
		}
		s.Port = ln.Addr().(*net.TCPAddr).Port
		_ = ln.Close()
	}
	if s.UDP == 0 {
		pc, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			return s, fmt.Errorf("no free UDP port: %w", err)
		}
		s.UDP = pc.LocalAddr().(*net.UDPAddr).Port
		_ = pc.Close()
	}
	return s, nil
}

const portTries = 5

var errPortTaken = errors.New("the port is in use")

// inProcess is a running LiveKit server inside this process.
type inProcess struct {
	settings serverSettings
	front    *front
	srv      *service.LivekitServer
	ended    chan error
}

// startInProcess starts the server in this process. LiveKit's metrics are process-global: one server per process.
func startInProcess(want serverSettings) (*inProcess, error) {
	public, err := openPublic(want.Port)
	if err != nil {
		return nil, err
	}
	inner := want
	inner.Port = 0
	for range portTries {
		var s serverSettings
		if s, err = inner.withFreePorts(); err != nil {
			break
		}
		var l *inProcess
		if l, err = s.start(); err == nil {
			l.front = newFront(public, l.direct())
			return l, nil
		}
		if !errors.Is(err, errPortTaken) || want.UDP != 0 {
			break
		}
	}
	_ = public.Close()
	return nil, fmt.Errorf("cannot start the LiveKit server: %w", err)
}

// openPublic takes the port that clients know. It belongs to the front, whatever happens to the server behind it.
func openPublic(port int) (net.Listener, error) {
	ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, fmt.Errorf("cannot open LiveKit's port: %w", err)
	}
	return ln, nil
}

func (s serverSettings) start() (*inProcess, error) {
	text, err := s.config()
	if err != nil {
		return nil, err
	}
	conf, err := config.NewConfig(text, true, nil, nil)
	if err != nil {
		return nil, err
	}
	config.InitLoggerFromConfig(&conf.Logging)
	if err := conf.ValidateKeys(); err != nil {
		return nil, err
	}
	node, err := routing.NewLocalNode(conf)
	if err != nil {
		return nil, err
	}
	if err := prometheus.Init(string(node.NodeID()), node.NodeType()); err != nil {
		return nil, err
	}
	srv, err := service.InitializeServer(conf, node)
	if err != nil {
		return nil, portError(err)
	}
	l := &inProcess{settings: s, srv: srv, ended: make(chan error, 1)}
	go func() {
		err := srv.Start()
		if err == nil {
			err = errors.New("it was stopped")
		}
		l.ended <- err
	}()
	if err := waitHTTP(s.Port, 10*time.Second, l.ended); err != nil {
		return nil, portError(err)
	}
	return l, nil
}

func portError(err error) error {
	if errors.Is(err, syscall.EADDRINUSE) || strings.Contains(err.Error(), "address already in use") {
		return fmt.Errorf("%w: %w", errPortTaken, err)
	}
	return err
}

func (l *inProcess) direct() string     { return fmt.Sprintf("127.0.0.1:%d", l.settings.Port) }
func (l *inProcess) url() string        { return "ws://" + l.front.addr }
func (l *inProcess) door() *front       { return l.front }
func (l *inProcess) down() <-chan error { return l.ended }
func (l *inProcess) faults() *child     { return nil }

func (l *inProcess) stop() {
	l.srv.Stop(true)
	l.front.stop()
}

// waitHTTP waits until the server answers. There is no event for it, hence the polling; `down` ends it early.
func waitHTTP(port int, limit time.Duration, down <-chan error) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Second}
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/", port), nil)
		if err != nil {
			return err
		}
		if resp, err := client.Do(req); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-down:
			return fmt.Errorf("it ended while starting: %w", err)
		case <-ctx.Done():
			return fmt.Errorf("it did not answer within %s", limit)
		case <-time.After(3 * time.Millisecond):
		}
	}
}
