// SPDX-License-Identifier: Apache-2.0

package exposure_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// logins keeps every credential that a world was shown.
type logins struct {
	mu   sync.Mutex
	seen []string
}

func (l *logins) watch(next hook) hook {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if u, p, ok := r.BasicAuth(); ok && p != password {
			l.mu.Lock()
			l.seen = append(l.seen, u+":"+p)
			l.mu.Unlock()
		}
		return next(w, r)
	}
}

// basic is a registry that shows its product at /v2/ and lets these in.
func basic(realm string, admit func(name, password string) bool) hook {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/v2/" || entitled(r) {
			return false
		}
		if u, p, ok := r.BasicAuth(); ok && admit(u, p) {
			fmt.Fprint(w, "{}")
			return true
		}
		return pinged("Www-Authenticate", realm)(w, r)
	}
}

// harbor asks for a token of its own service.
func harbor(admit func(name, password string) bool, refusal int) hook {
	return func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case r.URL.Path == "/service/token":
			u, p, ok := r.BasicAuth()
			if ok && !admit(u, p) && p != password {
				if refusal == 200 {
					fmt.Fprint(w, `{"token":"for-nobody"}`)
					return true
				}
				refuse(w, refusal, "UNAUTHORIZED")
				return true
			}
			fmt.Fprint(w, `{"token":"letmein-letmein"}`)
			return true
		case r.URL.Path == "/v2/" && r.Header.Get("Authorization") == "Bearer letmein-letmein":
			fmt.Fprint(w, "{}")
			return true
		case r.URL.Path == "/v2/" && !entitled(r):
			return pinged("Www-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/service/token",service="harbor-registry"`, r.Host))(w, r)
		}
		return false
	}
}

func is(name, word string) func(string, string) bool {
	return func(n, p string) bool { return n == name && p == word }
}

func TestDefaultCredentials(t *testing.T) {
	nobody := func(string, string) bool { return false }
	anybody := func(string, string) bool { return true }
	const (
		nexus       = `BASIC realm="Sonatype Nexus Repository Manager"`
		artifactory = `Basic realm="Artifactory Realm"`
	)
	for _, tc := range []struct {
		name  string
		hook  hook
		want  finding.Outcome
		holds string
		tries string // what was tried, the made-up user aside
	}{
		{"Nexus with its default", basic(nexus, is("admin", "admin123")), finding.Fail, "nexus ships", "admin:admin123"},
		{"Nexus with another", basic(nexus, nobody), finding.Pass, "refused", "admin:admin123"},
		{"Nexus open to anybody", basic(nexus, anybody), finding.Unknown, "not tried", ""},
		{"Artifactory with its default", basic(artifactory, is("admin", "password")), finding.Fail, "artifactory ships", "admin:password"},
		{"Harbor with its default", harbor(is("admin", "Harbor12345"), 401), finding.Fail, "harbor ships", "admin:Harbor12345"},
		{"Harbor with another", harbor(nobody, 401), finding.Pass, "refused", "admin:Harbor12345"},
		{"Harbor that gives useless tokens", harbor(nobody, 200), finding.Pass, "refused", "admin:Harbor12345"},
		{"Harbor that gives tokens to anybody", harbor(anybody, 401), finding.Unknown, "not tried", ""},
		{"Harbor whose token service is broken", harbor(nobody, 500), finding.Unknown, "", ""},
		{"a realm on another host", pinged("Www-Authenticate", `Bearer realm="http://127.0.0.9:1/token",service="harbor-registry"`), finding.Unknown, "", ""},
		{"no product that shows", nil, finding.NotApplicable, "no product shows", ""},
		{"a product without a default", pinged("Www-Authenticate", `Bearer realm="http://x.test/v2/token",service="container_registry"`), finding.NotApplicable, "no default password of gitea", ""},
		{"a registry without a login", first(says("/v2/", 200, js, "{}", "Server", "Nexus/3.70.0-03 (OSS)")), finding.Unknown, "lets strangers in", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			l := &logins{}
			h := tc.hook
			if h == nil {
				h = func(http.ResponseWriter, *http.Request) bool { return false }
			}
			c := prove(t, newWorld(t, l.watch(h)), func(o *probe.Options) {
				o.Effects = []probe.Effect{probe.DefaultCredentials}
				o.Images = nil
			}, "default-credentials")
			f := c.probe(t, "default-credentials")
			if f.Outcome != tc.want || !strings.Contains(f.Reason+f.Message, tc.holds) {
				t.Errorf("%s, want %s: %s; %s", f.Outcome, tc.want, f.Reason, f.Message)
			}
			if f.Outcome == finding.Fail && f.Severity != finding.Critical {
				t.Errorf("severity %s", f.Severity)
			}
			var tried []string
			for _, s := range l.seen {
				if !strings.HasPrefix(s, "regproof-test:") {
					tried = append(tried, s)
				}
			}
			if got := strings.Join(tried, " "); got != tc.tries {
				t.Errorf("tried %q, want %q", got, tc.tries)
			}
			for _, secret := range []string{"Harbor12345", "admin123", "letmein"} {
				if strings.Contains(c.dump(t), secret) {
					t.Errorf("%q is in what the run leaves behind", secret)
				}
			}
		})
	}
}

// TestDefaultCredentialsOff: without the effect nothing is tried.
func TestDefaultCredentialsOff(t *testing.T) {
	l := &logins{}
	c := prove(t, newWorld(t, l.watch(basic(`BASIC realm="Sonatype Nexus Repository Manager"`, is("admin", "admin123")))), nil)
	if f := c.probe(t, "default-credentials"); f.Outcome != finding.NotChecked {
		t.Errorf("%s: %s", f.Outcome, f.Reason)
	}
	if len(l.seen) > 0 {
		t.Errorf("tried %q", l.seen)
	}
}

// catalog answers the entitled, and strangers with this body.
func catalog(denied string, header string, answer func(http.ResponseWriter, *http.Request)) hook {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/v2/_catalog" {
			return false
		}
		if header != "" {
			w.Header().Set("Docker-Distribution-Api-Version", header)
		}
		if !entitled(r) {
			w.Header().Set("WWW-Authenticate", `Basic realm="r"`)
			w.WriteHeader(401)
			fmt.Fprint(w, denied)
			return true
		}
		answer(w, r)
		return true
	}
}

func TestCatalogSize(t *testing.T) {
	const (
		own   = `{"errors":[{"code":"UNAUTHORIZED","message":"m","detail":[{"Type":"registry","Class":"","Name":"catalog","Action":"*"}]}]}`
		other = `{"errors":[{"code":"UNAUTHORIZED","message":"m"}]}`
	)
	status := func(code int, body string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, r *http.Request) {
			if n := r.URL.Query().Get("n"); n != "" && n != "100000" && n != "100" {
				t.Errorf("n=%s was asked for", n)
			}
			w.Header().Set("Content-Type", js)
			w.WriteHeader(code)
			fmt.Fprint(w, body)
		}
	}
	list := status(200, `{"repositories":["team-a/app"]}`)
	absent := func(w http.ResponseWriter, r *http.Request) bool {
		if !entitled(r) || !strings.HasSuffix(r.URL.Path, "/manifests/none") {
			return false
		}
		w.WriteHeader(404)
		fmt.Fprint(w, `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":{"Tag":"none"}}]}`)
		return true
	}
	for _, tc := range []struct {
		name    string
		hook    hook
		noLogin bool
		want    finding.Outcome
		holds   string
	}{
		{"patched", catalog(own, "registry/2.0", status(400, `{"errors":[{"code":"PAGINATION_NUMBER_INVALID","message":"m"}]}`)), false, finding.Pass, "PAGINATION_NUMBER_INVALID"},
		{"distribution before 2.8.2", catalog(own, "registry/2.0", list), false, finding.Fail, "CVE-2023-2253"},
		{"distribution behind a front", first(absent, catalog(other, "registry/2.0", list)), false, finding.Fail, "CVE-2023-2253"},
		{"the header alone", catalog(other, "registry/2.0", list), false, finding.Unknown, "whether this is distribution"},
		{"no header", catalog(own, "", list), false, finding.Unknown, "whether this is distribution"},
		{"another product", first(pinged("Server", "Nexus/3.70.0-03 (OSS)"), catalog(own, "registry/2.0", list)), false, finding.Unknown, "nexus"},
		{"no catalog", catalog(own, "registry/2.0", status(404, "")), false, finding.NotApplicable, "no catalog"},
		{"denied", catalog(own, "registry/2.0", status(401, other)), false, finding.Unknown, "denied to the entitled"},
		{"another 400", catalog(own, "registry/2.0", status(400, other)), false, finding.Unknown, "400"},
		{"no list", catalog(own, "registry/2.0", status(200, "{}")), false, finding.Unknown, "no catalog"},
		{"broken", catalog(own, "registry/2.0", status(500, "")), false, finding.Unknown, "500"},
		{"no credential", catalog(own, "registry/2.0", list), true, finding.Unknown, "no credential"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := prove(t, newWorld(t, tc.hook), func(o *probe.Options) {
				if tc.noLogin {
					o.Identities = nil
				}
			}, "catalog-size")
			f := c.probe(t, "catalog-size")
			if f.Outcome != tc.want || !strings.Contains(f.Reason+f.Message, tc.holds) {
				t.Errorf("%s, want %s: %s; %s", f.Outcome, tc.want, f.Reason, f.Message)
			}
			if f.Outcome == finding.Fail && f.Severity != finding.Low {
				t.Errorf("severity %s", f.Severity)
			}
		})
	}
}

func TestKnownVulnerability(t *testing.T) {
	gitea := func(version string) hook {
		return first(pinged("Www-Authenticate", `Bearer realm="https://r.test/v2/token",service="container_registry",scope="*"`), says("/api/v1/version", 200, js, `{"version":"`+version+`"}`))
	}
	harborAt := func(version string) hook {
		return says("/api/v2.0/systeminfo", 200, js, info("false", version))
	}
	for _, tc := range []struct {
		name     string
		hook     hook
		want     finding.Outcome
		severity finding.Severity
		holds    string
	}{
		{"Nexus in a range", pinged("Server", "Nexus/3.68.0-04 (OSS)"), finding.Fail, finding.High, "CVE-2024-4956 (fixed in 3.68.1)"},
		{"Nexus after it", pinged("Server", "Nexus/3.68.1-02 (OSS)"), finding.Pass, "", "no advisory of the table has nexus 3.68.1-02"},
		{"Harbor in ranges", harborAt("v2.9.1-5f0e1bd8"), finding.Fail, finding.Medium, "CVE-2024-22278 (fixed in 2.9.5)"},
		{"Harbor of the newest", harborAt("v2.14.3-5f0e1bd8"), finding.Pass, "", "no advisory"},
		{"Harbor before the fix", harborAt("v2.9.5-rc1-5f0e1bd8"), finding.Unknown, "", "whether this build has the fix"},
		{"Harbor of no version", harborAt("2.x"), finding.Unknown, "", "no version that could be compared"},
		{"Gitea that lets strangers pull", gitea("1.26.1"), finding.Fail, finding.High, "CVE-2026-27771"},
		{"Gitea of the newest", gitea("1.27.0"), finding.Pass, "", ""},
		{"Gitea between releases", gitea("1.26.1+12-gabcdef1"), finding.Unknown, "", "whether this build has the fix"},
		{"Gitea after the newest", gitea("1.27.0+3-gabcdef1"), finding.Unknown, "", "between two releases"},
		{"what only looks like Gitea", says("/api/v1/version", 200, js, `{"version":"1.26.1"}`), finding.Unknown, "", "only the version looks like that of gitea"},
		{"Gitea of a Linux distribution", gitea("1.26.1~deb12u1"), finding.Unknown, "", "may have patched"},
		{"Forgejo", says("/api/v1/version", 200, js, `{"version":"7.0.3+gitea-1.22.0"}`), finding.Unknown, "", "no advisory of this product"},
		{"zot in a range", says("/metrics", 200, plain, metrics+`zot_info{commit="a",version="v2.1.1"} 0`), finding.Fail, finding.High, "CVE-2025-23208"},
		{"Artifactory in a range", pinged("X-Jfrog-Version", "Artifactory/7.77.5 77705900"), finding.Fail, finding.Medium, "7.77.14"},
		{"Artifactory of a patched branch", pinged("X-Jfrog-Version", "Artifactory/7.77.14 77714900"), finding.Pass, "", ""},
		{"a front in no range", pinged("Server", "nginx/1.22.1"), finding.NotApplicable, "", "tells no version"},
		{"a source that is broken", under("/api/", 502, plain, ""), finding.Unknown, "", "502"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := prove(t, newWorld(t, tc.hook), nil, "known-vulnerability").probe(t, "known-vulnerability")
			if f.Outcome != tc.want || (tc.severity != "" && f.Severity != tc.severity) || !strings.Contains(f.Reason+f.Message, tc.holds) {
				t.Errorf("%s %s, want %s %s: %s; %s", f.Severity, f.Outcome, tc.severity, tc.want, f.Reason, f.Message)
			}
		})
	}
}

// TestPlan: a plan sends nothing, and holds what a run of a sound registry asks.
func TestPlan(t *testing.T) {
	var mu sync.Mutex
	asked := 0
	w := newWorld(t, func(http.ResponseWriter, *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		asked++
		return false
	})
	var opts probe.Options
	prove(t, w, func(o *probe.Options) { opts = *o })
	sent := asked
	rows, err := probe.Plan(context.Background(), opts, probe.Shape{Layers: 1})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, r := range rows {
		n += r.Requests
	}
	if asked != sent {
		t.Errorf("the plan sent %d requests", asked-sent)
	}
	if n != sent {
		t.Errorf("planned %d, sent %d", n, sent)
	}
}
