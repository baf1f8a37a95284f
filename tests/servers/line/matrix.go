package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The second table of numbers. Five area codes do not follow the first one: in four of them the area code gives the
// class of a final SIP code and the ending gives the rest of it, and the fifth has what no single code can say.
// All of them are area codes in use, so that a number parser takes the numbers as valid.
var finalAreas = map[string]int{"303": 300, "404": 400, "505": 500, "606": 600}

const specialArea = "707"

var matrixForm = regexp.MustCompile(`^1?(303|404|505|606|707)55501([0-9]{2})$`)

// reasonPhrases are the words of RFC 3261 (and RFC 8197, 8599 for the newer codes) behind the codes.
var reasonPhrases = map[int]string{
	300: "Multiple Choices", 301: "Moved Permanently", 302: "Moved Temporarily", 305: "Use Proxy", 380: "Alternative Service",
	400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
	406: "Not Acceptable", 407: "Proxy Authentication Required", 408: "Request Timeout", 410: "Gone", 413: "Request Entity Too Large",
	414: "Request-URI Too Long", 415: "Unsupported Media Type", 416: "Unsupported URI Scheme", 420: "Bad Extension", 421: "Extension Required",
	423: "Interval Too Brief", 480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist", 482: "Loop Detected", 483: "Too Many Hops",
	484: "Address Incomplete", 485: "Ambiguous", 486: "Busy Here", 487: "Request Terminated", 488: "Not Acceptable Here", 491: "Request Pending",
	493: "Undecipherable", 500: "Server Internal Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
	504: "Server Time-out", 505: "Version Not Supported", 513: "Message Too Large", 600: "Busy Everywhere", 603: "Decline",
	604: "Does Not Exist Anywhere", 606: "Not Acceptable", 607: "Unwanted", 608: "Rejected",
}

// rungFirst are the codes that a phone gives after it rang; all others come at once, as from a network.
var rungFirst = []int{408, 480, 486, 487, 600, 603, 607, 608}

func reasonPhrase(code int) string {
	if r, ok := reasonPhrases[code]; ok {
		return r
	}
	return fmt.Sprintf("Code %d", code)
}

// specials are the endings of the fifth area code.
func specials() map[string]numberEntry {
	out := map[string]numberEntry{}
	entry := func(ending, what string, change func(*script)) {
		s := usualScript()
		change(&s)
		out[ending] = numberEntry{Number: matrixNumber(specialArea, ending), What: what, Script: s}
	}
	early := func(code int, answer int) func(*script) {
		return func(s *script) {
			s.EarlyMedia, s.Code, s.AnswerAfter = true, code, answer
			if code != 0 {
				s.Reason = reasonPhrase(code)
			}
		}
	}
	plain := func(code int) func(*script) {
		return func(s *script) {
			s.RingAfter, s.AnswerAfter, s.Code, s.Reason, s.PlainStatus = -1, 200, code, reasonPhrase(code), true
		}
	}
	refer := func(code int) func(*script) {
		return func(s *script) { s.ReferCode = code }
	}
	entry("00", "wholly silent: neither rings nor answers", func(s *script) { s.RingAfter, s.AnswerAfter = -1, -1 })
	entry("01", "401 passed on as a status, not as missing credentials", plain(401))
	entry("07", "407 passed on as a status, not as missing credentials", plain(407))
	entry("20", "rings for ever; answers in the moment it is cancelled", func(s *script) { s.AnswerAfter, s.OnCancel = -1, cancelAnswers })
	entry("21", "rings for ever; its answer is on its way when it is cancelled", func(s *script) { s.AnswerAfter, s.OnCancel = -1, cancelCrosses })
	entry("30", "answers; a REFER is refused: 405", refer(405))
	entry("31", "answers; a REFER is refused: 501", refer(501))
	entry("32", "answers; a REFER is refused: 603", refer(603))
	entry("33", "answers; takes a REFER and never tells what came of it", func(s *script) { s.ReferSilent = true })
	entry("80", "180 only: rings for ever", func(s *script) { s.AnswerAfter = -1 })
	entry("83", "183 with early media, then answers", early(0, 1000))
	entry("84", "183 with early media, then busy (486)", early(486, 1000))
	entry("85", "183 with early media, then not in service (404)", early(404, 1000))
	entry("86", "183 with early media for ever", early(0, -1))
	return out
}

func matrixNumber(area, ending string) string { return "+1" + area + "55501" + ending }

// ofMatrix gives the entry of a number in one of the five area codes; false for every other number.
func ofMatrix(digits string) (numberEntry, bool) {
	m := matrixForm.FindStringSubmatch(digits)
	if m == nil {
		return numberEntry{}, false
	}
	area, ending := m[1], m[2]
	if area == specialArea {
		e, ok := specials()[ending]
		if !ok { // free for tests that PUT a script of their own
			e = numberEntry{Number: matrixNumber(area, ending), What: "answers like 00", Script: usualScript()}
		}
		return e, true
	}
	n, err := strconv.Atoi(ending)
	if err != nil {
		return numberEntry{}, false
	}
	return finalEntry(area, finalAreas[area]+n), true
}

func finalEntry(area string, code int) numberEntry {
	s := usualScript()
	s.Code, s.Reason = code, reasonPhrase(code)
	what := fmt.Sprintf("%d %s", code, s.Reason)
	if slices.Contains(rungFirst, code) {
		what = "rings, then " + what
	} else {
		s.RingAfter, s.AnswerAfter = -1, 200
	}
	return numberEntry{Number: matrixNumber(area, fmt.Sprintf("%02d", code%100)), What: what, Script: s}
}

// matrix lists the second table: the codes that have a name, and the special numbers.
func (n *numbers) matrix() []numberEntry {
	var out []numberEntry
	for area, class := range finalAreas {
		for code := range reasonPhrases {
			if code/100*100 == class {
				out = append(out, finalEntry(area, code))
			}
		}
	}
	for _, e := range specials() {
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b numberEntry) int { return strings.Compare(a.Number, b.Number) })
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, e := range out {
		if c, ok := n.changed[strings.TrimPrefix(e.Number, "+")]; ok {
			out[i] = c
		}
	}
	return out
}
