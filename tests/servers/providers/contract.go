package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// contract is one provider's description of its own API.
type contract struct {
	router routers.Router
}

// The paths that Deskline uses; the rest of a description takes seconds to prepare.
var usedPaths = []string{"/v1/Trunks", "/2010-04-01/Accounts/{Sid}.json",
	"/2010-04-01/Accounts/{AccountSid}/SIP/CredentialLists", "/2010-04-01/Accounts/{AccountSid}/IncomingPhoneNumbers",
	"/2010-04-01/Accounts/{AccountSid}/Balance.json", "/2010-04-01/Accounts/{AccountSid}/Notifications.json", "/v1/DialingPermissions/Countries",
	"/balance", "/outbound_voice_profiles", "/fqdn_connections", "/fqdns", "/phone_numbers", "/api/"}

// What is not in a provider's published description, typed by hand.
//
//go:embed telnyx_newer.json signalwire.json
var newer embed.FS

// readContract reads a description, and if more is named, the paths and fields of that too. Without a file there is only what was typed
// by hand.
func readContract(file, more string) (*contract, error) {
	doc := &openapi3.T{Paths: openapi3.NewPaths(), Components: &openapi3.Components{Schemas: openapi3.Schemas{}}}
	if file != "" {
		read, err := openapi3.NewLoader().LoadFromFile(file)
		if err != nil {
			return nil, err
		}
		doc = read
	}
	if more != "" {
		text, err := newer.ReadFile(more)
		if err != nil {
			return nil, err
		}
		added, err := openapi3.NewLoader().LoadFromData(text)
		if err != nil {
			return nil, err
		}
		for path, item := range added.Paths.Map() {
			doc.Paths.Set(path, item)
		}
		for name, schema := range added.Components.Schemas {
			if known := doc.Components.Schemas[name]; known != nil {
				for field, property := range schema.Value.Properties {
					known.Value.Properties[field] = property
				}
			}
		}
	}
	doc.Servers = openapi3.Servers{{URL: "/"}}
	for path, item := range doc.Paths.Map() {
		used := false
		for _, prefix := range usedPaths {
			used = used || strings.HasPrefix(path, prefix)
		}
		if !used {
			doc.Paths.Delete(path)
			continue
		}
		item.Servers = nil
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		return nil, err
	}
	return &contract{router: router}, nil
}

// checked is a request that keeps to the description, and what is needed to check its answer.
type checked struct {
	input *openapi3filter.RequestValidationInput
	form  url.Values
	json  map[string]any
}

// request says what is wrong with a request, by the description; path is the one of the provider.
func (c *contract) request(r *http.Request, path string) (*checked, int, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return nil, 400, err
	}
	asked := r.Clone(r.Context())
	asked.URL.Path, asked.URL.RawPath = path, ""
	asked.Body = io.NopCloser(bytes.NewReader(body))
	asked.ContentLength = int64(len(body))
	route, params, err := c.router.FindRoute(asked)
	if err != nil {
		return nil, 404, fmt.Errorf("%s %s is not in the description: %w", r.Method, path, err)
	}
	input := &openapi3filter.RequestValidationInput{Request: asked, PathParams: params, Route: route,
		Options: &openapi3filter.Options{MultiError: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}}
	if err := openapi3filter.ValidateRequest(context.Background(), input); err != nil {
		return nil, 422, err
	}
	var form url.Values
	var fields map[string]any
	isJSON := strings.HasPrefix(r.Header.Get("Content-Type"), "application/json")
	if isJSON {
		err = json.Unmarshal(body, &fields)
	} else {
		form, err = url.ParseQuery(string(body))
	}
	if err != nil {
		return nil, 400, err
	}
	// The library lets unknown fields of a form pass; a misspelt one would be lost at the provider without a word.
	if content := route.Operation.RequestBody; content != nil && isJSON {
		if name := unknown(content.Value.Content["application/json"].Schema, fields); name != "" {
			return nil, 422, fmt.Errorf("%s is no field of %s %s", name, r.Method, path)
		}
	} else if content != nil {
		media := content.Value.Content["application/x-www-form-urlencoded"]
		for name := range form {
			if media == nil || media.Schema.Value.Properties[name] == nil {
				return nil, 422, fmt.Errorf("%s is no field of %s %s", name, r.Method, path)
			}
		}
	}
	for name := range r.URL.Query() {
		if route.Operation.Parameters.GetByInAndName("query", name) == nil {
			return nil, 422, fmt.Errorf("%s is no parameter of %s %s", name, r.Method, path)
		}
	}
	return &checked{input: input, form: form, json: fields}, 0, nil
}

// unknown is the first field that the description does not have, "" for none.
func unknown(schema *openapi3.SchemaRef, value any) string {
	fields, isObject := value.(map[string]any)
	if schema == nil || schema.Value == nil || !isObject {
		return ""
	}
	properties := openapi3.Schemas{}
	for _, part := range append(openapi3.SchemaRefs{schema}, schema.Value.AllOf...) {
		for name, property := range part.Value.Properties {
			properties[name] = property
		}
	}
	for name, inner := range fields {
		property := properties[name]
		if property == nil {
			return name
		}
		if deeper := unknown(property, inner); deeper != "" {
			return name + "." + deeper
		}
	}
	return ""
}

// answer says what is wrong with our own answer: a stand-in must not tell what the provider never would.
func (c *contract) answer(of *checked, status int, body []byte) error {
	header := http.Header{}
	if len(body) > 0 {
		header.Set("Content-Type", "application/json")
	}
	output := &openapi3filter.ResponseValidationInput{RequestValidationInput: of.input, Status: status, Header: header,
		Options: &openapi3filter.Options{MultiError: true}}
	output.SetBodyBytes(body)
	return openapi3filter.ValidateResponse(context.Background(), output)
}
