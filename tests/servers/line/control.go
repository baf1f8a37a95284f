package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const (
	bodyLimit = 64 << 10
	waitLimit = 60_000 // ms
)

// failure is an error with the HTTP status it is answered with.
type failure struct {
	status int
	text   string
}

func (f failure) Error() string { return f.text }

func bad(err error) error { return failure{http.StatusBadRequest, err.Error()} }

// handler is the control API; README.md describes it.
func (l *line) handler() http.Handler {
	m := http.NewServeMux()
	on := func(pattern string, do func(*http.Request) (int, any, error)) {
		m.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			status, v, err := do(r)
			if err != nil {
				f := failure{status: http.StatusInternalServerError, text: err.Error()}
				_ = errors.As(err, &f)
				status, v = f.status, map[string]string{"error": f.text}
			}
			writeJSON(w, status, v)
		})
	}
	on("GET /ready", func(*http.Request) (int, any, error) { return http.StatusOK, l.ready, nil })
	on("POST /calls", l.postCall)
	on("GET /calls", l.getCalls)
	on("GET /calls/{id}", l.getCall)
	on("POST /calls/{id}/{action}", l.postAction)
	on("POST /calls/{id}/heard/reset", func(r *http.Request) (int, any, error) {
		return l.withLeg(r, func(c *leg) error { c.ear.reset(); return nil })
	})
	m.HandleFunc("GET /calls/{id}/audio.ogg", l.getAudio)
	on("GET /events", l.getEvents)
	on("GET /numbers", func(*http.Request) (int, any, error) {
		return http.StatusOK, map[string]any{"numbers": l.numbers.list()}, nil
	})
	on("POST /numbers/reset", func(*http.Request) (int, any, error) {
		l.numbers.reset()
		return http.StatusOK, map[string]any{"numbers": l.numbers.list()}, nil
	})
	on("GET /numbers/matrix", func(*http.Request) (int, any, error) {
		return http.StatusOK, map[string]any{"numbers": l.numbers.matrix()}, nil
	})
	on("GET /numbers/{number}", l.getNumber)
	on("PUT /numbers/{number}", l.putNumber)
	on("DELETE /numbers/{number}", l.deleteNumber)
	on("PUT /callers/{number}", l.putCaller)
	on("POST /ringing", l.postRinging)
	l.webhooks(on)
	on("GET /faults", func(*http.Request) (int, any, error) { return http.StatusOK, l.faultState(), nil })
	on("POST /faults/{fault}", l.postFault)
	on("/", func(r *http.Request) (int, any, error) {
		return 0, nil, failure{http.StatusNotFound, fmt.Sprintf("There is no %s %s here.", r.Method, r.URL.Path)}
	})
	return onlyLocal(m)
}

// onlyLocal answers nobody who came by a name that is not this machine's: no web page can reach the line by DNS tricks.
func onlyLocal(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			writeJSON(w, http.StatusForbidden, map[string]string{"error": "The demo line is for this machine only."})
			return
		}
		next.ServeHTTP(w, r)
	})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may be gone; nobody else to tell
}

// readBody decodes a JSON object; an empty body is an empty object.
func readBody(r *http.Request, into any) error { return readBodyOf(r, into, bodyLimit) }

func readBodyOf(r *http.Request, into any, limit int64) error {
	b, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, limit))
	if err != nil {
		return bad(fmt.Errorf("cannot read the request: %w", err))
	}
	if len(bytes.TrimSpace(b)) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return bad(fmt.Errorf("the request is not the JSON this wants: %w", err))
	}
	return nil
}

func (l *line) leg(r *http.Request) (*leg, error) {
	if c := l.bridge.find(r.PathValue("id")); c != nil {
		return c, nil
	}
	return nil, failure{http.StatusNotFound, fmt.Sprintf("There is no call %q.", r.PathValue("id"))}
}

// withLeg does something with the call of the path and answers its report.
func (l *line) withLeg(r *http.Request, do func(*leg) error) (int, any, error) {
	c, err := l.leg(r)
	if err != nil {
		return 0, nil, err
	}
	switch err := do(c); {
	case errors.Is(err, errOver) || errors.Is(err, errNotUp):
		return 0, nil, failure{http.StatusConflict, err.Error()}
	case err != nil:
		return 0, nil, bad(err)
	}
	return http.StatusOK, c.report(), nil
}

func (l *line) postCall(r *http.Request) (int, any, error) {
	var c callRequest
	if err := readBodyOf(r, &c, hostileLimit); err != nil {
		return 0, nil, err
	}
	if err := c.check(); err != nil {
		return 0, nil, bad(err)
	}
	return http.StatusCreated, l.bridge.callIn(c).report(), nil
}

func (l *line) getCalls(r *http.Request) (int, any, error) {
	q := r.URL.Query()
	out := []callReport{}
	for _, c := range slices.Backward(l.bridge.list()) {
		rep := c.report()
		if want := q.Get("over"); want != "" && want != strconv.FormatBool(rep.Over) {
			continue
		}
		match := func(name, is string) bool { return !q.Has(name) || q.Get(name) == is }
		if match("direction", rep.Direction) && match("room", rep.Room) && match("to", rep.To) && match("from", rep.From) && match("identity", rep.Identity) {
			out = append(out, rep)
		}
	}
	return http.StatusOK, map[string]any{"calls": out}, nil
}

func (l *line) getCall(r *http.Request) (int, any, error) {
	c, err := l.leg(r)
	if err != nil {
		return 0, nil, err
	}
	if point := r.URL.Query().Get("until"); point != "" {
		if !slices.Contains([]string{"joined", "ringing", "answered", "over"}, point) {
			return 0, nil, bad(fmt.Errorf("until=%q is none of joined, ringing, answered, over", point))
		}
		ctx, cancel, err := waiting(r, 5000)
		if err != nil {
			return 0, nil, err
		}
		defer cancel()
		l.events.until(ctx, func() bool { return c.reached(point) })
	}
	return http.StatusOK, c.report(), nil
}

// waiting is the context of a request that waits ?wait_ms= at most.
func waiting(r *http.Request, usual int) (context.Context, context.CancelFunc, error) {
	n := usual
	if v := r.URL.Query().Get("wait_ms"); v != "" {
		var err error
		if n, err = strconv.Atoi(v); err != nil || n < 0 {
			return nil, nil, bad(fmt.Errorf("wait_ms=%q is no number of milliseconds", v))
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), ms(min(n, waitLimit)))
	return ctx, cancel, nil
}

func (l *line) postAction(r *http.Request) (int, any, error) {
	var body struct {
		Keys    string `json:"keys"`
		Says    string `json:"says"`
		Mode    string `json:"mode"`
		DelayMS int    `json:"delay_ms"`
		ForMS   int    `json:"for_ms"`

		Attributes map[string]*string `json:"attributes"`
	}
	action := r.PathValue("action")
	if err := readBodyOf(r, &body, hostileLimit); err != nil {
		return 0, nil, err
	}
	living := func(do func(*leg) error) func(*leg) error {
		return func(c *leg) error {
			if c.isOver() {
				return errOver
			}
			return do(c)
		}
	}
	switch action {
	case "hangup":
		return l.withLeg(r, living(func(c *leg) error {
			c.leave(endBye)
			ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
			defer cancel()
			l.events.until(ctx, c.isOver) // so that the report already tells the end
			return nil
		}))
	case "drop", "ghost":
		return l.withLeg(r, living(func(c *leg) error {
			if !c.reached("joined") {
				return errNotUp
			}
			c.leave(action)
			return nil
		}))
	case "answer":
		return l.withLeg(r, living(func(c *leg) error {
			if c.inbound {
				return errors.New("the caller cannot answer its own call")
			}
			c.answerNow.fire()
			return nil
		}))
	case "rejoin":
		return l.withLeg(r, func(c *leg) error { return c.rejoin() })
	case "keys":
		return l.withLeg(r, func(c *leg) error { return c.pressLater(body.Keys) })
	case "says":
		return l.withLeg(r, func(c *leg) error { return c.say(body.Says) })
	case "attributes":
		return l.withLeg(r, func(c *leg) error { return c.setAttributes(body.Attributes) })
	case "vanish":
		return l.withLeg(r, func(c *leg) error { return c.vanish() })
	case "media":
		return l.withLeg(r, func(c *leg) error { return c.media(body.Mode, body.DelayMS, body.ForMS) })
	}
	return 0, nil, failure{http.StatusNotFound, fmt.Sprintf("A call cannot be told to %q.", action)}
}

func (l *line) getAudio(w http.ResponseWriter, r *http.Request) {
	c, err := l.leg(r)
	var sound []byte
	if err == nil {
		if sound = c.ear.recording(); sound == nil {
			err = failure{http.StatusNotFound, "The phone has heard nothing that could be recorded."}
		}
	}
	if err != nil {
		writeJSON(w, http.StatusNotFound, map[string]string{"error": err.Error()})
		return
	}
	w.Header().Set("Content-Type", "audio/ogg")
	_, _ = w.Write(sound)
}

func (l *line) getEvents(r *http.Request) (int, any, error) {
	var after int64
	if v := r.URL.Query().Get("after"); v != "" {
		var err error
		if after, err = strconv.ParseInt(v, 10, 64); err != nil {
			return 0, nil, bad(fmt.Errorf("after=%q is no event number", v))
		}
	}
	ctx, cancel, err := waiting(r, 0)
	if err != nil {
		return 0, nil, err
	}
	defer cancel()
	list, next := l.events.wait(ctx, after, r.URL.Query().Get("call"))
	return http.StatusOK, map[string]any{"events": list, "next": next}, nil
}

func (l *line) getNumber(r *http.Request) (int, any, error) {
	e, err := l.numbers.get(r.PathValue("number"))
	if err != nil {
		return 0, nil, bad(err)
	}
	return http.StatusOK, e, nil
}

func (l *line) putNumber(r *http.Request) (int, any, error) { return putScript(r, l.numbers.put) }

func (l *line) putCaller(r *http.Request) (int, any, error) { return putScript(r, l.numbers.putCaller) }

func putScript(r *http.Request, put func(string, []byte) (numberEntry, error)) (int, any, error) {
	b, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, bodyLimit))
	if err != nil {
		return 0, nil, bad(fmt.Errorf("cannot read the request: %w", err))
	}
	e, err := put(r.PathValue("number"), b)
	if err != nil {
		return 0, nil, bad(err)
	}
	return http.StatusOK, e, nil
}

func (l *line) deleteNumber(r *http.Request) (int, any, error) {
	if err := l.numbers.remove(r.PathValue("number")); err != nil {
		return 0, nil, bad(err)
	}
	return l.getNumber(r)
}
