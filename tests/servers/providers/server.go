package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// server is all stand-ins and what tests may ask of them.
type server struct {
	contracts map[string]*contract
	mu        sync.Mutex
	twilio    *twilio
	telnyx    *telnyx
	signal    *signalWire
	faults    []*fault
	pageSize  int
	requests  []request
	// What did not keep to a description: requests of Deskline and answers of ours.
	violations []string
}

// request is one that came in.
type request struct {
	API     string `json:"api"`
	Method  string `json:"method"`
	Path    string `json:"path"`
	Status  int    `json:"status"`
	Changes bool   `json:"changes"`
}

// fault is what goes wrong with the next requests that fit.
type fault struct {
	Fault  string `json:"fault"`
	Method string `json:"method"`
	Path   string `json:"path"`
	Times  int    `json:"times"`
	Skip   int    `json:"skip"`
}

// account is one at a provider: it keeps a state and answers requests that keep to the description.
type account interface {
	handle(r *http.Request, api, path string, of *checked, pageSize int) (int, any)
	state() map[string]any
	// refusal is an error in the provider's own form.
	refusal(status, code int, message string) any
}

func newServer() *server {
	return &server{contracts: map[string]*contract{}, twilio: newTwilio(seed{}), telnyx: newTelnyx(telnyxSeed{}),
		signal: newSignalWire(signalWireSeed{})}
}

// account is the one behind an API.
func (s *server) account(api string) account {
	if strings.HasPrefix(api, "telnyx") {
		return s.telnyx
	}
	if strings.HasPrefix(api, "signalwire") {
		return s.signal
	}
	return s.twilio
}

func (s *server) control(w http.ResponseWriter, r *http.Request, what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.Method + " " + what {
	case "POST reset":
		var wanted seed
		if err := json.NewDecoder(r.Body).Decode(&wanted); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.twilio, s.telnyx, s.signal = newTwilio(wanted), newTelnyx(wanted.Telnyx), newSignalWire(wanted.SignalWire)
		s.faults, s.requests, s.violations, s.pageSize = nil, nil, nil, wanted.PageSize
		reply(w, http.StatusOK, map[string]any{})
	case "POST faults":
		var wanted fault
		if err := json.NewDecoder(r.Body).Decode(&wanted); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.faults = append(s.faults, &wanted)
		reply(w, http.StatusOK, map[string]any{})
	case "DELETE faults":
		s.faults = nil
		reply(w, http.StatusOK, map[string]any{})
	case "GET state/twilio", "GET state/telnyx", "GET state/signalwire":
		reply(w, http.StatusOK, s.account(strings.TrimPrefix(what, "state/")).state())
	case "GET requests":
		reply(w, http.StatusOK, map[string]any{"requests": s.requests, "violations": s.violations})
	case "DELETE requests":
		s.requests = nil
		reply(w, http.StatusOK, map[string]any{})
	default:
		http.NotFound(w, r)
	}
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// provider answers one request: contract, fault, state, contract again.
func (s *server) provider(w http.ResponseWriter, r *http.Request, api, path string, contract *contract) {
	seen := request{API: api, Method: r.Method, Path: path, Changes: r.Method != http.MethodGet}
	of, status, err := contract.request(r, path)
	s.mu.Lock()
	account := s.account(api)
	defer func() {
		s.requests = append(s.requests, seen)
		s.mu.Unlock()
	}()
	if err != nil {
		s.violations = append(s.violations, err.Error())
		seen.Status = status
		reply(w, status, account.refusal(status, 20001, err.Error()))
		return
	}
	broken := s.fault(r.Method, path)
	if broken != "" && broken != "cut" {
		seen.Status, seen.Changes = 599, false
		s.break_(w, account, broken)
		return
	}
	status, answer := account.handle(r, api, path, of, s.pageSize)
	var body []byte
	if answer != nil {
		body, _ = json.Marshal(answer)
	}
	if status < 300 {
		if err := contract.answer(of, status, body); err != nil {
			s.violations = append(s.violations, fmt.Sprintf("our answer to %s %s: %v", r.Method, path, err))
		}
	} else {
		seen.Changes = false
	}
	seen.Status = status
	if broken == "cut" {
		// Done, and the answer breaks off in the middle.
		w.Header().Set("Content-Length", fmt.Sprint(len(body)+64))
		w.WriteHeader(status)
		_, _ = w.Write(body[:len(body)/2])
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// fault takes the first that fits, "" for none.
func (s *server) fault(method, path string) string {
	for _, f := range s.faults {
		fits := f.Method == "" || f.Method == method || (f.Method == "CHANGE" && method != http.MethodGet)
		if !fits || !strings.Contains(path, f.Path) || f.Times == 0 {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		f.Times--
		return f.Fault
	}
	return ""
}

// Errors by status, with Twilio's own words.
var refusals = map[string]struct {
	status, code int
	message      string
}{
	"400": {400, 20001, "Invalid parameter"},
	"401": {401, 20003, "Authenticate"},
	"403": {403, 20003, "Permission Denied"},
	"404": {404, 20404, "The requested resource was not found"},
	"409": {409, 20409, "Conflict"},
	"422": {422, 20422, "Unprocessable Entity"},
	"429": {429, 20429, "Too Many Requests"},
	"500": {500, 20500, "Internal Server Error"},
}

func (s *server) break_(w http.ResponseWriter, account account, fault string) {
	if refusal, known := refusals[fault]; known {
		if refusal.status == 429 {
			w.Header().Set("Retry-After", "1")
		}
		reply(w, refusal.status, account.refusal(refusal.status, refusal.code, refusal.message))
		return
	}
	switch fault {
	case "slow":
		s.mu.Unlock()
		time.Sleep(1500 * time.Millisecond)
		s.mu.Lock()
		panic(http.ErrAbortHandler)
	case "garbage":
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!DOCTYPE html><html><body>Sign in to the guest network</body></html>"))
	case "huge":
		for range 50 {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
	default:
		panic(http.ErrAbortHandler)
	}
}
