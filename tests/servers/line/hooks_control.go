package main

import (
	"fmt"
	"net/http"
)

// webhooks adds the control of the server's webhooks to the control API.
func (l *line) webhooks(on func(string, func(*http.Request) (int, any, error))) {
	one := func(do func(*hookTarget, *http.Request) error) func(*http.Request) (int, any, error) {
		return func(r *http.Request) (int, any, error) {
			t := l.hooks.find(r.PathValue("id"))
			if t == nil {
				return 0, nil, failure{http.StatusNotFound, fmt.Sprintf("There is no webhook target %q.", r.PathValue("id"))}
			}
			if err := do(t, r); err != nil {
				return 0, nil, err
			}
			return http.StatusOK, t.report(), nil
		}
	}
	on("GET /webhooks", func(*http.Request) (int, any, error) {
		out := []hookReport{}
		for _, t := range l.hooks.list() {
			out = append(out, t.report())
		}
		return http.StatusOK, map[string]any{"webhooks": out}, nil
	})
	on("POST /webhooks", func(r *http.Request) (int, any, error) {
		var s hookSwitches
		if err := readBody(r, &s); err != nil {
			return 0, nil, err
		}
		t, err := l.hooks.add(s)
		if err != nil {
			return 0, nil, bad(err)
		}
		return http.StatusCreated, t.report(), nil
	})
	on("GET /webhooks/{id}", one(func(*hookTarget, *http.Request) error { return nil }))
	on("PUT /webhooks/{id}", one(func(t *hookTarget, r *http.Request) error {
		s := hookSwitches{URL: t.report().URL}
		if err := readBody(r, &s); err != nil {
			return err
		}
		if err := t.change(s); err != nil {
			return bad(err)
		}
		return nil
	}))
	on("POST /webhooks/{id}/release", one(func(t *hookTarget, r *http.Request) error {
		var body struct {
			Reversed bool `json:"reversed"`
		}
		if err := readBody(r, &body); err != nil {
			return err
		}
		t.release(body.Reversed)
		return nil
	}))
	on("DELETE /webhooks/{id}", func(r *http.Request) (int, any, error) {
		if !l.hooks.remove(r.PathValue("id")) {
			return 0, nil, failure{http.StatusNotFound, fmt.Sprintf("There is no webhook target %q.", r.PathValue("id"))}
		}
		return http.StatusOK, map[string]any{"removed": true}, nil
	})
}
