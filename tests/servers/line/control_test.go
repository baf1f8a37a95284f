package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestControlRefusesNonsense(t *testing.T) {
	t.Parallel()
	r := theLine.ringIn(t, map[string]any{})
	call := "/calls/" + r.ID
	long := `{"from":"` + strings.Repeat("1", 100_000) + `"}`
	for _, c := range []struct {
		method, path string
		body         any
		status       int
	}{
		{"GET", "/nothing", nil, 404}, {"GET", "/calls/none", nil, 404}, {"POST", "/calls/none/hangup", nil, 404}, {"POST", "/calls/none/heard/reset", nil, 404},
		{"GET", "/calls/none/audio.ogg", nil, 404}, {"GET", call + "/audio.ogg", nil, 404}, {"POST", call + "/fly", nil, 404}, {"DELETE", "/calls", nil, 404},
		{"POST", "/calls", nil, 400}, {"POST", "/calls", "{", 400}, {"POST", "/calls", "[]", 400}, {"POST", "/calls", `{"from":"+13125550142","colour":1}`, 400},
		{"POST", "/calls", `{"from":"a b"}`, 400}, {"POST", "/calls", `{"from":"+1","to":"x y"}`, 400}, {"POST", "/calls", `{"from":"+1","says":"song"}`, 400},
		{"POST", "/calls", `{"from":"+1","give_up_ms":-1}`, 400}, {"POST", "/calls", `{"from":"+1","send_keys":"x"}`, 400}, {"POST", "/calls", long, 400},
		{"POST", call + "/keys", `{"keys":"1"}`, 409}, {"POST", call + "/keys", `{"keys":"x"}`, 400}, {"POST", call + "/keys", `{}`, 400},
		{"POST", call + "/says", `{"says":"tone:99999"}`, 400}, {"POST", call + "/media", `{"mode":"fly"}`, 400}, {"POST", call + "/media", `{"mode":"stop"}`, 409},
		{"POST", call + "/answer", nil, 400}, {"POST", call + "/rejoin", nil, 409},
		{"GET", call + "?until=never", nil, 400}, {"GET", call + "?until=over&wait_ms=x", nil, 400}, {"GET", "/events?after=x", nil, 400}, {"GET", "/events?wait_ms=-1", nil, 400},
		{"PUT", "/numbers/x", `{}`, 400}, {"PUT", "/numbers/11", `{"code":1}`, 400}, {"DELETE", "/numbers/x", nil, 400}, {"GET", "/numbers/x", nil, 400},
		{"POST", "/faults/kill", nil, 409}, {"POST", "/faults/refuse_joins", `{"on":true}`, 409}, {"POST", "/faults/flood", nil, 404},
	} {
		status, answer := theLine.ask(t, c.method, c.path, c.body)
		if text, _ := answer["error"].(string); status != c.status || text == "" {
			t.Errorf("%s %s %.60v answered %d %v, want %d and a sentence", c.method, c.path, c.body, status, answer, c.status)
		}
	}
	theLine.control(t, http.MethodPost, call+"/hangup", nil, http.StatusOK)
	theLine.control(t, http.MethodPost, call+"/hangup", nil, http.StatusConflict)
}

func TestControlIsForThisMachineOnly(t *testing.T) {
	t.Parallel()
	req, err := http.NewRequest(http.MethodGet, theLine.Control+"/ready", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "line.example"
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("a foreign name is answered %d", resp.StatusCode)
	}
}

func TestControlListsCallsAndEvents(t *testing.T) {
	t.Parallel()
	r := theLine.ringIn(t, map[string]any{"from": "+13125550177"})
	ids := func(query string) []string {
		var out []string
		for _, c := range theLine.control(t, http.MethodGet, "/calls?from=%2B13125550177"+query, nil, http.StatusOK)["calls"].([]any) {
			out = append(out, c.(map[string]any)["id"].(string))
		}
		return out
	}
	if !slices.Equal(ids("&over=false"), []string{r.ID}) || ids("&over=true") != nil || ids("&direction=outbound") != nil {
		t.Errorf("living %v, over %v, outbound %v", ids("&over=false"), ids("&over=true"), ids("&direction=outbound"))
	}
	theLine.control(t, http.MethodPost, "/calls/"+r.ID+"/hangup", nil, http.StatusOK)
	second := theLine.ringIn(t, map[string]any{"from": "+13125550177", "give_up_ms": 100})
	if !slices.Equal(ids(""), []string{second.ID, r.ID}) {
		t.Errorf("calls are %v, want the newest first", ids(""))
	}
	var what []string
	after := "0"
	for !slices.Contains(what, "ended") {
		answer := theLine.control(t, http.MethodGet, "/events?wait_ms=5000&call="+second.ID+"&after="+after, nil, http.StatusOK)
		list := answer["events"].([]any)
		if len(list) == 0 {
			t.Fatalf("no more events after %v", what)
		}
		for _, e := range list {
			what = append(what, e.(map[string]any)["what"].(string))
		}
		after = fmt.Sprint(int64(answer["next"].(float64)))
	}
	if want := []string{"called", "joined", "published", "ringing", "status", "ended"}; !slices.Equal(what, want) {
		t.Errorf("events %v, want %v", what, want)
	}
}

func TestControlReadyIsTheReadyLine(t *testing.T) {
	t.Parallel()
	if got := theLine.control(t, http.MethodGet, "/ready", nil, http.StatusOK); got["url"] != theLine.URL || got["ready"] != true {
		t.Errorf("ready is %v", got)
	}
	if got := theLine.control(t, http.MethodGet, "/faults", nil, http.StatusOK); got["child"] != false || got["server"] != "running" {
		t.Errorf("faults are %v", got)
	}
}
