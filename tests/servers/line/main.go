// Command line is the demo line of Deskline: Redis, the real LiveKit server and simulated telephones,
// on loopback only. README.md describes the flags, the numbers and the control API.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// serveWord is the first argument of the child that runs the LiveKit server alone (see child.go).
const serveWord = "serve"

func main() {
	// Only the ready line may go to stdout; whatever a library prints there goes to stderr instead.
	out := os.Stdout
	os.Stdout = os.Stderr
	os.Exit(begin(os.Args[1:], time.Now(), out))
}

// begin does what the arguments say and gives the exit code.
func begin(args []string, started time.Time, out io.Writer) int {
	if len(args) > 0 && args[0] == serveWord {
		return serveChild(os.Stdin)
	}
	opt, err := parseFlags(args)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err == nil {
		err = run(opt, started, out)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "line:", err)
		return 1
	}
	return 0
}

// options are the flags after checking.
type options struct {
	port, udp            int
	media                string
	control, redisListen string
	key, secret          string
	redis, webhook       string
	record, level        string
	noBridge, seed, tidy bool
	child, stdinEOF      bool
}

const (
	devKey    = "devkey"
	devSecret = "demo-line-demo-line-demo-line-demo-line"
)

func parseFlags(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("line", flag.ContinueOnError)
	f.IntVar(&o.port, "port", 0, "LiveKit HTTP and WebSocket port on 127.0.0.1; 0 picks a free one")
	f.IntVar(&o.udp, "udp", 0, "LiveKit media port on 127.0.0.1; 0 picks a free one")
	f.StringVar(&o.media, "media", "127.0.0.1", "loopback `address` that media is told to go to; another than 127.0.0.1 is a relay's")
	f.StringVar(&o.control, "control", "127.0.0.1:0", "loopback `address` of the control API")
	f.StringVar(&o.redis, "redis", "", "`address` of a Redis to use instead of the built-in one")
	f.StringVar(&o.redisListen, "redis-listen", "127.0.0.1:0", "loopback `address` of the built-in Redis")
	f.BoolVar(&o.noBridge, "no-bridge", false, "no simulated phones: a real livekit-sip takes their place")
	f.StringVar(&o.key, "key", environment("LIVEKIT_API_KEY", devKey), "API `key`")
	f.StringVar(&o.secret, "secret", environment("LIVEKIT_API_SECRET", ""), "API `secret`, 32 characters or more (default a fixed development secret)")
	f.BoolVar(&o.seed, "seed", true, "make the demo trunks and the dispatch rule")
	f.StringVar(&o.webhook, "webhook", "", "`URL` that gets LiveKit's webhooks")
	f.BoolVar(&o.tidy, "tidy", true, "a phone that hangs up never stays in the room as a ghost")
	f.StringVar(&o.record, "record", "", "`folder` that keeps what the phones heard")
	f.StringVar(&o.level, "log", "error", "log `level`: debug, info, warn, error or off; LiveKit logs every failed call as an error")
	f.BoolVar(&o.child, "child", false, "run the LiveKit server as a child process so that it can be frozen, killed and restarted")
	f.BoolVar(&o.stdinEOF, "stdin-eof", isPipe(os.Stdin), "end when stdin ends (default: if stdin is a pipe)")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("%q is not a flag; see -help", f.Arg(0))
	}
	if o.secret == "" {
		o.secret = devSecret
	}
	return o, o.check()
}

func (o options) check() error {
	switch {
	case o.port < 0 || o.port > 65535 || o.udp < 0 || o.udp > 65535:
		return errors.New("-port and -udp take a number from 0 to 65535")
	case len(o.secret) < 32:
		return fmt.Errorf("the API secret has %d characters; LiveKit wants 32 or more", len(o.secret))
	case o.key == "" || strings.ContainsAny(o.key, "\"\n\\"):
		return errors.New("the API key is empty or has characters that do not belong in a key")
	}
	for name, addr := range map[string]string{"-control": o.control, "-redis-listen": o.redisListen, "-media": net.JoinHostPort(o.media, "0")} {
		if err := loopback(addr); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	switch o.level {
	case "debug", "info", "warn", "error", "off":
	default:
		return fmt.Errorf("-log %q is none of debug, info, warn, error, off", o.level)
	}
	if o.record != "" {
		if err := os.MkdirAll(o.record, 0o700); err != nil {
			return fmt.Errorf("-record: %w", err)
		}
	}
	return nil
}

// loopback refuses an address that others could reach.
func loopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%q is not host:port", addr)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("%q is not a loopback address; the line is for this machine only", addr)
	}
	return nil
}

// run keeps the line up until a signal, the end of stdin or the end of the server.
func run(opt options, started time.Time, out io.Writer) error {
	sig := make(chan os.Signal, 2)
	signal.Notify(sig, syscall.SIGINT, syscall.SIGTERM)
	parent := make(chan struct{})
	if opt.stdinEOF {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			close(parent)
		}()
	}
	l, err := startLine(opt, started)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "%s\n", l.readyJSON()); err != nil {
		l.stop()
		return fmt.Errorf("cannot print the ready line: %w", err)
	}
	select {
	case err = <-l.server.down():
		err = fmt.Errorf("the LiveKit server stopped: %w", err)
	case <-sig:
	case <-parent:
	}
	// Clients are told politely, but nobody waits long for a demo line to end.
	done := make(chan struct{})
	go func() {
		l.stop()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(1500 * time.Millisecond):
	}
	return err
}

func isPipe(f *os.File) bool {
	st, err := f.Stat()
	return err == nil && st.Mode()&(os.ModeNamedPipe|os.ModeSocket) != 0
}

func environment(name, other string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return other
}
