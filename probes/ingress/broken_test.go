// SPDX-License-Identifier: Apache-2.0

package ingress_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/ingress"
)

// TestBrokenLeak: what is served to an odd way to ask is no denial because it
// is packed, breaks off or takes long: the bytes that came are a proof, and
// without them nothing is proven.
func TestBrokenLeak(t *testing.T) {
	l := labtest.Open(t)
	user, password := l.User()
	raw := func(w http.ResponseWriter, text string, body []byte, wait time.Duration) {
		conn, buf, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = buf.WriteString("HTTP/1.1 200 OK\r\n" + text + "\r\n\r\n")
		_, _ = buf.Write(body)
		_ = buf.Flush()
		time.Sleep(wait)
	}
	for _, c := range []struct {
		name  string
		kind  string
		serve func(w http.ResponseWriter, body []byte)
		want  []finding.Outcome
	}{
		{"all of it, and then no end", "/manifests/", func(w http.ResponseWriter, body []byte) {
			raw(w, "Transfer-Encoding: chunked", []byte(fmt.Sprintf("%x\r\n%s\r\n", len(body), body)), 0)
		}, []finding.Outcome{finding.Fail}},
		{"half of it", "/manifests/", func(w http.ResponseWriter, body []byte) {
			raw(w, fmt.Sprintf("Content-Length: %d", len(body)), body[:len(body)/2], 0)
		}, []finding.Outcome{finding.Fail, finding.Unknown}},
		{"half of it, and the rest too late", "/manifests/", func(w http.ResponseWriter, body []byte) {
			raw(w, fmt.Sprintf("Content-Length: %d", len(body)), body[:len(body)/2], 5*time.Second)
		}, []finding.Outcome{finding.Fail, finding.Unknown}},
		{"packed with what is not unpacked", "/manifests/", func(w http.ResponseWriter, body []byte) {
			w.Header().Set("Content-Encoding", "zstd")
			_, _ = w.Write(append([]byte{0x28, 0xb5, 0x2f, 0xfd}, body...))
		}, []finding.Outcome{finding.Fail, finding.Unknown}},
		{"a layer packed with gzip", "/blobs/", func(w http.ResponseWriter, body []byte) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = z.Write(body)
			_ = z.Close()
		}, []finding.Outcome{finding.Fail}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := labtest.Door(t, l, lab.DoorOptions{})
			front := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				if r.URL.RawQuery != "x=1" || !strings.Contains(r.URL.Path, c.kind) || r.Header.Get("Authorization") != "" {
					next.ServeHTTP(w, r)
					return
				}
				in := r.Clone(r.Context())
				in.URL.RawQuery, in.RequestURI = "", ""
				in.SetBasicAuth(user, password)
				got := httptest.NewRecorder()
				next.ServeHTTP(got, in)
				c.serve(w, bytes.Clone(got.Body.Bytes()))
			})
			got := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{ingress.Query}, Change: labtest.Instead(t, probe.Endpoint{URL: front})})
			f, _ := got.Probe("ingress/query")
			for _, o := range c.want {
				if f.Outcome == o {
					return
				}
			}
			t.Errorf("%s: %s, want %v", f.Outcome, f.Reason, c.want)
		})
	}
}
