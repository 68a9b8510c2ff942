// SPDX-License-Identifier: Apache-2.0

package transport_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/evidence"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/transport"
)

// apart is a registry with TLS whose token service has an origin of its own.
type apart struct {
	t                 *testing.T
	l                 *lab.Lab
	d                 *lab.Door
	registry, service *httptest.Server
}

func newApart(t *testing.T, l *lab.Lab, realmHost string, service http.HandlerFunc, secure func(of string, c *tls.Config)) *apart {
	t.Helper()
	a := &apart{t: t, l: l, d: labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"sound-tls"}})}
	start := func(of string, h http.HandlerFunc) *httptest.Server {
		s := httptest.NewUnstartedServer(h)
		s.Config.ErrorLog = nobodysLog
		s.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
		if secure != nil {
			secure(of, s.TLS)
		}
		s.StartTLS()
		t.Cleanup(s.Close)
		return s
	}
	a.service = start("service", service)
	_, port, _ := net.SplitHostPort(a.service.Listener.Addr().String())
	challenge := fmt.Sprintf(`Bearer realm="https://%s:%s/token",service="r"`, realmHost, port)
	a.registry = start("registry", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", challenge)
		w.WriteHeader(http.StatusUnauthorized)
	})
	return a
}

func (a *apart) prove(probes []probe.Probe, change ...func(*probe.Options)) *labtest.Collected {
	a.t.Helper()
	u, err := url.Parse(a.registry.URL)
	if err != nil {
		a.t.Fatal(err)
	}
	return labtest.Prove(a.t, a.l, a.d, labtest.Setting{Probes: probes, Change: func(o *probe.Options) {
		labtest.Instead(a.t, probe.Endpoint{URL: u})(o)
		o.Targets[0].Trust.Roots = x509.NewCertPool()
		o.Targets[0].Trust.Roots.AddCert(a.service.Certificate())
		quiet(a.t)(o)
		for _, c := range change {
			c(o)
		}
	}})
}

func gives(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"token":"x.y.z"}`)) }

// at are the findings at an endpoint.
func at(c *labtest.Collected, endpoint string) (out []finding.Finding) {
	for _, f := range c.Findings {
		if f.Endpoint == endpoint {
			out = append(out, f)
		}
	}
	return out
}

// hellos are the handshakes of a run, by host and by what was offered.
func hellos(t *testing.T, c *labtest.Collected) map[string]int {
	t.Helper()
	out := map[string]int{}
	for _, line := range c.Recorder.Lines() {
		var x evidence.Exchange
		if err := json.Unmarshal(line, &x); err != nil {
			t.Fatal(err)
		}
		if x.Method == evidence.ClientHello {
			out[x.Host+" "+x.Target]++
		}
	}
	return out
}

// hosts are those that some exchanges were with.
func hosts(t *testing.T, c *labtest.Collected, ids []string) (out []string) {
	t.Helper()
	for _, line := range c.Recorder.Lines() {
		var x evidence.Exchange
		if err := json.Unmarshal(line, &x); err != nil {
			t.Fatal(err)
		}
		if slices.Contains(ids, x.ID) && !slices.Contains(out, x.Host) {
			out = append(out, x.Host)
		}
	}
	return out
}

// TestTokenHost: what is wrong at the token service is told of the token service,
// once for each control, and the registry passes.
func TestTokenHost(t *testing.T) {
	l := labtest.Open(t)
	for _, w := range lab.Weaknesses() {
		if w.Twin != "token-host-sound" {
			continue
		}
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{w.Name}})
			c := labtest.Prove(t, l, d, labtest.Setting{Probes: server, Change: quiet(t)})
			told := map[string]int{}
			for _, f := range c.Findings {
				if told[f.Probe+" "+f.Endpoint]++; told[f.Probe+" "+f.Endpoint] > 1 {
					t.Errorf("%s has more than one finding at %s", f.Probe, f.Endpoint)
				}
				switch home := f.Endpoint == d.URL(); {
				case f.Probe != w.Probe:
				case home && f.Outcome != finding.Pass && f.Outcome != finding.NotApplicable:
					t.Errorf("the registry: %s: %s", f.Outcome, f.Reason)
				case !home && !slices.Equal(hosts(t, c, f.Evidence), []string{strings.TrimPrefix(f.Endpoint, "https://")}):
					t.Errorf("the evidence is of %v", hosts(t, c, f.Evidence))
				case !home && (f.Outcome != finding.Fail || !strings.Contains(f.Message, f.Endpoint) || f.Fix == "" || len(f.ControlEvidence) == 0 || f.Expected == "deny"):
					t.Errorf("the token service: %s, expected %s: %s", f.Outcome, f.Expected, f.Message)
				}
			}
			if told[w.Probe+" "+d.URL()] != 1 || len(at(c, d.URL())) != len(server) || len(told) == len(server) {
				t.Errorf("findings: %v", told)
			}
			if w.Probe == "transport/protocol-version" {
				i := slices.IndexFunc(c.Findings, func(f finding.Finding) bool { return f.Outcome == finding.Fail })
				if f := c.Findings[i]; len(f.Deviations) != 1 || !strings.Contains(f.Message, "TLS 1.0 is accepted") {
					t.Errorf("%s, and %v", f.Message, f.Deviations)
				}
			}
		})
	}
}

// TestTokenHostAtHome: a token service at the origin of a way in is asked nothing
// that this way in is not asked, and one that several name is asked once.
func TestTokenHostAtHome(t *testing.T) {
	l := labtest.Open(t)
	once := func(t *testing.T, c *labtest.Collected) {
		t.Helper()
		for hello, n := range hellos(t, c) {
			if n > 1 {
				t.Errorf("%d times %s", n, hello)
			}
		}
		if got := c.Of(finding.Fail); len(got) > 0 {
			t.Errorf("fail: %v", got)
		}
	}
	t.Run("the same origin", func(t *testing.T) {
		d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"sound-token-tls"}})
		c := labtest.Prove(t, l, d, labtest.Setting{Probes: server, Change: quiet(t)})
		once(t, c)
		if got := at(c, d.URL()); len(got) != len(c.Findings) || strings.Contains(dump(t, c), "at the token service") {
			t.Errorf("%d of %d findings are of the registry", len(got), len(c.Findings))
		}
	})
	t.Run("an endpoint of its own", func(t *testing.T) {
		a := newApart(t, l, "127.0.0.1", gives, nil)
		c := a.prove([]probe.Probe{transport.ProtocolVersion, transport.Certificate}, func(o *probe.Options) {
			labtest.Instead(t, o.Targets[0].Endpoints[0], probe.Endpoint{URL: parsed(t, a.service.URL)})(o)
		})
		once(t, c)
		if got := at(c, a.service.URL); len(got) != 2 || got[0].Outcome != finding.Pass || got[1].Outcome != finding.Pass {
			t.Errorf("the token service: %+v", got)
		}
	})
	t.Run("of two endpoints", func(t *testing.T) {
		a := newApart(t, l, "127.0.0.1", gives, func(of string, c *tls.Config) {
			if of == "service" {
				c.MinVersion = tls.VersionTLS11
			}
		})
		c := a.prove([]probe.Probe{transport.ProtocolVersion}, func(o *probe.Options) {
			second := *o.Targets[0].Endpoints[0].URL
			second.Host = strings.Replace(second.Host, "127.0.0.1", "example.com", 1) // for which the certificate is, too
			labtest.Instead(t, o.Targets[0].Endpoints[0], probe.Endpoint{URL: &second})(o)
			o.Resolve["example.com"] = []netip.Addr{labtest.AddressOf(t, parsed(t, a.registry.URL))}
			named(t, a.service.URL)(o)
		})
		if got := at(c, a.service.URL); len(got) != 1 || got[0].Outcome != finding.Fail || len(c.Findings) != 3 || len(c.Of(finding.Unknown)) > 0 {
			t.Errorf("%d findings, the token service: %+v", len(c.Findings), got)
		}
	})
}

// named says that a token service belongs to the registry.
func named(t *testing.T, origin string) func(*probe.Options) {
	t.Helper()
	o, err := credential.ParseOrigin(origin)
	if err != nil {
		t.Fatal(err)
	}
	return func(opts *probe.Options) { opts.Targets[0].Realms = append(opts.Targets[0].Realms, o) }
}

// TestTokenHostOfOthers: a token service that is not known to be the registry's
// gets no handshake but those of a login.
func TestTokenHostOfOthers(t *testing.T) {
	l := labtest.Open(t)
	var odd atomic.Int64
	a := newApart(t, l, "localhost", gives, func(of string, c *tls.Config) {
		if of == "service" {
			c.MinVersion = tls.VersionTLS10
			c.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
				if !slices.Equal(h.SupportedVersions, []uint16{tls.VersionTLS13, tls.VersionTLS12}) {
					odd.Add(1)
				}
				return nil, nil
			}
		}
	})
	resolved := func(o *probe.Options) {
		o.Resolve["localhost"] = append(o.Resolve["localhost"], labtest.AddressOf(t, parsed(t, a.registry.URL)))
	}
	c := a.prove(server, resolved)
	if n := odd.Load(); n > 0 || len(c.Findings) != len(server) {
		t.Errorf("%d handshakes that are not those of a client, %d findings", n, len(c.Findings))
	}
	if f, _ := c.Probe("transport/protocol-version"); f.Outcome != finding.Pass || !strings.Contains(f.Reason, "; no token service was asked: ") {
		t.Errorf("%s: %s", f.Outcome, f.Reason)
	}
	service := strings.Replace(a.service.URL, "127.0.0.1", "localhost", 1)
	c = a.prove(server, resolved, named(t, service))
	var fails []string
	for _, f := range at(c, service) {
		if f.Outcome == finding.Fail {
			fails = append(fails, f.Probe)
		}
	}
	for _, id := range []string{"transport/protocol-version", "transport/certificate"} {
		if !slices.Contains(fails, id) || odd.Load() == 0 {
			t.Errorf("named: %s does not fail, %v do", id, fails)
		}
	}
	i := slices.IndexFunc(c.Findings, func(f finding.Finding) bool { return f.Endpoint == service && f.Probe == "transport/certificate" })
	if i < 0 || !strings.Contains(c.Findings[i].Message, "it is not for localhost but for") {
		t.Errorf("the certificate of the token service: %+v", c.Findings)
	}
}

// TestTokenHostBeside: both hosts are asked at the same time. Each lets a client
// that offers TLS 1.2 alone wait until the other one has such a client.
func TestTokenHostBeside(t *testing.T) {
	l := labtest.Open(t)
	here := map[string]chan struct{}{"registry": make(chan struct{}), "service": make(chan struct{})}
	other := map[string]string{"registry": "service", "service": "registry"}
	var once sync.Map
	a := newApart(t, l, "127.0.0.1", gives, func(of string, c *tls.Config) {
		c.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			if !slices.Equal(h.SupportedVersions, []uint16{tls.VersionTLS12}) {
				return nil, nil
			}
			if _, had := once.LoadOrStore(of, true); !had {
				close(here[of])
			}
			select {
			case <-here[other[of]]:
			case <-h.Context().Done():
			}
			return nil, nil
		}
	})
	c := a.prove([]probe.Probe{transport.ProtocolVersion})
	if f, _ := c.Probe("transport/protocol-version"); f.Outcome != finding.Pass || !strings.Contains(f.Reason, "at the token service "+a.service.URL+": TLS 1.2 and TLS 1.3 offered") || len(c.Findings) != 1 {
		t.Errorf("%s: %s", f.Outcome, f.Reason)
	}
}

// TestTokenHostSilent: a token service that accepts and says nothing is unknown,
// and keeps nobody from what the registry shows.
func TestTokenHostSilent(t *testing.T) {
	l := labtest.Open(t)
	a := newApart(t, l, "127.0.0.1", gives, nil)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() }) // nobody accepts: the handshake gets no answer
	origin := "https://" + silent.Addr().String()
	a.registry.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+origin+`/token"`)
		w.WriteHeader(http.StatusUnauthorized)
	})
	c := a.prove([]probe.Probe{transport.ProtocolVersion}, func(o *probe.Options) { o.RequestTimeout = 300 * time.Millisecond })
	if got := at(c, origin); len(got) != 1 || got[0].Outcome != finding.Unknown || !strings.Contains(got[0].Reason, "no handshake with") {
		t.Errorf("the token service: %+v", got)
	}
	if got := at(c, a.registry.URL); len(got) != 1 || got[0].Outcome != finding.Pass {
		t.Errorf("the registry: %+v", got)
	}
}

// TestTokenHostAddresses: every address of a token service is looked at.
func TestTokenHostAddresses(t *testing.T) {
	l := labtest.Open(t)
	a := newApart(t, l, "example.com", gives, nil)
	service := strings.Replace(a.service.URL, "127.0.0.1", "example.com", 1)
	c := a.prove([]probe.Probe{transport.ProtocolVersion}, named(t, service), func(o *probe.Options) {
		o.Resolve["example.com"] = []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2")}
	})
	// Nothing listens at the second one.
	if got := at(c, service); len(got) != 1 || got[0].Outcome != finding.Unknown || got[0].Address != "127.0.0.2" {
		t.Errorf("the token service: %+v", got)
	}
}

// TestTokenPortBeside: what a plain port beside a token service answers.
func TestTokenPortBeside(t *testing.T) {
	l := labtest.Open(t)
	answers := func(status int, body string, fields ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			for _, f := range fields {
				name, value, _ := strings.Cut(f, ": ")
				w.Header().Set(name, value)
			}
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	const basic, other = `WWW-Authenticate: Basic realm="tokens"`, `WWW-Authenticate: Basic realm="router"`
	var n atomic.Int64
	for _, row := range []struct {
		name              string
		over, plain       http.HandlerFunc
		served, challenge finding.Outcome // "" is no finding of the token service's
	}{
		{"tokens", gives, gives, finding.Fail, ""},
		{"tokens, and a login over https", answers(401, "", basic), gives, finding.Fail, ""},
		{"the same login", answers(401, "{}", basic), answers(401, "", basic), finding.Fail, finding.Fail},
		{"another login", answers(401, "{}", basic), answers(401, "{}", other), finding.Unknown, finding.Fail},
		{"a refusal without a challenge", answers(401, `{"details":"no"}`), answers(401, `{"details":"no"}`), finding.Fail, ""},
		{"another refusal without a challenge", answers(401, `{"id":1}`), answers(401, `{"id":2}`), finding.Unknown, ""},
		{"a redirect to https", gives, answers(301, "", "Location: https://127.0.0.1/token"), "", ""},
		{"not there", answers(404, "no"), answers(404, "no"), "", ""},
		{"wants TLS", answers(400, "no scope"), answers(400, "The plain HTTP request was sent to HTTPS port"), "", ""},
		{"another method alone", answers(405, "POST"), answers(405, "POST"), finding.Unknown, ""},
		{"a website", gives, answers(200, "<html>"), "", ""},
		{"a website with JSON", gives, answers(200, `{"token":""}`), "", ""},
		{"an error", gives, answers(502, ""), finding.Unknown, finding.Unknown},
		{"once alone", gives, func(w http.ResponseWriter, r *http.Request) {
			if n.Add(1) > 1 {
				w.WriteHeader(404)
				return
			}
			gives(w, r)
		}, finding.Unknown, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/token" {
					http.NotFound(w, r)
					return
				}
				if r.Header.Get("Authorization") != "" || r.URL.Query().Get("scope") != "" {
					t.Errorf("asked for with %q, %q", r.Header.Get("Authorization"), r.URL.RawQuery)
				}
				row.plain(w, r)
			}))
			t.Cleanup(s.Close)
			a := newApart(t, l, "127.0.0.1", row.over, nil)
			c := a.prove([]probe.Probe{transport.PlainHTTP, transport.PlainChallenge}, func(o *probe.Options) {
				o.PlainPort = uint16(s.Listener.Addr().(*net.TCPAddr).Port)
			})
			got := map[string]finding.Finding{}
			for _, f := range at(c, a.service.URL) {
				got[f.Probe] = f
			}
			for id, want := range map[string]finding.Outcome{"transport/plain-http": row.served, "transport/plain-challenge": row.challenge} {
				if f := got[id]; f.Outcome != want && (row.name != "once alone" || id == "transport/plain-http") {
					t.Errorf("%s is %q, want %q: %s %s", id, f.Outcome, want, f.Reason, f.Message)
				}
			}
			for _, f := range at(c, a.registry.URL) {
				if f.Outcome != finding.Pass {
					t.Errorf("the registry: %s is %s: %s", f.Probe, f.Outcome, f.Reason)
				}
			}
		})
	}
}
