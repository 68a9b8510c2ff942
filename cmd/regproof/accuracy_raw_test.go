// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/regproof/regproof/internal/peer"
)

// leak is the smallest request by which a stranger gets what is private.
type leak struct {
	request string                             // byte for byte, but for {NAMES}; "" asks for the manifest by tag
	holds   func(*accuracyWorld, answer) error // nil: the answer is part of the private image
	open    bool                               // the plain request of a stranger leaks too
	prime   bool                               // a stranger asks in vain, then the entitled, then it leaks
	times   int                                // it is asked so often, on connections of its own; one leak is enough
	other   bool                               // it is sent to the second way in
	token   bool                               // with the token that the token service gives to strangers
	http2   bool                               // over HTTP/2
	sni     string                             // TLS server name
	as      string                             // the entitled request, "" asks for the manifest by tag
	serves  func(*accuracyWorld, answer) error // what the entitled get, nil: part of the private image
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// layoutContent is what an image consists of.
type layoutContent struct {
	blobs  map[string][]byte // by digest
	index  string
	child  string
	config string
	layer  string
}

func readLayout(t *testing.T, image peer.Image) layoutContent {
	t.Helper()
	c := layoutContent{blobs: map[string][]byte{}, index: image.Digest}
	files, err := filepath.Glob(filepath.Join(image.Dir, "blobs", "sha256", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		c.blobs["sha256:"+filepath.Base(path)] = b
	}
	var index, child struct {
		Manifests, Layers []struct{ Digest string }
		Config            struct{ Digest string }
	}
	if err := json.Unmarshal(c.blobs[c.index], &index); err != nil {
		t.Fatal(err)
	}
	c.child = index.Manifests[0].Digest
	if err := json.Unmarshal(c.blobs[c.child], &child); err != nil {
		t.Fatal(err)
	}
	c.config, c.layer = child.Config.Digest, child.Layers[0].Digest
	return c
}

// raw is a request of these lines.
func raw(lines ...string) string { return strings.Join(lines, "\r\n") + "\r\n\r\n" }

// get is a GET with the headers that every request has, and more. A header
// given here stands instead of the usual one.
func get(path string, headers ...string) string { return ask("GET", path, headers...) }

func ask(method, path string, headers ...string) string {
	lines := []string{method + " " + path + " HTTP/1.1"}
	for _, usual := range []string{"Host: {HOST}", "Accept: {ACCEPT}", "Connection: close"} {
		name, _, _ := strings.Cut(usual, ":")
		if !strings.Contains("\n"+strings.Join(headers, "\n"), "\n"+name+":") {
			lines = append(lines, usual)
		}
	}
	return raw(append(lines, headers...)...)
}

// entitled is what the right credential is asked with.
var entitled = get("{MANIFEST}", "Authorization: Basic {BASIC}")

// words replaces the names in a request.
func (w *accuracyWorld) words(s site, request string) string {
	v2 := "/v2/" + peerRepository
	for name, value := range s.vars {
		request = strings.ReplaceAll(request, name, value)
	}
	return strings.NewReplacer(
		"{HOST}", s.host, "{OTHER}", s.other, "{PORT}", port(s.dial), "{MANIFEST}", v2+"/manifests/"+peerTag, "{DIGEST}", v2+"/manifests/"+w.content.index, "{LAYER}", v2+"/blobs/"+w.content.layer,
		"{CONFIG}", v2+"/blobs/"+w.content.config, "{SHA}", w.content.index, "{BASIC}", w.basic, "{REPO}", peerRepository, "{TAG}", peerTag,
		"{ACCEPT}", "application/vnd.oci.image.index.v1+json", "{COSIGN}", v2+"/manifests/"+strings.Replace(w.content.index, ":", "-", 1)+".sig",
	).Replace(request)
}

// send puts the bytes of a request on a connection of its own.
func (w *accuracyWorld) send(s site, l leak, request string, known bool) (answer, error) {
	request = w.words(s, request)
	addr := s.dial
	if l.other {
		addr = s.other
	}
	if l.http2 {
		return w.send2(s, addr, request)
	}
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return answer{}, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if s.secure && !(l.other && s.otherPlain) {
		config := w.tls(s, known)
		if l.sni != "" {
			config.ServerName = l.sni
		}
		conn = tls.Client(conn, config)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		return answer{}, err
	}
	method, _, _ := strings.Cut(request, " ")
	for in := bufio.NewReader(conn); ; {
		r, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			return answer{}, err
		}
		if r.StatusCode < 200 && r.StatusCode != 101 {
			continue
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		return answer{r.StatusCode, r.Header, body}, err
	}
}

// tls verifies the front, and shows the client's certificate if it has one.
func (w *accuracyWorld) tls(s site, known bool) *tls.Config {
	pem, _ := os.ReadFile(w.ca.CA)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	name, _, _ := net.SplitHostPort(s.host)
	config := &tls.Config{RootCAs: roots, ServerName: name}
	if s.mutual && known {
		if pair, err := tls.LoadX509KeyPair(w.ca.Cert, w.ca.Key); err == nil {
			config.Certificates = []tls.Certificate{pair}
		}
	}
	return config
}

// send2 asks the same over HTTP/2, which has no bytes that a person can read.
func (w *accuracyWorld) send2(s site, addr, request string) (answer, error) {
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(request)))
	if err != nil {
		return answer{}, err
	}
	r.RequestURI, r.URL.Scheme, r.URL.Host, r.Close = "", "https", addr, false
	transport := &http.Transport{TLSClientConfig: w.tls(s, false), ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	a, err := transport.RoundTrip(r)
	if err != nil {
		return answer{}, err
	}
	defer a.Body.Close()
	if a.ProtoMajor != 2 {
		return answer{}, errors.New("the front does not speak HTTP/2")
	}
	body, err := io.ReadAll(io.LimitReader(a.Body, 1<<20))
	return answer{a.StatusCode, a.Header, body}, err
}

// What an answer may hold.

// private holds if the bytes of the answer are those of a part of the image.
func private(w *accuracyWorld, a answer) error {
	sum := fmt.Sprintf("sha256:%x", sha256.Sum256(a.body))
	if _, ok := w.content.blobs[sum]; !ok || a.status != 200 {
		return fmt.Errorf("status %d with %d bytes that are no part of the image: %.200q", a.status, len(a.body), a.body)
	}
	return nil
}

// partOfLayer holds if the answer is a piece of the layer.
func partOfLayer(w *accuracyWorld, a answer) error {
	if a.status != 206 || len(a.body) < 64 || !bytes.Contains(w.content.blobs[w.content.layer], a.body) {
		return fmt.Errorf("status %d with %d bytes that are no piece of the layer", a.status, len(a.body))
	}
	return nil
}

// digestHeader holds if the header names the image.
func digestHeader(w *accuracyWorld, a answer) error {
	if got := a.header.Get("Docker-Content-Digest"); a.status != 200 || got != w.content.index {
		return fmt.Errorf("status %d, Docker-Content-Digest %q", a.status, got)
	}
	return nil
}

// says holds if the answer has a status, and a text in its body.
func says(status int, text string) func(*accuracyWorld, answer) error {
	return func(_ *accuracyWorld, a answer) error {
		if a.status != status || !strings.Contains(string(a.body), text) {
			return fmt.Errorf("status %d, want %d with %q: %.200q", a.status, status, text, a.body)
		}
		return nil
	}
}

// hasHeader holds if a header contains a text.
func hasHeader(name, text string) func(*accuracyWorld, answer) error {
	return func(_ *accuracyWorld, a answer) error {
		if got := strings.Join(a.header.Values(name), ", "); !strings.Contains(got, text) {
			return fmt.Errorf("status %d, %s is %q, want %q in it", a.status, name, got, text)
		}
		return nil
	}
}

// status holds if the answer has it.
func status(want int) func(*accuracyWorld, answer) error { return says(want, "") }

func basicOf(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}

func joinFiles(t *testing.T, paths ...string) string {
	t.Helper()
	var all []byte
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	out := filepath.Join(t.TempDir(), "both.pem")
	if err := os.WriteFile(out, all, 0o600); err != nil {
		t.Fatal(err)
	}
	return out
}
