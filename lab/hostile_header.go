// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// giantHeader sends 12 MB of headers before anything else.
func giantHeader(w http.ResponseWriter, r *http.Request, d *Door) {
	claim(w, r, d)
	filler := strings.Repeat("x", 64<<10)
	for n := range 192 {
		w.Header().Set(fmt.Sprintf("X-Filler-%d", n), filler)
	}
	_, _ = io.WriteString(w, "{}")
}

// informationalFlood never comes to its answer: 103 Early Hints for ever.
func informationalFlood(w http.ResponseWriter, r *http.Request, _ *Door) {
	w.Header().Set("Link", "</style.css>; rel=preload")
	for r.Context().Err() == nil {
		w.WriteHeader(http.StatusEarlyHints)
	}
}

// lyingLength is about bytes that do not add up, which net/http does not send;
// so it writes them itself. Manifests are longer than they say (and the rest
// lies in wait on the connection), blobs end before, lists say two lengths.
func lyingLength(w http.ResponseWriter, r *http.Request, d *Door) {
	body := `{"schemaVersion":2,"mediaType":"` + ociManifest + `","layers":[]}` + strings.Repeat(" ", 200)
	t := routeOf(r)
	length := map[kind]string{manifest: "5", blob: "9223372036854775807"}[t.kind]
	if length == "" {
		length = "5\r\nContent-Length: 50"
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil { // HTTP/2: too short is the one lie left
		w.Header().Set("Content-Length", "1099511627776")
		_, _ = io.WriteString(w, body)
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nDocker-Content-Digest: %s\r\nContent-Length: %s\r\n\r\n%s",
		ociManifest, d.lab.digest(t), length, body)
}
