package main

import (
	"bytes"
	"context"
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
	"/2010-04-01/Accounts/{AccountSid}/Balance.json", "/v1/DialingPermissions/Countries"}

func readContract(file string) (*contract, error) {
	doc, err := openapi3.NewLoader().LoadFromFile(file)
	if err != nil {
		return nil, err
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
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, 400, err
	}
	// The library lets unknown fields of a form pass; a misspelt one would be lost at the provider without a word.
	if content := route.Operation.RequestBody; content != nil {
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
	return &checked{input: input, form: form}, 0, nil
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
