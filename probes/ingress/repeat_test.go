// SPDX-License-Identifier: Apache-2.0

package ingress_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/evidence"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/policy"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/ingress"
	"github.com/regproof/regproof/wire"
)

// TestRepeat holds the printed command to the bytes that regproof sent: every
// request of the family, as it is recorded, is repeated by sh and curl against
// a server that keeps what it reads.
func TestRepeat(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed")
	}
	l := labtest.Open(t)
	for _, c := range []struct {
		name string
		host string
		tls  bool
	}{
		{"a name", "registry.test", false},
		{"an address", "127.0.0.1", false},
		{"a name and TLS", "registry.test", true},
		{"an address and TLS", "127.0.0.1", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFront(t, l, c.tls)
			asked := map[string]evidence.Exchange{} // by the bytes and the server name
			for x, err := range f.run(t, c.host).All() {
				if err != nil {
					t.Fatal(err)
				}
				if sent, ok := f.sent(x); ok {
					asked[fmt.Sprint(sent)] = x
				}
			}
			if len(asked) < 150 {
				t.Fatalf("%d ways to ask were seen", len(asked))
			}
			sem := make(chan bool, 4)
			var wg sync.WaitGroup
			for _, x := range asked {
				sem <- true
				wg.Go(func() {
					defer func() { <-sem }()
					f.repeat(t, x)
				})
			}
			wg.Wait()
		})
	}
}

// repeat runs the command for one exchange and compares.
func (f *front) repeat(t *testing.T, x evidence.Exchange) {
	want, _ := f.sent(x)
	command := strings.Join(evidence.Curl(x, f.ca), " \\\n")
	out, err := exec.Command("sh", "-c", command).CombinedOutput()
	m := rawTag.FindSubmatch(out)
	if err != nil || m == nil {
		t.Errorf("%s\n%v: %s", command, err, out)
		return
	}
	got := f.at(string(m[1]))
	if !slices.Equal(got, want) {
		t.Errorf("%s\nsent     %q\nregproof %q", command, got, want)
	}
}

// reproduces runs the command that a report prints for a finding, and looks for
// the status that was found.
func reproduces(t *testing.T, l *lab.Lab, c *labtest.Collected, d *lab.Door, f finding.Finding) {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Log("the command was not tried: curl is not installed")
		return
	}
	var shown evidence.Exchange
	for _, id := range f.Evidence {
		x, err := c.Recorder.Get(id)
		if err != nil {
			t.Fatal(err)
		}
		if x.Method != http.MethodDelete && (shown.ID == "" || x.Status/100 == 2 || shown.Status/100 != 2) {
			shown = x
		}
	}
	ca := ""
	if text := d.CAPEM(); len(text) > 0 {
		ca = filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(ca, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tries := 1
	if f.Probe == ingress.Replicas.ID { // the report repeats it in a loop
		tries = 40
	}
	user, password := l.User()
	command := strings.Join(evidence.Curl(shown, ca), " \\\n")
	status := fmt.Sprint(" ", shown.Status, " ")
	var out []byte
	for range tries {
		var err error
		sh := exec.Command("sh", "-c", command)
		sh.Env = append(os.Environ(), "REGPROOF_USER="+user, "REGPROOF_PASSWORD="+password)
		if out, err = sh.CombinedOutput(); err == nil && strings.Contains(string(out), status) {
			return
		}
	}
	t.Errorf("%s\nshows no%s\n%s", command, status, out)
}

// front is a server that keeps the bytes of every request. It passes on what
// carries the right password, and denies the rest.
type front struct {
	address  netip.AddrPort
	ca       string // file, "" without TLS
	roots    *x509.CertPool
	behind   *url.URL
	user     string
	password string

	mu   sync.Mutex
	read [][]string
}

// rawTag is the ETag under which an answer says which request it is to.
var rawTag = regexp.MustCompile(`"raw-(\d+)"`)

// sent is what the server read for an exchange: the request line, the server
// name, and headers.
func (f *front) sent(x evidence.Exchange) ([]string, bool) {
	for _, h := range x.ResponseHeaders {
		if m := rawTag.FindStringSubmatch(h[1]); m != nil && x.Of == "" {
			return f.at(m[1]), true
		}
	}
	return nil, false
}

func (f *front) at(tag string) []string {
	var n int
	_, _ = fmt.Sscan(tag, &n)
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.read[n]
}

// keep remembers a request, without what need not be repeated, its headers in
// the order of their names.
func (f *front) keep(sni string, head []byte) int {
	line, rest, _ := strings.Cut(string(head), "\r\n")
	var headers []string
	for h := range strings.SplitSeq(strings.TrimSuffix(rest, "\r\n\r\n"), "\r\n") {
		name, value, _ := strings.Cut(h, ":")
		name, value = strings.ToLower(name), strings.TrimSpace(value)
		switch {
		case name == "x-regproof-run" || (name == "accept-encoding" && value == "identity"):
			continue
		case name == "user-agent" && strings.HasPrefix(value, "regproof/"):
			value = "regproof"
		}
		headers = append(headers, name+": "+value)
	}
	slices.SortStableFunc(headers, func(a, b string) int {
		a, _, _ = strings.Cut(a, ":")
		b, _, _ = strings.Cut(b, ":")
		return strings.Compare(a, b)
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	f.read = append(f.read, append([]string{line, sni}, headers...))
	return len(f.read) - 1
}

func newFront(t *testing.T, l *lab.Lab, withTLS bool) *front {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &front{address: ln.Addr().(*net.TCPAddr).AddrPort()}
	f.user, f.password = l.User()
	if f.behind, err = url.Parse(labtest.Door(t, l, lab.DoorOptions{}).URL()); err != nil {
		t.Fatal(err)
	}
	var config *tls.Config
	if withTLS {
		config = f.certify(t)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { _ = ln.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { f.serve(conn, config) })
		}
	})
	return f
}

// certify makes a certificate that is its own authority.
func (f *front) certify(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "regproof test"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		DNSNames: []string{"registry.test", "other.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	f.ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(f.ca, text, 0o600); err != nil {
		t.Fatal(err)
	}
	f.roots = x509.NewCertPool()
	f.roots.AppendCertsFromPEM(text)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
}

// serve answers one request, and closes.
func (f *front) serve(conn net.Conn, config *tls.Config) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	sni := ""
	if config != nil {
		tc := tls.Server(conn, config)
		if tc.Handshake() != nil {
			return
		}
		conn, sni = tc, tc.ConnectionState().ServerName
	}
	br := bufio.NewReader(conn)
	var head []byte
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		line, err := br.ReadSlice('\n')
		if head = append(head, line...); err != nil || len(head) > 64<<10 {
			return
		}
	}
	if r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head))); err == nil {
		if user, password, ok := r.BasicAuth(); ok && user == f.user && password == f.password {
			r.URL.Scheme, r.URL.Host, r.RequestURI, r.Close = f.behind.Scheme, f.behind.Host, "", true
			if resp, err := http.DefaultTransport.RoundTrip(r); err == nil {
				resp.Close = true
				_ = resp.Write(conn)
				_ = resp.Body.Close()
			}
			return
		}
	}
	fmt.Fprintf(conn, "HTTP/1.1 401 Unauthorized\r\nWww-Authenticate: Basic realm=\"x\"\r\nEtag: \"raw-%d\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", f.keep(sni, head))
}

// run has the family ask at the front.
func (f *front) run(t *testing.T, host string) *evidence.Recorder {
	t.Helper()
	u := &url.URL{Scheme: "http", Host: fmt.Sprintf("%s:%d", host, f.address.Port())}
	if f.ca != "" {
		u.Scheme = "https"
	}
	recorder, err := evidence.NewRecorder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = recorder.Close() })
	origin, err := credential.ParseOrigin(u.String())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	c := &labtest.Collected{}
	_, err = probe.Run(ctx, probe.Options{
		ID: "test", Version: "test", Policy: policy.Policy{}, Probes: ingress.All(), Effects: []probe.Effect{probe.CancelledWrite},
		Targets: []probe.Target{{Name: "lab", Endpoints: []probe.Endpoint{{URL: u}}, Trust: wire.Trust{Roots: f.roots}}},
		Images:  []probe.ImageRef{{Registry: "lab", Repository: "team-a/app", Reference: "1.4"}},
		Identities: []probe.Identity{{Identity: login.Identity{Name: f.user, Secret: credential.Bound{
			Credential: credential.Credential{Username: f.user, Password: credential.NewSecret(f.password)},
			Origins:    []credential.Origin{origin}, PlainHTTP: true,
		}}}},
		MaxRequests: 20000, MaxDenied: 20000, Resolve: map[string][]netip.Addr{"registry.test": {f.address.Addr()}},
		RequestTimeout: 3 * time.Second, Recorder: recorder,
	}, c)
	if err != nil {
		t.Fatal(err)
	}
	return recorder
}
