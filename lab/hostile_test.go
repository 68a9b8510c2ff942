// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/regproof/regproof/lab"
)

// TestEveryEntryOpens opens each door, asks it as a stranger and as the
// entitled, and closes it: nothing may hang or be left behind.
func TestEveryEntryOpens(t *testing.T) {
	l := open(t)
	for _, w := range lab.Weaknesses() {
		for _, secure := range []bool{false, true} {
			name := w.Name
			if secure {
				name += " over HTTP/2"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				d := door(t, l, lab.DoorOptions{Weaknesses: []string{w.Name}, TLS: secure})
				a := ask(t, l, d, secure)
				a.http.Timeout = 300 * time.Millisecond
				for _, target := range []string{"/v2/", manifest14, "/v2/team-a/app/tags/list"} {
					// Hostile doors may well break the client, so no error is one.
					_, _, _ = a.read(target, 16<<20)
					_, _, _ = a.as(l).read(target, 16<<20)
				}
				if d.Requests() == 0 && w.Name != "tls-on-http" && w.Name != "http-on-tls" && !w.Needs.Certificate && !refused[w.Name] {
					t.Error("nothing reached the door")
				}
				start := time.Now()
				if err := d.Close(); err != nil {
					t.Error(err)
				}
				if took := time.Since(start); took > 10*time.Second {
					t.Errorf("closing took %s", took)
				}
			})
		}
	}
}

// refused are doors that a client leaves during the handshake.
var refused = map[string]bool{
	"tls11-alone": true, "cert-expired": true, "cert-not-yet": true, "cert-other-name": true, "cert-self-signed": true, "cert-incomplete": true, "cert-sha1": true,
}

const manifest14 = "/v2/team-a/app/manifests/1.4"

func hostile(t *testing.T, l *lab.Lab, name string) (*lab.Door, *asker) {
	t.Helper()
	d := door(t, l, lab.DoorOptions{Weaknesses: []string{name}})
	a := ask(t, l, d, false)
	a.http.Timeout = 2 * time.Second
	return d, a
}

// read gets what comes within the limits, and the error that ended it.
func (a *asker) read(target string, most int64) (*http.Response, []byte, error) {
	a.t.Helper()
	r, err := http.NewRequestWithContext(a.t.Context(), http.MethodGet, a.base+target, nil)
	if err != nil {
		return nil, nil, err
	}
	if a.auth != "" {
		r.Header.Set("Authorization", a.auth)
	}
	res, err := a.http.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, most))
	return res, body, err
}

func TestHostileBodies(t *testing.T) {
	l := open(t)
	app := image(t, l, "team-a/app:1.4")

	_, a := hostile(t, l, "endless-body")
	if _, body, err := a.read(manifest14, 8<<20); err != nil || len(body) != 8<<20 {
		t.Errorf("endless-body: %d bytes, %v", len(body), err)
	}
	_, a = hostile(t, l, "drip-body")
	if _, body, err := a.read(manifest14, 1<<20); err == nil || len(body) == 0 || len(body) > 4 {
		t.Errorf("drip-body: %d bytes, %v", len(body), err)
	}
	_, a = hostile(t, l, "mid-close")
	if _, body, err := a.read(manifest14, 1<<20); !errors.Is(err, io.ErrUnexpectedEOF) || len(body) != 100 {
		t.Errorf("mid-close: %d bytes, %v", len(body), err)
	}
	_, a = hostile(t, l, "lying-digest")
	res, body, err := a.read(manifest14, 1<<20)
	if err != nil || res.Header.Get("Docker-Content-Digest") != app.Digest || (got{body: body}).digest() == app.Digest {
		t.Errorf("lying-digest: %v", err)
	}
	_, a = hostile(t, l, "lying-length")
	if _, body, err := a.read(manifest14, 1<<20); err != nil || len(body) != 5 {
		t.Errorf("lying-length: %d bytes, %v", len(body), err)
	}
	if _, _, err := a.read("/v2/team-a/app/blobs/"+app.Config, 1<<20); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("lying-length of a blob: %v", err)
	}
	_, a = hostile(t, l, "giant-header")
	if _, _, err := a.read(manifest14, 1<<20); err == nil {
		t.Error("giant-header: under Go's limit of 10 MB")
	}
	_, a = hostile(t, l, "informational-flood")
	if _, _, err := a.read(manifest14, 1<<20); err == nil {
		t.Error("informational-flood: an end")
	}
	_, a = hostile(t, l, "gzip-bomb")
	res, body, err = a.read(manifest14, 8<<20)
	if err != nil || res.Header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("gzip-bomb: %v", err)
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.CopyN(io.Discard, z, 100*int64(len(body))); err != nil {
		t.Errorf("gzip-bomb: %d bytes of %d, %v", n, len(body), err)
	}
	_, a = hostile(t, l, "deep-json")
	if _, body, err := a.read(manifest14, 1<<20); err != nil || len(body) != 400_000 || json.Valid(body) {
		t.Errorf("deep-json: %d bytes, valid for Go: %v, %v", len(body), json.Valid(body), err)
	}
	_, a = hostile(t, l, "escapes")
	if g := a.do("GET", "/v2/team-a/app/tags/list"); !strings.Contains(string(g.body), "u001b]0;") {
		t.Errorf("escapes: %s", g.body)
	}
	_, a = hostile(t, l, "bad-digest")
	if g := a.do("GET", manifest14); g.status != 200 || !strings.Contains(string(g.body), "etc/passwd") {
		t.Errorf("bad-digest: %d %s", g.status, g.body)
	}
}

// TestTrap follows where the hostile doors lure, with the credential, as no
// client should, and sees that the trap tells.
func TestTrap(t *testing.T) {
	l := open(t)
	user, password := l.User()
	for name, lured := range map[string]func(*asker) got{
		"redirect-mapped":  func(a *asker) got { return a.do("GET", manifest14) },
		"redirect-name":    func(a *asker) got { return a.do("GET", manifest14) },
		"foreign-location": func(a *asker) got { return a.do("POST", "/v2/team-a/app/blobs/uploads/") },
		"realm-redirect":   func(a *asker) got { return a.do("GET", "/token?service=regproof-lab") },
		"foreign-link": func(a *asker) got {
			g := a.do("GET", "/v2/_catalog")
			at, _, _ := strings.Cut(strings.TrimPrefix(g.header.Get("Link"), "<"), ">")
			g.header.Set("Location", at)
			return g
		},
		"realm-foreign": func(a *asker) got {
			g := a.do("GET", manifest14)
			_, at, _ := strings.Cut(g.header.Get("WWW-Authenticate"), `realm="`)
			at, _, _ = strings.Cut(at, `"`)
			g.header.Set("Location", at)
			return g
		},
		"realm-switch": func(a *asker) got {
			first := a.do("GET", manifest14).header.Get("WWW-Authenticate")
			if !strings.Contains(first, a.base+"/token") {
				a.t.Errorf("first challenge: %s", first)
			}
			g := a.do("GET", manifest14, "Authorization", "Bearer x")
			_, at, _ := strings.Cut(g.header.Get("WWW-Authenticate"), `realm="`)
			at, _, _ = strings.Cut(at, `"`)
			g.header.Set("Location", at)
			return g
		},
	} {
		for _, secure := range []bool{false, true} {
			d := door(t, l, lab.DoorOptions{Weaknesses: []string{name}, TLS: secure})
			a := ask(t, l, d, false)
			at := lured(a).header.Get("Location")
			if len(d.Trap()) != 0 || !strings.HasPrefix(at, d.URL()[:strings.Index(d.URL(), ":")]) {
				t.Errorf("%s: lured to %s, trap %v", name, at, d.Trap())
			}
			a.do("GET", at)
			a.as(l).do("GET", at)
			a.do("POST", at+sep(at)+"secret="+password)
			a.do("GET", at, "Cookie", "u="+user+"; p="+password)
			var told []bool
			for _, h := range d.Trap() {
				told = append(told, h.Secret)
			}
			if len(told) != 4 || told[0] || !told[1] || !told[2] || !told[3] {
				t.Errorf("%s: the trap saw %v", name, told)
			}
		}
	}
}

func sep(target string) string {
	if strings.Contains(target, "?") {
		return "&"
	}
	return "?"
}

// TestTLSMismatch: what the URL says is not what the port speaks.
func TestTLSMismatch(t *testing.T) {
	l := open(t)
	d := door(t, l, lab.DoorOptions{Weaknesses: []string{"http-on-tls"}})
	if !strings.HasPrefix(d.URL(), "https://") {
		t.Errorf("http-on-tls is at %s", d.URL())
	}
	if g := ask(t, l, d, false).do("GET", "http://"+d.Addrs()[0]+"/v2/"); g.status != 401 {
		t.Errorf("http-on-tls over plain HTTP: %d", g.status)
	}
	d = door(t, l, lab.DoorOptions{Weaknesses: []string{"tls-on-http"}})
	if !strings.HasPrefix(d.URL(), "http://") {
		t.Errorf("tls-on-http is at %s", d.URL())
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(d.CAPEM())
	dial := tls.Dialer{Config: &tls.Config{RootCAs: pool}}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	conn, err := dial.DialContext(ctx, "tcp", d.Addrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

// TestEndlessPaging: every page has a next one, with new names.
func TestEndlessPaging(t *testing.T) {
	l := open(t)
	_, a := hostile(t, l, "endless-paging")
	target, seen := "/v2/_catalog", map[string]bool{}
	for range 20 {
		g := a.do("GET", target)
		if seen[string(g.body)] {
			t.Fatalf("page twice: %s", g.body)
		}
		seen[string(g.body)] = true
		target, _, _ = strings.Cut(strings.TrimPrefix(g.header.Get("Link"), "<"), ">")
	}
	_, a = hostile(t, l, "redirect-loop")
	target = manifest14
	for range 20 {
		g := a.do("GET", target)
		if g.status != 302 || g.header.Get("Location") == target {
			t.Fatalf("%s: %d to %s", target, g.status, g.header.Get("Location"))
		}
		target = g.header.Get("Location")
	}
}
