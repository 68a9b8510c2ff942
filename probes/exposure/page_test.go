// SPDX-License-Identifier: Apache-2.0

package exposure_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probes/exposure"
)

const (
	html  = "text/html; charset=utf-8"
	js    = "application/json"
	plain = "text/plain; charset=utf-8"

	expvar   = `{"cmdline":["/usr/bin/registry","serve","--secret=hunter2hunter2"],"memstats":{"Alloc":1234,"NumGC":7}}`
	pprof    = `<html><head><title>/debug/pprof/</title></head><body><a href='goroutine?debug=2'>full goroutine stack dump</a></body></html>`
	cmdline  = "/usr/bin/registry\x00serve\x00--secret=hunter2hunter2"
	metrics  = "# HELP go_goroutines Number of goroutines.\n# TYPE go_goroutines gauge\ngo_goroutines 12\n"
	zotPage  = "# HELP zot_repo_downloads_total d\n# TYPE zot_repo_downloads_total counter\nzot_repo_downloads_total{repo=\"team-x/hidden\"} 4\nzot_repo_downloads_total{repo=\"team-x/other\"} 1\n"
	pathPage = "# TYPE http_requests_total counter\nhttp_requests_total{path=\"/v2/team-a/app/manifests/1.4\"} 4\n"

	systemInfo = `{"auth_mode":"db_auth","self_registration":%s,"harbor_version":"%s"}`
	spa        = `<!doctype html><html><body><div id="app"></div></body></html>`
	giteaForm  = `<html><meta name="author" content="Gitea"><form class="ui form" action="/user/sign_up" method="post"><input id="user_name" name="user_name" value=""><input name="email" type="email"><input name="password" type="password"><input name="retype" type="password"></form></html>`
	gitlabForm = `<html><meta content="GitLab" property="og:site_name"><form id="new_new_user" action="/users" method="post"><input type="text" name="new_user[username]"><input name="new_user[email]"><input type="password" name="new_user[password]"></form></html>`
)

func info(registration, version string) string {
	return strings.Replace(strings.Replace(systemInfo, "%s", registration, 1), "%s", version, 1)
}

// TestPages holds each probe to its weak answers and to what looks like them
// and is sound, or proves nothing.
func TestPages(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 100_000)
	for _, tc := range []struct {
		name, probe string
		hook        hook
		want        finding.Outcome
		severity    finding.Severity // of a failure
		holds       string           // in reason or message
	}{
		{"v1 ping", "v1-api", says("/v1/_ping", 200, js, "true"), finding.Fail, finding.Low, "first registry API"},
		{"v1 search", "v1-api", says("/v1/search", 200, js, `{"num_results":0,"query":"","results":[]}`), finding.Fail, finding.Low, "/v1/search"},
		{"v1 as a page of a web interface", "v1-api", under("/v1/", 200, html, spa), finding.Pass, "", "something else"},
		{"v1 as JSON for everything", "v1-api", under("/v1/", 200, js, `{"ok":true}`), finding.Pass, "", "made-up path"},
		{"v1 as JSON without a type for everything", "v1-api", under("/", 200, "", `true`), finding.Pass, "", "made-up path"},
		{"v1 as text", "v1-api", says("/v1/_ping", 200, plain, "gone"), finding.Pass, "", "something else"},
		{"v1 throttled", "v1-api", says("/v1/users", 429, plain, ""), finding.Unknown, "", "429"},
		{"v1 broken", "v1-api", says("/v1/users", 502, plain, ""), finding.Unknown, "", "502"},
		{"v1 nested beyond reason", "v1-api", says("/v1/users", 200, js, deep), finding.Pass, "", ""},
		{"v1, and its sibling is throttled", "v1-api", first(says("/v1/_ping", 200, js, "true"), says("/v1/users", 404, plain, ""), says("/v1/search", 404, plain, ""), under("/v1/", 429, plain, "")), finding.Unknown, "", "made-up"},

		{"expvar", "debug", says("/debug/vars", 200, js, expvar), finding.Fail, finding.High, "bytes, sha256"},
		{"expvar as something else", "debug", says("/debug/vars", 200, js, `{"cmdline":"none","memstats":"no"}`), finding.Pass, "", ""},
		{"expvar, cut off", "debug", says("/debug/vars", 200, js, `{"cmdline":["a"],"memstats":{"Alloc":1,"x":"`+strings.Repeat("a", 2<<20)), finding.Unknown, "", "more than"},
		{"expvar, packed", "debug", says("/debug/vars", 200, js, "\x1f\x8b", "Content-Encoding", "gzip"), finding.Unknown, "", "packed"},
		{"pprof", "debug", says("/debug/pprof/", 200, html, pprof), finding.Fail, finding.High, "profiler"},
		{"pprof as a page of a web interface", "debug", under("/debug/", 200, html, spa), finding.Pass, "", ""},
		{"pprof moved by a slash", "debug", first(says("/debug/pprof", 200, html, pprof), says("/debug/pprof/", 301, html, "", "Location", "/debug/pprof")), finding.Fail, finding.High, "profiler"},
		{"pprof moved to a login", "debug", under("/debug/", 302, html, ""), finding.Pass, "", "302"},
		{"pprof moved elsewhere", "debug", says("/debug/pprof/", 301, html, "", "Location", "https://elsewhere.test/debug/pprof"), finding.Pass, "", ""},
		{"command line", "debug", says("/debug/pprof/cmdline", 200, plain, cmdline), finding.Fail, finding.High, "sha256"},
		{"command line that everything gets", "debug", under("/debug/pprof/", 200, plain, cmdline), finding.Pass, "", ""},
		{"command line that is a sentence", "debug", says("/debug/pprof/cmdline", 200, plain, "not found here"), finding.Pass, "", ""},
		{"health", "debug", says("/debug/health", 200, js, "{}"), finding.Fail, finding.Low, "health"},
		{"health that everything gets", "debug", under("/debug/", 200, js, "{}"), finding.Pass, "", ""},
		{"health that is no check", "debug", says("/debug/health", 200, js, `{"error":{"code":1}}`), finding.Pass, "", ""},

		{"metrics", "metrics", says("/metrics", 200, plain, metrics), finding.Fail, finding.Low, "1 metric"},
		{"metrics with repositories", "metrics", says("/metrics", 200, plain, zotPage), finding.Fail, finding.Medium, `the label "repo" names 2 repositories`},
		{"metrics with the repository in a path", "metrics", says("/metrics", 200, plain, pathPage), finding.Fail, finding.Medium, `the label "path" names 1 repository`},
		{"metrics of any size", "metrics", says("/metrics", 200, plain, metrics+strings.Repeat("go_goroutines 12\n", 200_000)), finding.Fail, finding.Low, ""},
		{"metrics in a page about metrics", "metrics", says("/metrics", 200, html, "<pre>"+metrics+"</pre>"), finding.Pass, "", ""},
		{"metrics that are only comments", "metrics", says("/metrics", 200, plain, "# TYPE a gauge\n# HELP a b\n"), finding.Pass, "", ""},
		{"metrics as JSON", "metrics", says("/metrics", 200, js, `{"a":1}`), finding.Pass, "", ""},
		{"metrics denied", "metrics", says("/metrics", 403, plain, ""), finding.Pass, "", "403"},
		{"metrics behind a bot filter", "metrics", says("/metrics", 403, html, `<script src="/cdn-cgi/challenge-platform/x"></script>`), finding.Unknown, "", "bot filter"},
		{"metrics with labels without end", "metrics", says("/metrics", 200, plain, metrics+`a{repo="`+strings.Repeat(`\`, 5000)+"\n"+`b{`+strings.Repeat(`x="y",`, 500)+"\n"), finding.Fail, finding.Low, ""},

		{"Harbor's sign-up", "self-registration", says("/api/v2.0/systeminfo", 200, js, info("true", "v2.9.1-5f0e1bd8")), finding.Fail, finding.High, "Harbor"},
		{"Harbor without sign-up", "self-registration", says("/api/v2.0/systeminfo", 200, js, info("false", "v2.9.1-5f0e1bd8")), finding.Pass, "", ""},
		{"Harbor with accounts elsewhere", "self-registration", says("/api/v2.0/systeminfo", 200, js, strings.Replace(info("true", "v2"), "db_auth", "oidc_auth", 1)), finding.Pass, "", ""},
		{"Harbor's words for everything", "self-registration", under("/api/", 200, js, info("true", "v2.9.1-5f0e1bd8")), finding.Pass, "", "made-up path"},
		{"words that are not Harbor's", "self-registration", says("/api/v2.0/systeminfo", 200, js, `{"self_registration":true}`), finding.Pass, "", ""},
		{"words in another form", "self-registration", says("/api/v2.0/systeminfo", 200, js, `{"self_registration":"true","auth_mode":["db_auth"]}`), finding.Pass, "", ""},
		{"GitLab's form", "self-registration", says("/users/sign_up", 200, html, gitlabForm), finding.Fail, finding.High, "GitLab"},
		{"GitLab's form for everything", "self-registration", under("/", 200, html, gitlabForm), finding.Pass, "", ""},
		{"GitLab's login", "self-registration", says("/users/sign_up", 302, html, "", "Location", "/users/sign_in"), finding.Pass, "", ""},
		{"GitLab's form with escapes", "self-registration", says("/users/sign_up", 200, html, strings.ReplaceAll(gitlabForm, `"`, "&quot;")), finding.Pass, "", ""},
		{"Gitea's form", "self-registration", says("/user/sign_up", 200, html, giteaForm), finding.Fail, finding.High, "Gitea"},
		{"Gitea, registration disabled", "self-registration", says("/user/sign_up", 200, html, `<html>Gitea <form action="/user/sign_up"><p>Registration is disabled.</p></form>`), finding.Pass, "", ""},
		{"the form of another product", "self-registration", says("/user/sign_up", 200, html, strings.ReplaceAll(giteaForm, "Gitea", "Acme")), finding.Pass, "", ""},

		{"Harbor's version", "version", says("/api/v2.0/systeminfo", 200, js, info("false", "v2.9.1-5f0e1bd8")), finding.Fail, finding.Low, "harbor v2.9.1-5f0e1bd8"},
		{"Harbor's version kept", "version", says("/api/v2.0/systeminfo", 200, js, info("false", "")), finding.Pass, "", ""},
		{"Harbor's version with escapes", "version", says("/api/v2.0/systeminfo", 200, js, info("false", `v2\u001b[31m<b>`)), finding.Pass, "", ""},
		{"Nexus' version", "version", pinged("Server", "Nexus/3.67.1-01 (OSS)"), finding.Fail, finding.Low, "nexus 3.67.1-01"},
		{"Artifactory's version", "version", pinged("X-Jfrog-Version", "Artifactory/7.77.5 77705900"), finding.Fail, finding.Low, "artifactory 7.77.5"},
		{"zot's version", "version", says("/metrics", 200, plain, metrics+`zot_info{commit="v2.1.1-0-gabc",binaryType="-search",goVersion="go1.22",version="v2.1.1"} 0`), finding.Fail, finding.Low, "zot v2.1.1"},
		{"zot's configuration without its version", "version", says("/v2/_zot/ext/mgmt", 200, js, `{"distSpecVersion":"1.1.0","binaryType":"-search","http":{}}`), finding.Pass, "", ""},
		{"Gitea's version", "version", first(pinged("Www-Authenticate", `Bearer realm="https://r.test/v2/token",service="container_registry",scope="*"`), says("/api/v1/version", 200, js, `{"version":"1.26.1"}`)), finding.Fail, finding.Low, "gitea 1.26.1"},
		{"a version like Gitea's", "version", says("/api/v1/version", 200, js, `{"version":"1.26.1"}`), finding.Fail, finding.Low, "in the way of gitea"},
		{"Forgejo's version", "version", says("/api/v1/version", 200, js, `{"version":"7.0.3+gitea-1.22.0"}`), finding.Fail, finding.Low, "forgejo"},
		{"a version for everything", "version", under("/api/", 200, js, `{"version":"1.26.1"}`), finding.Pass, "", ""},
		{"GitLab's version", "version", says("/api/v4/version", 200, js, `{"version":"17.1.0","revision":"abc"}`), finding.Fail, finding.Low, "gitlab"},
		{"the version of a front", "version", pinged("Server", "nginx/1.22.1"), finding.Pass, "", "nginx/1.22.1"},
		{"a page of versions", "version", under("/", 200, html, `{"version":"1.26.1"}`), finding.Pass, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := prove(t, newWorld(t, tc.hook), nil, tc.probe)
			f := c.probe(t, tc.probe)
			if f.Outcome != tc.want || (tc.severity != "" && f.Severity != tc.severity) {
				t.Errorf("%s %s, want %s %s: %s; %s", f.Severity, f.Outcome, tc.severity, tc.want, f.Reason, f.Message)
			}
			if !strings.Contains(f.Reason+f.Message+f.Variant, tc.holds) {
				t.Errorf("%q is not in %q or %q", tc.holds, f.Reason, f.Message)
			}
			if f.Outcome == finding.Fail && f.Fix == "" {
				t.Error("no fix")
			}
		})
	}
}

// TestDown: where nothing answers, or only the front does, nothing is proven.
func TestDown(t *testing.T) {
	for name, h := range map[string]hook{
		"everything is broken":  under("/", 503, plain, ""),
		"everything is limited": under("/", 429, plain, ""),
		"the connection is cut": func(w http.ResponseWriter, r *http.Request) bool { panic(http.ErrAbortHandler) },
		"only /v2/ is broken":   first(under("/v2/", 503, plain, "")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, f := range prove(t, newWorld(t, h), nil, "debug", "metrics", "v1-api", "version", "self-registration").findings {
				if f.Outcome == finding.Pass || f.Outcome == finding.Fail {
					t.Errorf("%s is %s: %s", f.Probe, f.Outcome, f.Reason)
				}
			}
		})
	}
}

// TestNothingSecret: what was found stays out of what a run leaves behind.
func TestNothingSecret(t *testing.T) {
	h := first(
		says("/debug/vars", 200, js, expvar), says("/debug/pprof/", 200, html, pprof), says("/debug/pprof/cmdline", 200, plain, cmdline),
		says("/debug/health", 200, js, "{}"), says("/metrics", 200, plain, zotPage), says("/user/sign_up", 200, html, giteaForm),
		says("/api/v2.0/systeminfo", 200, js, info("true", "v2.9.1-5f0e1bd8")),
	)
	c := prove(t, newWorld(t, h), nil)
	all := c.dump(t)
	for _, secret := range []string{password, "hunter2", "--secret", "team-x/hidden", "/usr/bin/registry"} {
		if strings.Contains(all, secret) {
			t.Errorf("%q is in what the run leaves behind", secret)
		}
	}
	if n := len(c.findings); n != len(exposure.All()) {
		t.Errorf("%d findings", n)
	}
	if f := c.probe(t, "debug"); f.Severity != finding.High || len(f.Deviations) != 3 {
		t.Errorf("debug is %s, with %d deviations: %s", f.Severity, len(f.Deviations), f.Message)
	}
}
