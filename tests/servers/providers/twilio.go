package main

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// seed is what an account has before the first request.
type seed struct {
	Account   string       `json:"account"`
	Secret    string       `json:"secret"`
	Key       string       `json:"key"`
	Type      string       `json:"type"`
	Status    string       `json:"status"`
	Balance   string       `json:"balance"`
	Numbers   []seedNumber `json:"numbers"`
	Trunks    []seedTrunk  `json:"trunks"`
	Taken     []string     `json:"taken"`
	Countries []string     `json:"closed_countries"`
	HighRisk  bool         `json:"high_risk"`
	PageSize  int          `json:"page_size"`
	Telnyx    telnyxSeed   `json:"telnyx"`
	// Log is what went wrong with calls: code and words.
	Log [][2]string `json:"log"`
	// SignalWire is a space there.
	SignalWire signalWireSeed `json:"signalwire"`
}

type seedNumber struct {
	Number    string `json:"number"`
	VoiceURL  string `json:"voice_url"`
	NoVoice   bool   `json:"no_voice"`
	Trunk     string `json:"trunk"`
	Emergency string `json:"emergency"`
}

type seedTrunk struct {
	Name   string `json:"name"`
	Domain string `json:"domain"`
	URL    string `json:"url"`
}

type trunk struct {
	sid, name, domain, transfer string
	secure                      bool
	recording                   string
	urls                        []*origination
	lists                       []string
}

type origination struct {
	sid, name, url   string
	weight, priority int
	enabled          bool
}

type list struct {
	sid, name string
	users     []*user
}

type user struct{ sid, name, password string }

type number struct {
	sid, number, voiceURL, trunk, emergency string
	voice                                   bool
}

// twilio is one account.
type twilio struct {
	seed    seed
	next    int
	trunks  []*trunk
	lists   []*list
	numbers []*number
}

func newTwilio(from seed) *twilio {
	t := &twilio{seed: from}
	for _, s := range from.Trunks {
		made := &trunk{sid: t.sid("TK"), name: s.Name, domain: s.Domain, transfer: "disable-all", recording: "do-not-record"}
		if s.URL != "" {
			made.urls = append(made.urls, &origination{sid: t.sid("OU"), name: s.Name, url: s.URL, weight: 1, priority: 1, enabled: true})
		}
		t.trunks = append(t.trunks, made)
	}
	for _, s := range from.Numbers {
		made := &number{sid: t.sid("PN"), number: s.Number, voiceURL: s.VoiceURL, voice: !s.NoVoice, emergency: s.Emergency}
		if made.emergency == "" {
			made.emergency = "registered"
		}
		for _, tr := range t.trunks {
			if s.Trunk != "" && tr.name == s.Trunk {
				made.trunk = tr.sid
			}
		}
		t.numbers = append(t.numbers, made)
	}
	return t
}

func (t *twilio) sid(prefix string) string {
	t.next++
	return fmt.Sprintf("%s%032x", prefix, t.next)
}

// state is everything without sids, for comparing; passwords by their length only.
func (t *twilio) state() map[string]any {
	name := map[string]string{}
	trunks := []any{}
	for _, l := range t.lists {
		name[l.sid] = l.name
	}
	for _, tr := range t.trunks {
		urls, asked, bound := []any{}, []string{}, []string{}
		for _, u := range tr.urls {
			urls = append(urls, map[string]any{"name": u.name, "url": u.url, "weight": u.weight, "priority": u.priority, "enabled": u.enabled})
		}
		for _, sid := range tr.lists {
			asked = append(asked, name[sid])
		}
		for _, n := range t.numbers {
			if n.trunk == tr.sid {
				bound = append(bound, n.number)
			}
		}
		trunks = append(trunks, map[string]any{"name": tr.name, "domain": tr.domain, "secure": tr.secure,
			"transfer": tr.transfer, "origination": urls, "lists": asked, "numbers": bound})
	}
	lists := []any{}
	for _, l := range t.lists {
		users := []any{}
		for _, u := range l.users {
			users = append(users, map[string]any{"password_length": len(u.password), "user_length": len(u.name)})
		}
		lists = append(lists, map[string]any{"name": l.name, "users": users})
	}
	return map[string]any{"trunks": trunks, "lists": lists}
}

// handle answers one request that keeps to the description.
func (t *twilio) handle(r *http.Request, api, path string, of *checked, pageSize int) (int, any) {
	form := of.form
	if !t.signedIn(r) {
		return failed(401, 20003, "Authenticate")
	}
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case api == "twilio-trunking":
		return t.trunking(r, parts[2:], form, pageSize)
	case api == "twilio-voice":
		return t.countries(parts)
	case len(parts) >= 3 && strings.TrimSuffix(parts[2], ".json") != t.seed.Account:
		return failed(404, 20404, "The requested resource "+path+" was not found")
	case len(parts) == 3:
		return 200, map[string]any{"sid": t.seed.Account, "friendly_name": "Test account", "status": or(t.seed.Status, "active"),
			"type": or(t.seed.Type, "Full"), "owner_account_sid": t.seed.Account, "auth_token": "in the console",
			"date_created": "Sat, 01 Aug 2026 00:00:00 +0000", "date_updated": "Sat, 01 Aug 2026 00:00:00 +0000",
			"uri": path, "subresource_uris": map[string]any{}}
	case parts[3] == "Balance.json":
		return 200, map[string]any{"account_sid": t.seed.Account, "balance": or(t.seed.Balance, "20.00"), "currency": "USD"}
	case parts[3] == "Notifications.json":
		return t.page2010(r, path, pageSize, "notifications", each(t.seed.Log, func(one [2]string) any {
			return map[string]any{"sid": t.sid("NO"), "account_sid": t.seed.Account, "error_code": one[0], "message_text": one[1], "log": "0",
				"message_date": "Sat, 01 Aug 2026 00:00:00 +0000"}
		}))
	case parts[3] == "IncomingPhoneNumbers.json":
		return t.owned(r, path, pageSize)
	case parts[3] == "SIP":
		return t.credentials(r, path, parts[4:], form, pageSize)
	}
	return failed(404, 20404, "The requested resource "+path+" was not found")
}

func (t *twilio) signedIn(r *http.Request) bool {
	encoded, basic := strings.CutPrefix(r.Header.Get("Authorization"), "Basic ")
	pair, err := base64.StdEncoding.DecodeString(encoded)
	return basic && err == nil && string(pair) == or(t.seed.Key, t.seed.Account)+":"+t.seed.Secret
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func (t *twilio) refusal(status, code int, message string) any {
	_, body := failed(status, code, message)
	return body
}

func failed(status, code int, message string) (int, any) {
	return status, map[string]any{"code": code, "message": message, "status": status, "more_info": "https://www.twilio.com/docs/errors"}
}

func gone() (int, any) { return failed(404, 20404, "The requested resource was not found") }

var domain = regexp.MustCompile(`^[A-Za-z0-9-]+\.pstn\.twilio\.com$`)

func (t *twilio) trunking(r *http.Request, parts []string, form url.Values, pageSize int) (int, any) {
	if len(parts) == 0 {
		if r.Method == http.MethodGet {
			return t.page(r, pageSize, "trunks", each(t.trunks, t.trunkJSON))
		}
		name := form.Get("DomainName")
		if !domain.MatchString(name) {
			return failed(400, 21245, "DomainName must end with pstn.twilio.com")
		}
		taken := slices.ContainsFunc(t.trunks, func(other *trunk) bool { return other.domain == name })
		if taken || slices.Contains(t.seed.Taken, name) {
			return failed(400, 21248, "Domain name "+name+" is already in use")
		}
		made := &trunk{sid: t.sid("TK"), name: form.Get("FriendlyName"), domain: name, secure: form.Get("Secure") == "true",
			transfer: or(form.Get("TransferMode"), "disable-all"), recording: "do-not-record"}
		t.trunks = append(t.trunks, made)
		return 201, t.trunkJSON(made)
	}
	at := slices.IndexFunc(t.trunks, func(tr *trunk) bool { return tr.sid == parts[0] })
	if at < 0 {
		return gone()
	}
	tr := t.trunks[at]
	if len(parts) == 1 {
		switch r.Method {
		case http.MethodDelete:
			t.trunks = slices.Delete(t.trunks, at, at+1)
			for _, n := range t.numbers {
				if n.trunk == tr.sid {
					n.trunk = ""
				}
			}
			return 204, nil
		case http.MethodPost:
			if form.Has("Secure") {
				tr.secure = form.Get("Secure") == "true"
			}
			if form.Has("TransferMode") {
				tr.transfer = form.Get("TransferMode")
			}
		}
		return 200, t.trunkJSON(tr)
	}
	switch parts[1] {
	case "OriginationUrls":
		return t.originations(r, tr, parts[2:], form, pageSize)
	case "CredentialLists":
		return t.bindLists(r, tr, parts[2:], form, pageSize)
	case "PhoneNumbers":
		return t.bindNumbers(r, tr, parts[2:], form, pageSize)
	}
	return gone()
}

func (t *twilio) originations(r *http.Request, tr *trunk, parts []string, form url.Values, pageSize int) (int, any) {
	show := func(o *origination) any {
		return map[string]any{"sid": o.sid, "account_sid": t.seed.Account, "trunk_sid": tr.sid, "friendly_name": o.name,
			"sip_url": o.url, "weight": o.weight, "priority": o.priority, "enabled": o.enabled,
			"date_created": nil, "date_updated": nil, "url": nil}
	}
	fill := func(o *origination) string {
		if form.Has("SipUrl") {
			o.url = form.Get("SipUrl")
		}
		if form.Has("FriendlyName") {
			o.name = form.Get("FriendlyName")
		}
		if form.Has("Enabled") {
			o.enabled = form.Get("Enabled") == "true"
		}
		for name, to := range map[string]*int{"Weight": &o.weight, "Priority": &o.priority} {
			if form.Has(name) {
				*to, _ = strconv.Atoi(form.Get(name))
			}
		}
		if !strings.HasPrefix(o.url, "sip:") {
			return "SipUrl must begin with sip:"
		}
		return ""
	}
	if len(parts) == 0 {
		if r.Method == http.MethodGet {
			return t.page(r, pageSize, "origination_urls", each(tr.urls, show))
		}
		made := &origination{sid: t.sid("OU")}
		if wrong := fill(made); wrong != "" {
			return failed(400, 21401, wrong)
		}
		tr.urls = append(tr.urls, made)
		return 201, show(made)
	}
	at := slices.IndexFunc(tr.urls, func(o *origination) bool { return o.sid == parts[0] })
	if at < 0 {
		return gone()
	}
	if r.Method == http.MethodDelete {
		tr.urls = slices.Delete(tr.urls, at, at+1)
		return 204, nil
	}
	if wrong := fill(tr.urls[at]); wrong != "" {
		return failed(400, 21401, wrong)
	}
	return 200, show(tr.urls[at])
}

func (t *twilio) bindLists(r *http.Request, tr *trunk, parts []string, form url.Values, pageSize int) (int, any) {
	show := func(sid string) any {
		at := slices.IndexFunc(t.lists, func(l *list) bool { return l.sid == sid })
		name := ""
		if at >= 0 {
			name = t.lists[at].name
		}
		return map[string]any{"sid": sid, "account_sid": t.seed.Account, "trunk_sid": tr.sid, "friendly_name": name,
			"date_created": nil, "date_updated": nil, "url": nil}
	}
	if len(parts) == 0 {
		if r.Method == http.MethodGet {
			return t.page(r, pageSize, "credential_lists", each(tr.lists, show))
		}
		sid := form.Get("CredentialListSid")
		if !slices.ContainsFunc(t.lists, func(l *list) bool { return l.sid == sid }) {
			return gone()
		}
		if slices.Contains(tr.lists, sid) {
			return failed(409, 21480, "The credential list is on the trunk already")
		}
		tr.lists = append(tr.lists, sid)
		return 201, show(sid)
	}
	at := slices.Index(tr.lists, parts[0])
	if at < 0 {
		return gone()
	}
	tr.lists = slices.Delete(tr.lists, at, at+1)
	return 204, nil
}

func (t *twilio) bindNumbers(r *http.Request, tr *trunk, parts []string, form url.Values, pageSize int) (int, any) {
	show := func(n *number) any { return t.numberJSON(n) }
	if len(parts) == 0 {
		if r.Method == http.MethodGet {
			bound := []*number{}
			for _, n := range t.numbers {
				if n.trunk == tr.sid {
					bound = append(bound, n)
				}
			}
			return t.page(r, pageSize, "phone_numbers", each(bound, show))
		}
		for _, n := range t.numbers {
			if n.sid == form.Get("PhoneNumberSid") {
				n.trunk = tr.sid
				return 201, show(n)
			}
		}
		return gone()
	}
	for _, n := range t.numbers {
		if n.sid == parts[0] && n.trunk == tr.sid {
			n.trunk = ""
			return 204, nil
		}
	}
	return gone()
}

func (t *twilio) owned(r *http.Request, path string, pageSize int) (int, any) {
	found := []*number{}
	for _, n := range t.numbers {
		// By parts, as Twilio does.
		if strings.Contains(n.number, strings.TrimPrefix(r.URL.Query().Get("PhoneNumber"), "+")) {
			found = append(found, n)
		}
	}
	return t.page2010(r, path, pageSize, "incoming_phone_numbers", each(found, func(n *number) any { return t.numberJSON(n) }))
}

func (t *twilio) credentials(r *http.Request, path string, parts []string, form url.Values, pageSize int) (int, any) {
	showList := func(l *list) any {
		return map[string]any{"sid": l.sid, "account_sid": t.seed.Account, "friendly_name": l.name, "date_created": nil,
			"date_updated": nil, "uri": path, "subresource_uris": map[string]any{}}
	}
	if len(parts) == 1 && parts[0] == "CredentialLists.json" {
		if r.Method == http.MethodGet {
			return t.page2010(r, path, pageSize, "credential_lists", each(t.lists, showList))
		}
		made := &list{sid: t.sid("CL"), name: form.Get("FriendlyName")}
		t.lists = append(t.lists, made)
		return 201, showList(made)
	}
	at := slices.IndexFunc(t.lists, func(l *list) bool { return l.sid == strings.TrimSuffix(parts[1], ".json") })
	if at < 0 {
		return gone()
	}
	l := t.lists[at]
	if len(parts) == 2 {
		if r.Method == http.MethodDelete {
			t.lists = slices.Delete(t.lists, at, at+1)
			return 204, nil
		}
		return 200, showList(l)
	}
	show := func(u *user) any {
		return map[string]any{"sid": u.sid, "account_sid": t.seed.Account, "credential_list_sid": l.sid, "username": u.name,
			"date_created": nil, "date_updated": nil, "uri": path}
	}
	if len(parts) == 3 {
		if r.Method == http.MethodGet {
			return t.page2010(r, path, pageSize, "credentials", each(l.users, show))
		}
		if wrong := weak(form.Get("Password")); wrong != "" {
			return failed(400, 21420, wrong)
		}
		if slices.ContainsFunc(l.users, func(u *user) bool { return u.name == form.Get("Username") }) {
			return failed(400, 21421, "Username is on the list already")
		}
		made := &user{sid: t.sid("CR"), name: form.Get("Username"), password: form.Get("Password")}
		l.users = append(l.users, made)
		return 201, show(made)
	}
	of := slices.IndexFunc(l.users, func(u *user) bool { return u.sid == strings.TrimSuffix(parts[3], ".json") })
	if of < 0 {
		return gone()
	}
	if r.Method == http.MethodDelete {
		l.users = slices.Delete(l.users, of, of+1)
		return 204, nil
	}
	return 200, show(l.users[of])
}

// weak is Twilio's rule for passwords, which its description has in words only.
func weak(password string) string {
	var digit, lower, upper bool
	for _, c := range password {
		digit, lower, upper = digit || unicode.IsDigit(c), lower || unicode.IsLower(c), upper || unicode.IsUpper(c)
	}
	if len(password) < 12 || !digit || !lower || !upper {
		return "Password must have 12 characters, a digit, a small and a capital letter"
	}
	return ""
}

func (t *twilio) countries(parts []string) (int, any) {
	iso := parts[len(parts)-1]
	return 200, map[string]any{"iso_code": iso, "name": iso, "continent": "", "country_codes": []string{},
		"low_risk_numbers_enabled":            !slices.Contains(t.seed.Countries, iso),
		"high_risk_special_numbers_enabled":   t.seed.HighRisk,
		"high_risk_tollfraud_numbers_enabled": t.seed.HighRisk,
		"url":                                 nil,
		"links":                               map[string]any{}}
}

func (t *twilio) trunkJSON(tr *trunk) any {
	kinds := []string{}
	if len(tr.lists) > 0 {
		kinds = append(kinds, "CREDENTIAL_LIST")
	}
	return map[string]any{"sid": tr.sid, "account_sid": t.seed.Account, "friendly_name": tr.name, "domain_name": tr.domain,
		"secure": tr.secure, "transfer_mode": tr.transfer, "transfer_caller_id": "from-transferee",
		"recording": map[string]any{"mode": tr.recording, "trim": "do-not-trim"}, "cnam_lookup_enabled": false,
		"auth_type": "", "auth_type_set": kinds, "disaster_recovery_method": nil, "disaster_recovery_url": nil,
		"date_created": nil, "date_updated": nil, "url": nil, "links": map[string]any{}}
}

func (t *twilio) numberJSON(n *number) map[string]any {
	var on any
	if n.trunk != "" {
		on = n.trunk
	}
	return map[string]any{"sid": n.sid, "account_sid": t.seed.Account, "phone_number": n.number, "friendly_name": n.number,
		"trunk_sid": on, "voice_url": n.voiceURL, "emergency_address_status": n.emergency,
		"capabilities": map[string]any{"voice": n.voice, "sms": true, "mms": false, "fax": false}}
}

func each[T any](items []T, show func(T) any) []any {
	shown := make([]any, 0, len(items))
	for _, item := range items {
		shown = append(shown, show(item))
	}
	return shown
}

func cut(r *http.Request, pageSize int, all []any) ([]any, int, bool) {
	size, _ := strconv.Atoi(r.URL.Query().Get("PageSize"))
	if pageSize > 0 {
		size = pageSize
	}
	if size <= 0 {
		size = 50
	}
	page, _ := strconv.Atoi(r.URL.Query().Get("Page"))
	from, to := min(page*size, len(all)), min((page+1)*size, len(all))
	return all[from:to], page, to < len(all)
}

func following(r *http.Request, page int) string {
	query := r.URL.Query()
	query.Set("Page", strconv.Itoa(page+1))
	return query.Encode()
}

func (t *twilio) page(r *http.Request, pageSize int, name string, all []any) (int, any) {
	items, page, more := cut(r, pageSize, all)
	this := "http://" + r.Host + r.URL.Path
	meta := map[string]any{"key": name, "page": page, "page_size": len(items), "next_page_url": nil,
		"first_page_url": this, "previous_page_url": nil, "url": this}
	if more {
		meta["next_page_url"] = this + "?" + following(r, page)
	}
	return 200, map[string]any{name: items, "meta": meta}
}

func (t *twilio) page2010(r *http.Request, path string, pageSize int, name string, all []any) (int, any) {
	items, page, more := cut(r, pageSize, all)
	answer := map[string]any{name: items, "page": page, "page_size": len(items), "start": 0, "end": len(items)}
	if more {
		answer["next_page_uri"] = path + "?" + following(r, page)
	}
	return 200, answer
}
