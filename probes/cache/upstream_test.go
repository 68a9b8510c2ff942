// SPDX-License-Identifier: Apache-2.0

package cache_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/cache"
	"github.com/regproof/regproof/upstream"
)

// secret is the upstream credential of the caches here.
const secret = "throw-away-credential"

// puller is a pull-through cache of a few lines: it asks its upstream, logs in
// at the realms that it picks, and has nothing.
type puller struct {
	upstream string
	picks    func(realms []string, own string) []string
	basic    bool // it has a credential
	form     bool // and sends it in a form
	own      bool // it sends its credential to its upstream without being asked
	scopes   bool // it says what the token is for
	times    int  // how often it logs in; 0 is always
	logins   int  // so far
	users    bool // it asks its own users for a password
}

func (p *puller) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.users {
		if _, _, ok := r.BasicAuth(); !ok {
			w.Header().Set("Www-Authenticate", `Basic realm="cache"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
	}
	if strings.Contains(r.URL.Path, "/manifests/") && p.upstream != "" {
		p.pull(r)
	}
	http.Error(w, `{"errors":[{"code":"MANIFEST_UNKNOWN"}]}`, http.StatusNotFound)
}

func (p *puller) pull(in *http.Request) {
	name, _, _ := strings.Cut(strings.TrimPrefix(in.URL.Path, "/v2/"), "/manifests/")
	a := p.ask(in.Context(), "GET", p.upstream+in.URL.Path, "", p.own && p.basic)
	if a == nil {
		return
	}
	var realms []string
	for _, c := range login.ParseChallenges(a.Header.Values("Www-Authenticate")) {
		realms = append(realms, c.Params["realm"])
	}
	for _, realm := range p.picks(realms, p.upstream) {
		query := ""
		if p.scopes {
			query = url.Values{"scope": {"repository:" + name + ":pull"}}.Encode()
		}
		p.logins++
		if p.form {
			p.ask(in.Context(), "POST", realm, query+"&grant_type=password&username=reader&password="+secret, false)
			continue
		}
		p.ask(in.Context(), "GET", realm+"?"+query, "", p.basic && (p.times == 0 || p.logins <= p.times))
	}
}

func (p *puller) ask(ctx context.Context, method, target, body string, credential bool) *http.Response {
	r, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	if err != nil {
		return nil
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if credential {
		r.SetBasicAuth("reader", secret)
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil
	}
	a.Body.Close()
	return a
}

func first(realms []string, _ string) []string { return realms[:min(1, len(realms))] }
func last(realms []string, _ string) []string  { return realms[max(0, len(realms)-1):] }
func all(realms []string, _ string) []string   { return realms }
func none([]string, string) []string           { return nil }

// same takes those on the host of the upstream.
func same(realms []string, own string) (out []string) {
	for _, r := range realms {
		if strings.HasPrefix(r, own+"/") {
			out = append(out, r)
		}
	}
	return out
}

// strict takes none where any is foreign.
func strict(realms []string, own string) []string {
	if len(same(realms, own)) != len(realms) {
		return nil
	}
	return realms
}

// TestUpstreamRealm holds the probe to caches that send their credential
// anywhere, to sound ones, and to those of which nothing can be said.
func TestUpstreamRealm(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{})
	for _, c := range []struct {
		name  string
		cache puller
		want  finding.Outcome
		says  string
	}{
		{"all token services", puller{picks: all, basic: true, scopes: true}, finding.Fail, "two repositories"},
		{"the first token service", puller{picks: first, basic: true, scopes: true}, finding.Fail, "two repositories"},
		{"the last token service", puller{picks: last, basic: true, scopes: true}, finding.Fail, "two repositories"},
		{"once alone", puller{picks: first, basic: true, scopes: true, times: 1}, finding.Fail, "did not log in again"},
		{"in a form", puller{picks: first, form: true, scopes: true}, finding.Fail, "two repositories"},
		{"with users of its own", puller{picks: first, basic: true, scopes: true, users: true}, finding.Fail, "two repositories"},
		{"its own token service", puller{picks: same, basic: true, scopes: true}, finding.Pass, "logged in at the host of its upstream"},
		{"none where one is foreign", puller{picks: strict, basic: true, scopes: true}, finding.Pass, "logged in at the host of its upstream"},
		{"Basic at the upstream", puller{picks: none, basic: true, own: true}, finding.Pass, "logged in at the host of its upstream"},
		{"a stranger at the foreign one", puller{picks: all, scopes: true}, finding.Unknown, "without a credential"},
		{"no login at all", puller{picks: none}, finding.Unknown, "without a credential"},
		{"a token for nothing", puller{picks: first, basic: true}, finding.Unknown, "for no repository that was asked for"},
		{"another upstream", puller{}, finding.Unknown, "did not come"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			up := lobby(t)
			if c.cache.picks != nil {
				c.cache.upstream = up.URL()
			}
			server := httptest.NewServer(&c.cache)
			t.Cleanup(server.Close)
			got := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{cache.UpstreamRealm}, Change: behind(t, up, server.URL)})
			f := got.Findings[len(got.Findings)-1]
			if f.Outcome != c.want || !strings.Contains(f.Reason, c.says) {
				t.Errorf("%s: %s %s, want %s: %s", f.Outcome, f.Message, f.Reason, c.want, c.says)
			}
			for x, err := range got.Recorder.All() {
				if err != nil {
					t.Fatal(err)
				}
				for _, h := range x.RequestHeaders {
					if h[0] == "Authorization" && x.Identity == "the cache" && h[1] != "Basic [not kept]" && h[1] != "password as a parameter [not kept]" {
						t.Errorf("kept: %v", h)
					}
				}
				if strings.Contains(x.Target, secret) {
					t.Errorf("kept: %s", x.Target)
				}
			}
		})
	}
}

// lobby is an upstream that is open.
func lobby(t *testing.T) *upstream.Server {
	t.Helper()
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := port.Addr().String()
	port.Close()
	up := upstream.New(upstream.Options{
		Listen: netip.MustParseAddrPort(at), URL: &url.URL{Scheme: "http", Host: at},
		Foreign: &url.URL{Scheme: "http", Host: strings.Replace(at, "127.0.0.1", "localhost", 1)},
		Grace:   10 * time.Millisecond, // the caches here come before they answer
	})
	if err := up.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = up.Close() })
	return up
}

// behind adds a cache to the registry, and says where its upstream is.
func behind(t *testing.T, up *upstream.Server, caches ...string) func(*probe.Options) {
	t.Helper()
	return func(o *probe.Options) {
		o.Upstream = up
		for _, c := range caches {
			u, err := url.Parse(c)
			if err != nil {
				t.Fatal(err)
			}
			o.Targets[0].Endpoints = append(o.Targets[0].Endpoints, probe.Endpoint{URL: u, Cache: true})
			for i := range o.Identities {
				origins := &o.Identities[i].Secret.Origins
				*origins = append(*origins, mustOrigin(t, c))
			}
		}
	}
}

// TestUpstreamRealmTwoCaches: each is judged by what it did itself.
func TestUpstreamRealmTwoCaches(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{})
	up := lobby(t)
	weak := httptest.NewServer(&puller{upstream: up.URL(), picks: first, basic: true, scopes: true})
	t.Cleanup(weak.Close)
	sound := httptest.NewServer(&puller{upstream: up.URL(), picks: same, basic: true, scopes: true})
	t.Cleanup(sound.Close)
	got := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{cache.UpstreamRealm}, Change: behind(t, up, weak.URL, sound.URL)})
	want := map[string]finding.Outcome{d.URL(): finding.NotApplicable, weak.URL: finding.Fail, sound.URL: finding.Pass}
	for _, f := range got.Findings {
		if f.Outcome != want[f.Endpoint] {
			t.Errorf("%s: %s %s, want %s", f.Endpoint, f.Outcome, f.Reason, want[f.Endpoint])
		}
	}
}

// TestUpstreamRealmWithout: without check.upstream nothing is asked, and the
// key is named.
func TestUpstreamRealmWithout(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{})
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	got := labtest.Prove(t, l, d, labtest.Setting{Probes: []probe.Probe{cache.UpstreamRealm}, Change: behind(t, nil, server.URL)})
	if f := got.Findings[1]; f.Outcome != finding.NotChecked || !strings.Contains(f.Reason, "check.upstream") {
		t.Errorf("%s: %s", f.Outcome, f.Reason)
	}
}

func mustOrigin(t *testing.T, s string) credential.Origin {
	t.Helper()
	o, err := credential.ParseOrigin(s)
	if err != nil {
		t.Fatal(err)
	}
	return o
}
