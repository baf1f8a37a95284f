package main

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// telnyxSeed is what an account at Telnyx has before the first request.
type telnyxSeed struct {
	Key         string             `json:"key"`
	Balance     string             `json:"balance"`
	Numbers     []telnyxNumber     `json:"numbers"`
	Connections []telnyxConnection `json:"connections"`
}

type telnyxNumber struct {
	Number     string `json:"number"`
	Connection string `json:"connection"`
	ForwardsTo string `json:"forwards_to"`
	Status     string `json:"status"`
	Emergency  bool   `json:"emergency"`
	id         string
}

type telnyxConnection struct {
	Name      string `json:"name"`
	Transport string `json:"transport"`
	Called    string `json:"called_format"`
	User      string `json:"user"`
	id        string
	caller    string
	encrypted any
	active    bool
	profile   string
	method    string
	password  string
}

type telnyxProfile struct {
	id, name  string
	enabled   bool
	countries []any
}

type telnyxFqdn struct {
	id, connection, host, record string
	port                         int
}

// telnyx is one account.
type telnyx struct {
	seed        telnyxSeed
	next        int
	profiles    []*telnyxProfile
	connections []*telnyxConnection
	fqdns       []*telnyxFqdn
	numbers     []*telnyxNumber
}

func newTelnyx(from telnyxSeed) *telnyx {
	t := &telnyx{seed: from}
	for _, s := range from.Connections {
		made := s
		made.id, made.active, made.caller = t.id(), true, "E.164-national"
		made.Transport, made.Called = or(s.Transport, "UDP"), or(s.Called, "e164")
		made.method = "ip-authentication"
		if made.User != "" {
			made.method = "credential-authentication"
		}
		t.connections = append(t.connections, &made)
	}
	for _, s := range from.Numbers {
		made := s
		made.id, made.Status = t.id(), or(s.Status, "active")
		for _, c := range t.connections {
			if c.Name == s.Connection && s.Connection != "" {
				made.Connection = c.id
			}
		}
		t.numbers = append(t.numbers, &made)
	}
	return t
}

func (t *telnyx) id() string {
	t.next++
	return strconv.Itoa(1293384261075731499 + t.next)
}

// state is everything without ids, for comparing; passwords by their length only.
func (t *telnyx) state() map[string]any {
	profiles, connections := []any{}, []any{}
	name := map[string]string{}
	for _, p := range t.profiles {
		name[p.id] = p.name
		profiles = append(profiles, map[string]any{"name": p.name, "enabled": p.enabled, "countries": p.countries})
	}
	for _, c := range t.connections {
		fqdns, bound := []any{}, []string{}
		for _, f := range t.fqdns {
			if f.connection == c.id {
				fqdns = append(fqdns, map[string]any{"fqdn": f.host, "port": f.port, "record": f.record})
			}
		}
		for _, n := range t.numbers {
			if n.Connection == c.id {
				bound = append(bound, n.Number)
			}
		}
		connections = append(connections, map[string]any{"name": c.Name, "active": c.active, "transport": c.Transport,
			"encrypted": c.encrypted, "called_format": c.Called, "caller_format": c.caller, "profile": name[c.profile],
			"sign_in": c.method, "user_length": len(c.User), "password_length": len(c.password), "fqdns": fqdns, "numbers": bound})
	}
	return map[string]any{"profiles": profiles, "connections": connections}
}

// refusal is an error in Telnyx' form.
func (t *telnyx) refusal(status, code int, message string) any {
	return map[string]any{"errors": []any{map[string]any{"code": strconv.Itoa(code), "title": http.StatusText(status), "detail": message}}}
}

func (t *telnyx) failed(status, code int, message string) (int, any) {
	return status, t.refusal(status, code, message)
}

func (t *telnyx) gone() (int, any) {
	return t.failed(404, 10005, "The requested resource or URL could not be found.")
}

// handle answers one request that keeps to the description.
func (t *telnyx) handle(r *http.Request, _, path string, of *checked, pageSize int) (int, any) {
	if r.Header.Get("Authorization") != "Bearer "+t.seed.Key {
		return t.failed(401, 10009, "The required authentication headers were either invalid or not included in the request.")
	}
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch parts[0] {
	case "balance":
		return data(map[string]any{"record_type": "balance", "balance": or(t.seed.Balance, "20.00"), "currency": "USD"})
	case "outbound_voice_profiles":
		return t.profile(r, parts[1:], of.json, pageSize)
	case "fqdn_connections":
		return t.connection(r, parts[1:], of.json, pageSize)
	case "fqdns":
		return t.fqdn(r, parts[1:], of.json, pageSize)
	case "phone_numbers":
		return t.number(r, parts[1:], of.json, pageSize)
	}
	return t.gone()
}

func data(of any) (int, any) { return 200, map[string]any{"data": of} }

// page is one of a list, as Telnyx counts: from one.
func (t *telnyx) page(r *http.Request, pageSize int, all []any) (int, any) {
	size, _ := strconv.Atoi(r.URL.Query().Get("page[size]"))
	if pageSize > 0 {
		size = pageSize
	}
	if size <= 0 {
		size = 20
	}
	page, _ := strconv.Atoi(r.URL.Query().Get("page[number]"))
	page = max(page, 1)
	from, to := min((page-1)*size, len(all)), min(page*size, len(all))
	return 200, map[string]any{"data": all[from:to], "meta": map[string]any{"page_number": page, "page_size": size,
		"total_pages": int(math.Ceil(float64(len(all)) / float64(size))), "total_results": len(all)}}
}

func (t *telnyx) profile(r *http.Request, parts []string, body map[string]any, pageSize int) (int, any) {
	show := func(p *telnyxProfile) any {
		return map[string]any{"id": p.id, "record_type": "outbound_voice_profile", "name": p.name, "enabled": p.enabled,
			"whitelisted_destinations": p.countries, "daily_spend_limit_enabled": false, "traffic_type": "conversational",
			"service_plan": "global", "call_recording": map[string]any{"call_recording_type": "none"}}
	}
	fill := func(p *telnyxProfile) {
		set(body, "name", &p.name)
		set(body, "enabled", &p.enabled)
		set(body, "whitelisted_destinations", &p.countries)
	}
	if len(parts) == 0 {
		if r.Method == http.MethodGet {
			return t.page(r, pageSize, each(containing(r, "filter[name][contains]", t.profiles, func(p *telnyxProfile) string { return p.name }), show))
		}
		made := &telnyxProfile{id: t.id(), enabled: true, countries: []any{"US", "CA"}}
		fill(made)
		if slices.ContainsFunc(t.profiles, func(p *telnyxProfile) bool { return p.name == made.name }) {
			return t.failed(422, 10015, "Name has already been taken")
		}
		t.profiles = append(t.profiles, made)
		return data(show(made))
	}
	at := slices.IndexFunc(t.profiles, func(p *telnyxProfile) bool { return p.id == parts[0] })
	if at < 0 {
		return t.gone()
	}
	p := t.profiles[at]
	if r.Method == http.MethodDelete {
		if slices.ContainsFunc(t.connections, func(c *telnyxConnection) bool { return c.profile == p.id }) {
			return t.failed(422, 10015, "The profile is used by a connection")
		}
		t.profiles = slices.Delete(t.profiles, at, at+1)
	} else {
		fill(p)
	}
	return data(show(p))
}

func (t *telnyx) connection(r *http.Request, parts []string, body map[string]any, pageSize int) (int, any) {
	show := func(c *telnyxConnection) any {
		return map[string]any{"id": c.id, "record_type": "fqdn_connection", "connection_name": c.Name, "active": c.active,
			"transport_protocol": c.Transport, "encrypted_media": c.encrypted,
			"inbound":  map[string]any{"dnis_number_format": c.Called, "ani_number_format": c.caller},
			"outbound": map[string]any{"outbound_voice_profile_id": c.profile}}
	}
	fill := func(c *telnyxConnection) string {
		set(body, "connection_name", &c.Name)
		set(body, "active", &c.active)
		set(body, "transport_protocol", &c.Transport)
		if encrypted, has := body["encrypted_media"]; has {
			c.encrypted = encrypted
		}
		if inbound, has := body["inbound"].(map[string]any); has {
			set(inbound, "dnis_number_format", &c.Called)
			set(inbound, "ani_number_format", &c.caller)
		}
		if outbound, has := body["outbound"].(map[string]any); has {
			set(outbound, "outbound_voice_profile_id", &c.profile)
		}
		if c.profile != "" && !slices.ContainsFunc(t.profiles, func(p *telnyxProfile) bool { return p.id == c.profile }) {
			return "Outbound voice profile does not exist"
		}
		return ""
	}
	if len(parts) == 0 {
		if r.Method == http.MethodGet {
			return t.page(r, pageSize, each(containing(r, "filter[connection_name][contains]", t.connections, func(c *telnyxConnection) string { return c.Name }), show))
		}
		made := &telnyxConnection{id: t.id(), active: true, Transport: "UDP", Called: "e164", caller: "E.164-national", method: "ip-authentication"}
		if wrong := fill(made); wrong != "" {
			return t.failed(422, 10015, wrong)
		}
		t.connections = append(t.connections, made)
		_, shown := data(show(made))
		return 201, shown
	}
	at := slices.IndexFunc(t.connections, func(c *telnyxConnection) bool { return c.id == parts[0] })
	if at < 0 {
		return t.gone()
	}
	c := t.connections[at]
	if len(parts) == 2 {
		return t.signIn(r, c, body)
	}
	switch r.Method {
	case http.MethodDelete:
		t.connections = slices.Delete(t.connections, at, at+1)
		t.fqdns = slices.DeleteFunc(t.fqdns, func(f *telnyxFqdn) bool { return f.connection == c.id })
		for _, n := range t.numbers {
			if n.Connection == c.id {
				n.Connection = ""
			}
		}
	case http.MethodPatch:
		if wrong := fill(c); wrong != "" {
			return t.failed(422, 10015, wrong)
		}
	}
	return data(show(c))
}

func (t *telnyx) signIn(r *http.Request, c *telnyxConnection, body map[string]any) (int, any) {
	if r.Method == http.MethodPatch {
		user, password := c.User, c.password
		set(body, "user_name", &user)
		set(body, "password", &password)
		if user != "" && (len(user) < 4 || len(user) > 32 || strings.ContainsFunc(user, func(c rune) bool {
			return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9')
		})) {
			return t.failed(422, 10015, "Username must be 4-32 characters long and alphanumeric")
		}
		if body["password"] != nil && len(password) < 8 {
			return t.failed(422, 10015, "Password must be 8 to 128 characters long")
		}
		c.User, c.password = user, password
		set(body, "fqdn_outbound_authentication", &c.method)
		if c.method == "ip-authentication" && body["user_name"] == nil {
			c.User, c.password = "", ""
		}
	}
	return data(map[string]any{"id": c.id, "connection_id": c.id, "record_type": "fqdn_authentication",
		"user_name": c.User, "password": strings.Repeat("*", len(c.password)), "fqdn_outbound_authentication": c.method})
}

func (t *telnyx) fqdn(r *http.Request, parts []string, body map[string]any, pageSize int) (int, any) {
	show := func(f *telnyxFqdn) any {
		return map[string]any{"id": f.id, "record_type": "fqdn", "connection_id": f.connection, "fqdn": f.host, "port": f.port,
			"dns_record_type": f.record}
	}
	fill := func(f *telnyxFqdn) {
		set(body, "connection_id", &f.connection)
		set(body, "fqdn", &f.host)
		set(body, "dns_record_type", &f.record)
		if port, has := body["port"].(float64); has {
			f.port = int(port)
		}
	}
	if len(parts) == 0 {
		if r.Method == http.MethodGet {
			of := r.URL.Query().Get("filter[connection_id]")
			return t.page(r, pageSize, each(slices.DeleteFunc(slices.Clone(t.fqdns), func(f *telnyxFqdn) bool { return f.connection != of }), show))
		}
		made := &telnyxFqdn{id: t.id(), port: 5060}
		fill(made)
		if !slices.ContainsFunc(t.connections, func(c *telnyxConnection) bool { return c.id == made.connection }) {
			return t.failed(400, 10015, "Connection does not exist")
		}
		if slices.ContainsFunc(t.fqdns, func(f *telnyxFqdn) bool { return f.host == made.host && f.connection == made.connection }) {
			return t.failed(422, 10015, "FQDN is on the connection already")
		}
		t.fqdns = append(t.fqdns, made)
		_, shown := data(show(made))
		return 201, shown
	}
	at := slices.IndexFunc(t.fqdns, func(f *telnyxFqdn) bool { return f.id == parts[0] })
	if at < 0 {
		return t.gone()
	}
	f := t.fqdns[at]
	if r.Method == http.MethodDelete {
		t.fqdns = slices.Delete(t.fqdns, at, at+1)
	} else {
		fill(f)
	}
	return data(show(f))
}

func (t *telnyx) number(r *http.Request, parts []string, body map[string]any, pageSize int) (int, any) {
	show := func(n *telnyxNumber) any {
		shown := map[string]any{"id": n.id, "record_type": "phone_number", "phone_number": n.Number, "status": n.Status,
			"connection_id": n.Connection, "emergency_enabled": n.Emergency}
		for _, c := range t.connections {
			if c.id == n.Connection {
				shown["connection_name"] = c.Name
			}
		}
		return shown
	}
	if len(parts) == 0 {
		return t.page(r, pageSize, each(containing(r, "filter[phone_number]", t.numbers, func(n *telnyxNumber) string { return n.Number }), show))
	}
	at := slices.IndexFunc(t.numbers, func(n *telnyxNumber) bool { return n.id == parts[0] })
	if at < 0 {
		return t.gone()
	}
	n := t.numbers[at]
	if len(parts) == 2 {
		return data(map[string]any{"id": n.id, "record_type": "voice_settings", "phone_number": n.Number, "connection_id": n.Connection,
			"call_forwarding": map[string]any{"call_forwarding_enabled": n.ForwardsTo != "", "forwards_to": n.ForwardsTo, "forwarding_type": "always"}})
	}
	if connection, has := body["connection_id"].(string); has {
		if connection != "" && !slices.ContainsFunc(t.connections, func(c *telnyxConnection) bool { return c.id == connection }) {
			return t.failed(400, 10015, fmt.Sprintf("Connection %s does not exist", connection))
		}
		n.Connection = connection
	}
	return data(show(n))
}

// set fills a field of an object from a body that has it, and leaves it alone otherwise.
func set[T any](body map[string]any, name string, to *T) {
	if value, has := body[name].(T); has {
		*to = value
	}
}

// containing are those whose text has the one of the parameter in it, as Telnyx searches.
func containing[T any](r *http.Request, parameter string, all []T, text func(T) string) []T {
	wanted := r.URL.Query().Get(parameter)
	return slices.DeleteFunc(slices.Clone(all), func(one T) bool { return !strings.Contains(text(one), wanted) })
}
