package main

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// signalWireSeed is what a space at SignalWire has before the first request.
type signalWireSeed struct {
	Space     string             `json:"space"`
	Project   string             `json:"project"`
	Token     string             `json:"token"`
	Numbers   []signalWireNumber `json:"numbers"`
	Resources []string           `json:"resources"`
	// Addresses are SIP addresses of other handlers.
	Addresses []string `json:"addresses"`
	// NoAPI is how everything but numbers is refused: 401, 403 or 404.
	NoAPI int `json:"no_api"`
}

type signalWireNumber struct {
	Number    string `json:"number"`
	Resource  string `json:"resource"`
	URL       string `json:"url"`
	NoVoice   bool   `json:"no_voice"`
	Emergency bool   `json:"emergency"`
	id        string
	handler   string
}

// signalWireResource is whatever handles calls: a script, a webhook, or something that is only known by its name.
type signalWireResource struct {
	id, kind, name string
	contents       map[string]any
	url, method    string
}

type signalWireAddress struct {
	id, name, user, handler, encryption, password string
}

// signalWire is one space.
type signalWire struct {
	seed      signalWireSeed
	next      int
	resources []*signalWireResource
	addresses []*signalWireAddress
	numbers   []*signalWireNumber
}

func newSignalWire(from signalWireSeed) *signalWire {
	s := &signalWire{seed: from}
	for _, name := range from.Resources {
		s.resources = append(s.resources, &signalWireResource{id: s.id(), kind: "call_flow", name: name})
	}
	for _, name := range from.Addresses {
		handler := &signalWireResource{id: s.id(), kind: "call_flow", name: "Handler of " + name}
		s.resources = append(s.resources, handler)
		s.addresses = append(s.addresses, &signalWireAddress{id: s.id(), name: name, user: "*", handler: handler.id, encryption: "optional"})
	}
	for _, n := range from.Numbers {
		made := n
		made.id = s.id()
		for _, r := range s.resources {
			if r.name == n.Resource && n.Resource != "" {
				made.Resource = r.id
			}
		}
		if n.URL != "" {
			made.handler = "laml_webhooks"
		}
		s.numbers = append(s.numbers, &made)
	}
	return s
}

func (s *signalWire) id() string {
	s.next++
	return fmt.Sprintf("0a1b2c3d-0000-4000-8000-%012x", s.next)
}

func (s *signalWire) resource(id string) *signalWireResource {
	for _, r := range s.resources {
		if r.id == id {
			return r
		}
	}
	return nil
}

// state is everything without ids, for comparing; passwords by their length, names of SIP addresses without their last part, which is new
// for every password.
func (s *signalWire) state() map[string]any {
	name := func(id string) string {
		if r := s.resource(id); r != nil {
			return r.name
		}
		return id
	}
	resources, addresses, numbers := []any{}, []any{}, []any{}
	for _, r := range s.resources {
		shown := map[string]any{"name": r.name, "kind": r.kind}
		if r.contents != nil {
			shown["contents"] = r.contents
		}
		if r.url != "" {
			shown["url"] = r.url
		}
		resources = append(resources, shown)
	}
	for _, a := range s.addresses {
		part := a.name[:max(strings.LastIndex(a.name, "-"), 0)]
		addresses = append(addresses, map[string]any{"name": part, "handler": name(a.handler), "user": a.user,
			"encryption": a.encryption, "password_length": len(a.password)})
	}
	for _, n := range s.numbers {
		numbers = append(numbers, map[string]any{"number": n.Number, "answered_by": name(n.Resource), "url": n.URL})
	}
	return map[string]any{"resources": resources, "addresses": addresses, "numbers": numbers}
}

// refusal is an error in SignalWire's form.
func (s *signalWire) refusal(status, _ int, message string) any {
	if status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusNotFound {
		return map[string]any{"error": http.StatusText(status)}
	}
	return map[string]any{"errors": []any{map[string]any{"type": "validation_error", "code": "invalid_parameter", "message": message}}}
}

func (s *signalWire) failed(status int, message string) (int, any) {
	return status, s.refusal(status, 0, message)
}

func (s *signalWire) gone() (int, any) { return s.failed(404, "") }

// handle answers one request that keeps to the description.
func (s *signalWire) handle(r *http.Request, _, path string, of *checked, pageSize int) (int, any) {
	project, token, has := r.BasicAuth()
	if !has || project != s.seed.Project || token != s.seed.Token {
		return s.failed(401, "")
	}
	fabric, isFabric := strings.CutPrefix(path, "/api/fabric/")
	if isFabric && s.seed.NoAPI != 0 {
		return s.failed(s.seed.NoAPI, "")
	}
	if !isFabric {
		return s.number(r, parts(strings.TrimPrefix(path, "/api/relay/rest/phone_numbers")), of.json, pageSize)
	}
	switch of := of.json; {
	case strings.HasPrefix(fabric, "resources/swml_scripts"):
		return s.made(r, "swml_script", parts(strings.TrimPrefix(fabric, "resources/swml_scripts")), of, pageSize)
	case strings.HasPrefix(fabric, "resources/swml_webhooks"):
		return s.made(r, "swml_webhook", parts(strings.TrimPrefix(fabric, "resources/swml_webhooks")), of, pageSize)
	case strings.HasPrefix(fabric, "resources/"):
		return s.any(r, parts(strings.TrimPrefix(fabric, "resources/")), of)
	case strings.HasPrefix(fabric, "sip_addresses"):
		return s.address(r, parts(strings.TrimPrefix(fabric, "sip_addresses")), of, pageSize)
	}
	return s.route(r, parts(strings.TrimPrefix(fabric, "phone_number_addresses")), pageSize)
}

func parts(path string) []string {
	return slices.DeleteFunc(strings.Split(path, "/"), func(part string) bool { return part == "" })
}

// page is one of a list; the next is named by the whole question for it, as SignalWire does.
func (s *signalWire) page(r *http.Request, pageSize int, all []any) (int, any) {
	size, _ := strconv.Atoi(r.URL.Query().Get("page_size"))
	if pageSize > 0 {
		size = pageSize
	}
	if size <= 0 {
		size = 50
	}
	page, _ := strconv.Atoi(r.URL.Query().Get("page_number"))
	from, to := min(page*size, len(all)), min((page+1)*size, len(all))
	links := map[string]any{"self": r.URL.RequestURI()}
	if to < len(all) {
		question := url.Values{}
		maps.Copy(question, r.URL.Query())
		question.Set("page_number", strconv.Itoa(page+1))
		question.Set("page_token", fmt.Sprintf("PA%d", page+1))
		links["next"] = "https://" + s.seed.Space + ".signalwire.com" + r.URL.Path + "?" + question.Encode()
	}
	return 200, map[string]any{"data": all[from:to], "links": links}
}

func (s *signalWire) show(r *signalWireResource) any {
	shown := map[string]any{"id": r.id, "display_name": r.name, "type": r.kind}
	switch r.kind {
	case "swml_script":
		shown["swml_script"] = map[string]any{"id": r.id, "contents": r.contents, "display_name": r.name,
			"request_url": "https://" + s.seed.Space + ".signalwire.com/relay-bins/" + r.id}
	case "swml_webhook":
		shown["swml_webhook"] = map[string]any{"id": r.id, "name": r.name, "primary_request_url": r.url, "primary_request_method": or(r.method, "POST")}
	}
	return shown
}

// made are resources that are made here: scripts and webhooks.
func (s *signalWire) made(r *http.Request, kind string, parts []string, body map[string]any, pageSize int) (int, any) {
	fill := func(one *signalWireResource) {
		set(body, "name", &one.name)
		set(body, "contents", &one.contents)
		set(body, "primary_request_url", &one.url)
		set(body, "primary_request_method", &one.method)
	}
	if len(parts) == 0 {
		if r.Method == http.MethodGet {
			all := slices.DeleteFunc(slices.Clone(s.resources), func(one *signalWireResource) bool { return one.kind != kind })
			return s.page(r, pageSize, each(all, s.show))
		}
		one := &signalWireResource{id: s.id(), kind: kind}
		fill(one)
		s.resources = append(s.resources, one)
		return 201, s.show(one)
	}
	one := s.resource(parts[0])
	if one == nil || one.kind != kind {
		return s.gone()
	}
	fill(one)
	return 200, s.show(one)
}

// any is what every resource can do: be looked at, be removed, and get a number.
func (s *signalWire) any(r *http.Request, parts []string, body map[string]any) (int, any) {
	one := s.resource(parts[0])
	if one == nil {
		return s.gone()
	}
	if len(parts) == 2 {
		var number string
		set(body, "phone_route_id", &number)
		for _, n := range s.numbers {
			if n.id == number {
				n.Resource, n.URL, n.handler = one.id, "", "relay_script"
				return 200, map[string]any{"id": s.id(), "name": n.Number, "display_name": n.Number, "type": "app"}
			}
		}
		return s.failed(422, "Phone route was not found")
	}
	if r.Method == http.MethodDelete {
		s.resources = slices.DeleteFunc(s.resources, func(other *signalWireResource) bool { return other == one })
		s.addresses = slices.DeleteFunc(s.addresses, func(a *signalWireAddress) bool { return a.handler == one.id })
		for _, n := range s.numbers {
			if n.Resource == one.id {
				n.Resource, n.handler = "", ""
			}
		}
		return 204, nil
	}
	return 200, s.show(one)
}

func (s *signalWire) address(r *http.Request, parts []string, body map[string]any, pageSize int) (int, any) {
	show := func(a *signalWireAddress) any {
		return map[string]any{"id": a.id, "name": a.name, "display_name": a.name, "user": a.user, "encryption": a.encryption,
			"codecs": []any{"PCMU", "PCMA"}, "ip_auth_enabled": false, "calling_handler_resource_id": a.handler,
			"uri": fmt.Sprintf("sip:%s@%s-%s.dapp.signalwire.com", a.user, s.seed.Space, a.name)}
	}
	fill := func(a *signalWireAddress) {
		set(body, "name", &a.name)
		set(body, "user", &a.user)
		set(body, "encryption", &a.encryption)
		set(body, "password", &a.password)
	}
	if len(parts) == 0 {
		if r.Method == http.MethodGet {
			return s.page(r, pageSize, each(s.addresses, show))
		}
		made := &signalWireAddress{id: s.id(), user: "*", encryption: "optional"}
		fill(made)
		set(body, "calling_handler_resource_id", &made.handler)
		if s.resource(made.handler) == nil {
			return s.failed(422, "Calling handler was not found")
		}
		if slices.ContainsFunc(s.addresses, func(a *signalWireAddress) bool { return a.name == made.name }) {
			return s.failed(422, "Name has already been taken")
		}
		s.addresses = append(s.addresses, made)
		return 201, show(made)
	}
	at := slices.IndexFunc(s.addresses, func(a *signalWireAddress) bool { return a.id == parts[0] })
	if at < 0 {
		return s.gone()
	}
	if r.Method == http.MethodDelete {
		s.addresses = slices.Delete(s.addresses, at, at+1)
		return 204, nil
	}
	fill(s.addresses[at])
	return 200, show(s.addresses[at])
}

// route is the way of a number to its handler, as an object of its own.
func (s *signalWire) route(r *http.Request, parts []string, pageSize int) (int, any) {
	routed := slices.DeleteFunc(slices.Clone(s.numbers), func(n *signalWireNumber) bool { return n.Resource == "" })
	if len(parts) == 0 {
		return s.page(r, pageSize, each(routed, func(n *signalWireNumber) any {
			return map[string]any{"id": n.id, "handler_type": "calling", "resource_id": n.Resource, "phone_number": n.Number, "phone_number_id": n.id}
		}))
	}
	for _, n := range routed {
		if n.id == parts[0] {
			n.Resource, n.handler = "", ""
			return 204, nil
		}
	}
	return s.gone()
}

func (s *signalWire) number(r *http.Request, parts []string, body map[string]any, pageSize int) (int, any) {
	show := func(n *signalWireNumber) any {
		shown := map[string]any{"id": n.id, "number": n.Number, "capabilities": []any{"voice", "sms"}}
		if n.NoVoice {
			shown["capabilities"] = []any{"sms"}
		}
		for name, value := range map[string]string{"call_handler": n.handler, "calling_handler_resource_id": n.Resource, "call_request_url": n.URL} {
			shown[name] = nil
			if value != "" {
				shown[name] = value
			}
		}
		if n.Emergency {
			shown["e911_address_id"] = n.id
		}
		return shown
	}
	if len(parts) == 0 {
		return s.page(r, pageSize, each(containing(r, "filter_number", s.numbers, func(n *signalWireNumber) string { return n.Number }), show))
	}
	for _, n := range s.numbers {
		if n.id == parts[0] {
			n.Resource = ""
			set(body, "call_handler", &n.handler)
			set(body, "call_request_url", &n.URL)
			return 200, show(n)
		}
	}
	return s.gone()
}
