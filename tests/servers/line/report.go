package main

// callReport is what GET /calls/{id} answers; README.md explains the fields.
type callReport struct {
	ID         string       `json:"id"`
	Direction  string       `json:"direction"`
	From       string       `json:"from"`
	To         string       `json:"to"`
	Room       string       `json:"room"`
	Identity   string       `json:"identity"`
	State      string       `json:"state"`
	Rang       bool         `json:"rang"`
	Answered   bool         `json:"answered"`
	AnsweredMS *int64       `json:"answered_after_ms"`
	Started    int64        `json:"started_unix_ms"`
	Over       bool         `json:"over"`
	Ended      *endedReport `json:"ended"`
	Keys       string       `json:"keys"`
	Says       string       `json:"says"`
	ReferTo    string       `json:"refer_to"`
	Hears      []string     `json:"hears"`
	Heard      heardReport  `json:"heard"`
	Events     []legEvent   `json:"events"`
}

type endedReport struct {
	By    string `json:"by"`
	Code  *int   `json:"code"`
	Why   string `json:"why"`
	After int64  `json:"after_ms"`
}

func (l *leg) report() callReport {
	heard, hears := l.ear.report(), l.ear.hears()
	over := l.isOver()
	if over {
		hears = []string{}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	r := callReport{ID: l.id, Direction: "outbound", From: l.from, To: l.to, Room: l.roomName, Identity: l.identity, State: l.state,
		Rang: l.rang, Answered: l.answeredMS >= 0, Started: l.start.UnixMilli(), Over: over, Keys: l.keys, Says: l.says, ReferTo: l.referTo,
		Hears: hears, Heard: heard, Events: append([]legEvent{}, l.events...)}
	if l.inbound {
		r.Direction = "inbound"
	}
	if l.answeredMS >= 0 {
		at := l.answeredMS
		r.AnsweredMS = &at
	}
	if over && l.ended != nil {
		r.Ended = &endedReport{By: l.ended.by, Why: l.ended.why, After: l.endedMS}
		if l.ended.code != 0 {
			code := l.ended.code
			r.Ended.Code = &code
		}
	}
	return r
}

// reached tells whether the call got to a point of ?until=, or will never get there.
func (l *leg) reached(point string) bool {
	if l.isOver() {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch point {
	case "joined":
		return l.identity != ""
	case "ringing":
		return l.rang || l.answeredMS >= 0
	case "answered":
		return l.answeredMS >= 0
	}
	return false
}
