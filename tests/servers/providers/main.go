// Stand-ins of the providers of phone numbers: each keeps a state, and each request and each answer is held against the
// provider's own published description. Loopback only, nothing written to disk.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
)

func main() {
	descriptions := flag.String("descriptions", "", "folder with the providers' OpenAPI descriptions")
	flag.Parse()
	if err := run(*descriptions); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(descriptions string) error {
	server := newServer()
	for _, api := range []struct{ folder, file, more string }{
		{"twilio-trunking", "twilio_trunking_v1.json", ""},
		{"twilio-api", "twilio_api_v2010.json", ""},
		{"twilio-voice", "twilio_voice_v1.json", ""},
		{"telnyx", "telnyx.json", "telnyx_newer.json"},
		{"signalwire", "", "signalwire.json"},
	} {
		file := ""
		if api.file != "" {
			file = descriptions + "/" + api.file
		}
		contract, err := readContract(file, api.more)
		if err != nil {
			return fmt.Errorf("%s: %w", api.folder, err)
		}
		server.contracts[api.folder] = contract
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() {
		// Whoever started us holds the pipe open; we go with them.
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	ready, _ := json.Marshal(map[string]any{"ready": true, "url": "http://" + listener.Addr().String()})
	fmt.Println(string(ready))
	return http.Serve(listener, server)
}

// ServeHTTP sorts the requests: /control/… is for tests, /<api>/… is a provider.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	folder, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if folder == "control" {
		s.control(w, r, rest)
		return
	}
	contract, known := s.contracts[folder]
	if !known {
		http.NotFound(w, r)
		return
	}
	s.provider(w, r, folder, "/"+rest, contract)
}
