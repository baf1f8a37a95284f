package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// script says what the person at the far end does. Times are milliseconds; see the table in README.md.
type script struct {
	RingAfter   int    `json:"ring_after_ms"`   // -1: never rings
	AnswerAfter int    `json:"answer_after_ms"` // after it rings (after the call if it never does); -1: never
	Code        int    `json:"code"`            // final SIP code instead of an answer
	Reason      string `json:"reason"`
	EarlyMedia  bool   `json:"early_media"`
	Says        string `json:"says"`
	SendKeys    string `json:"send_keys"`
	HangupAfter int    `json:"hangup_after_ms"` // after the answer; 0: stays
	End         string `json:"end"`             // how it ends then
	RejoinAfter int    `json:"rejoin_after_ms"` // after the answer; 0: never
	StopAfter   int    `json:"stop_after_ms"`   // its packets stop so long after the answer; 0: never
	StopFor     int    `json:"stop_for_ms"`
	OnCancel    string `json:"on_cancel"`    // what it does when it is cancelled before it answered
	PlainStatus bool   `json:"plain_status"` // 401 and 407 are passed on with their code
	ReferCode   int    `json:"refer_code"`   // a REFER (of it, or to it) is refused with this code at once
	ReferSilent bool   `json:"refer_silent"` // a REFER (of it, or to it) is taken, and nothing is ever heard of it
}

// What a phone does that is cancelled while it rings.
const (
	cancelAnswers = "answers" // it answers first: active for an instant, then gone
	cancelCrosses = "crosses" // its 200 crosses the CANCEL: the room never sees it
)

// The ways a far end can leave.
const (
	endBye   = "bye"   // hangs up properly
	endDrop  = "drop"  // the connection dies: no status, no leave
	endGhost = "ghost" // hangs up, but the leave is lost: still listed for about 20 s
)

const msLimit = 24 * 60 * 60 * 1000

func usualScript() script {
	return script{RingAfter: 200, AnswerAfter: 1000, Says: "tone:440", End: endBye}
}

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// numberEntry is one line of the table.
type numberEntry struct {
	Number  string `json:"number"` // two digits: an ending, any area code; else a full number
	What    string `json:"what"`
	Script  script `json:"script"`
	Changed bool   `json:"changed"`
}

// builtIn is the table of README.md.
func builtIn() []numberEntry {
	entry := func(number, what string, change func(*script)) numberEntry {
		s := usualScript()
		change(&s)
		return numberEntry{Number: number, What: what, Script: s}
	}
	refuse := func(code int, reason string, rings bool) func(*script) {
		return func(s *script) {
			s.Code, s.Reason = code, reason
			if !rings {
				s.RingAfter, s.AnswerAfter = -1, 200
			}
		}
	}
	end := func(how string) func(*script) {
		return func(s *script) { s.HangupAfter, s.End = 2000, how }
	}
	return []numberEntry{
		entry("00", "answers, steady 440 Hz tone", func(*script) {}),
		entry("01", "answers, speaks a greeting", func(s *script) { s.Says = "greeting" }),
		entry("02", "answers, echoes", func(s *script) { s.Says = "echo" }),
		entry("03", "answers, reads keys back", func(s *script) { s.Says = "keys" }),
		entry("04", "answers, sends the keys 1 2 3 #", func(s *script) { s.SendKeys = "123#" }),
		entry("05", "rings for ever", func(s *script) { s.AnswerAfter = -1 }),
		entry("06", "answers after 4 s", func(s *script) { s.RingAfter, s.AnswerAfter = 200, 3800 }),
		entry("07", "hangs up 2 s after the answer", end(endBye)),
		entry("08", "drops without goodbye 2 s after the answer", end(endDrop)),
		entry("09", "hangs up after 2 s but stays listed (ghost)", end(endGhost)),
		entry("10", "rejoins as dialing 2 s after the answer", func(s *script) { s.RejoinAfter = 2000 }),
		entry("11", "busy", refuse(486, "Busy Here", true)),
		entry("12", "not in service", refuse(404, "Not Found", false)),
		entry("13", "declines", refuse(603, "Decline", true)),
		entry("14", "temporarily unavailable", refuse(480, "Temporarily Unavailable", false)),
		entry("15", "the line fails", refuse(503, "Service Unavailable", false)),
		entry("16", "refused", refuse(403, "Forbidden", false)),
		entry("17", "answers and stays silent", func(s *script) { s.Says = "silence" }),
		entry("18", "answers; packets stop after 2 s for 6 s", func(s *script) { s.StopAfter, s.StopFor = 2000, 6000 }),
		entry("19", "early media, then busy", func(s *script) { s.EarlyMedia, s.Code, s.Reason = true, 486, "Busy Here" }),
	}
}

// numbers is the table with what was changed at run time. Safe for concurrent use.
type numbers struct {
	mu      sync.Mutex
	table   map[string]numberEntry // by ending
	changed map[string]numberEntry // by ending or full number
	callers map[string]script      // by the number that the desk shows: what its provider does with every call
}

func newNumbers() *numbers {
	n := &numbers{table: map[string]numberEntry{}, changed: map[string]numberEntry{}, callers: map[string]script{}}
	for _, e := range builtIn() {
		n.table[e.Number] = e
	}
	return n
}

var (
	demoForm   = regexp.MustCompile(`^1?[2-9][0-9]{2}55501([0-9]{2})$`)
	nonDigits  = regexp.MustCompile(`[^0-9]+`)
	endingForm = regexp.MustCompile(`^[0-9]{2}$`)
	numberForm = regexp.MustCompile(`^\+?[0-9]{3,15}$`)
)

// endingOf gives the last two digits of a number of the demo form, "00" for every other.
func endingOf(digits string) string {
	if m := demoForm.FindStringSubmatch(digits); m != nil {
		return m[1]
	}
	return "00"
}

// digitsOf takes the number out of what a transfer or a call names: "tel:+1…", "sip:+1…@host", "+1 (212) …".
func digitsOf(target string) string {
	target = strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(target, "<"), "sip:"), "tel:")
	target, _, _ = strings.Cut(target, "@")
	target, _, _ = strings.Cut(target, ";")
	return nonDigits.ReplaceAllString(target, "")
}

// of finds the script of a dialled number: what was put for the full number, the second table, what was put for its
// ending, the first table.
func (n *numbers) of(dialled string) script {
	d := digitsOf(dialled)
	end := endingOf(d)
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, full := range []string{d, "1" + d} {
		if e, ok := n.changed[full]; ok {
			return e.Script
		}
	}
	if e, ok := ofMatrix(d); ok {
		return e.Script
	}
	if e, ok := n.changed[end]; ok {
		return e.Script
	}
	if e, ok := n.table[end]; ok {
		return e.Script
	}
	return n.usual()
}

// between finds the script of a call from one of the desk's numbers: what was put for that number, else that of the dialled one.
func (n *numbers) between(shown, dialled string) script {
	n.mu.Lock()
	s, ok := n.callers[digitsOf(shown)]
	n.mu.Unlock()
	if ok {
		return s
	}
	return n.of(dialled)
}

// putCaller makes a provider of one of the desk's numbers: every call that shows it gets this script.
func (n *numbers) putCaller(number string, body []byte) (numberEntry, error) {
	if !numberForm.MatchString(number) {
		return numberEntry{}, fmt.Errorf("%q is no full number", number)
	}
	s, err := parseScript(body)
	if err != nil {
		return numberEntry{}, err
	}
	key := strings.TrimPrefix(number, "+")
	n.mu.Lock()
	n.callers[key] = s
	n.mu.Unlock()
	return numberEntry{Number: "+" + key, What: "every call that shows this number", Script: s, Changed: true}, nil
}

// parseScript reads the JSON of a script; what it leaves out is as usual.
func parseScript(body []byte) (script, error) {
	s := usualScript()
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return script{}, fmt.Errorf("that is no script: %w", err)
	}
	return s, s.check()
}

// usual is what 00 does now. Call with mu held.
func (n *numbers) usual() script {
	if e, ok := n.changed["00"]; ok {
		return e.Script
	}
	return usualScript()
}

// key checks the number of a request and makes it a key of the table.
func (n *numbers) key(number string) (string, error) {
	switch {
	case endingForm.MatchString(number):
		return number, nil
	case numberForm.MatchString(number):
		return strings.TrimPrefix(number, "+"), nil
	}
	return "", fmt.Errorf("%q is neither a number nor a two-digit ending", number)
}

func (n *numbers) get(number string) (numberEntry, error) {
	key, err := n.key(number)
	if err != nil {
		return numberEntry{}, err
	}
	n.mu.Lock()
	if e, ok := n.changed[key]; ok {
		n.mu.Unlock()
		return e, nil
	}
	e, ok := n.table[key]
	n.mu.Unlock()
	if !ok {
		e, ok = ofMatrix(key)
	}
	if ok {
		return e, nil
	}
	what := "answers like 00"
	if len(key) > 2 {
		what = "answers like its ending, " + endingOf(key)
		return numberEntry{Number: "+" + key, What: what, Script: n.of(key)}, nil
	}
	return numberEntry{Number: key, What: what, Script: n.of("00")}, nil
}

// put replaces the script of a number by the JSON of a script.
func (n *numbers) put(number string, body []byte) (numberEntry, error) {
	key, err := n.key(number)
	if err != nil {
		return numberEntry{}, err
	}
	s, err := parseScript(body)
	if err != nil {
		return numberEntry{}, err
	}
	e := numberEntry{Number: key, What: "changed at run time", Script: s, Changed: true}
	if len(key) > 2 {
		e.Number = "+" + key
	}
	n.mu.Lock()
	n.changed[key] = e
	n.mu.Unlock()
	return e, nil
}

func (n *numbers) remove(number string) error {
	key, err := n.key(number)
	if err != nil {
		return err
	}
	n.mu.Lock()
	delete(n.changed, key)
	n.mu.Unlock()
	return nil
}

func (n *numbers) reset() {
	n.mu.Lock()
	clear(n.changed)
	clear(n.callers)
	n.mu.Unlock()
}

func (n *numbers) list() []numberEntry {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := []numberEntry{}
	for key, e := range n.table {
		if c, ok := n.changed[key]; ok {
			e = c
		}
		out = append(out, e)
	}
	for key, e := range n.changed {
		if _, ok := n.table[key]; !ok {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b numberEntry) int { return strings.Compare(a.Number, b.Number) })
	return out
}

// check tells what is wrong with a script, in one sentence.
func (s script) check() error {
	for name, v := range map[string]int{"ring_after_ms": s.RingAfter, "answer_after_ms": s.AnswerAfter, "hangup_after_ms": s.HangupAfter,
		"rejoin_after_ms": s.RejoinAfter, "stop_after_ms": s.StopAfter, "stop_for_ms": s.StopFor} {
		low := 0
		if name == "ring_after_ms" || name == "answer_after_ms" {
			low = -1
		}
		if v < low || v > msLimit {
			return fmt.Errorf("%s is %d; it goes from %d to a day", name, v, low)
		}
	}
	if s.Code != 0 && (s.Code < 300 || s.Code > 699) {
		return fmt.Errorf("code %d is no final SIP failure (300 to 699)", s.Code)
	}
	if len(s.Reason) > 100 || strings.ContainsAny(s.Reason, "\r\n") {
		return errors.New("reason is one line of at most 100 characters")
	}
	if s.ReferCode != 0 && (s.ReferCode < 300 || s.ReferCode > 699) {
		return fmt.Errorf("refer_code %d is no final SIP failure (300 to 699)", s.ReferCode)
	}
	if !slices.Contains([]string{endBye, endDrop, endGhost}, s.End) {
		return fmt.Errorf("end %q is none of bye, drop, ghost", s.End)
	}
	if !slices.Contains([]string{"", cancelAnswers, cancelCrosses}, s.OnCancel) {
		return fmt.Errorf("on_cancel %q is none of answers, crosses", s.OnCancel)
	}
	if err := checkKeys(s.SendKeys); err != nil {
		return err
	}
	_, err := newVoice(s.Says)
	return err
}

func checkKeys(keys string) error {
	if len(keys) > 100 {
		return errors.New("at most 100 keys at once")
	}
	if i := strings.IndexFunc(keys, func(r rune) bool { return !strings.ContainsRune("0123456789*#ABCDw", r) }); i >= 0 {
		return fmt.Errorf("%q has something that is no key; keys are 0-9 * # A-D, and w to wait", keys)
	}
	return nil
}
