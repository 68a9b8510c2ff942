// SPDX-License-Identifier: Apache-2.0

package anonymous_test

import (
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/evidence"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/policy"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/anonymous"
)

// subtle is a registry in a few lines, for the ways of answering that no
// registry in the lab has: what is served, by path.
type subtle struct {
	docs         map[string][2]string // path -> media type, body
	root, config string
}

const subtlePassword = "s3cret-Passw0rd"

func (s *subtle) put(path, mediaType, body string) oci.Digest {
	d := oci.SHA256([]byte(body))
	s.docs[path+string(d)] = [2]string{mediaType, body}
	return d
}

func (s *subtle) manifest(v any, mediaType string, tags ...string) oci.Descriptor {
	b, _ := json.Marshal(v)
	d := s.put("/v2/team-a/app/manifests/", mediaType, string(b))
	for _, t := range tags {
		s.docs["/v2/team-a/app/manifests/"+t] = [2]string{mediaType, string(b)}
	}
	return oci.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(b))}
}

// newSubtle has one image of a config and two layers, under the given tag.
func newSubtle(tag string) (*subtle, oci.Descriptor) {
	s := &subtle{docs: map[string][2]string{
		"/v2/":                     {"application/json", `{}`},
		"/v2/_catalog":             {"application/json", `{"repositories":["team-a/app"]}`},
		"/v2/team-a/app/tags/list": {"application/json", `{"name":"team-a/app","tags":["1.4"]}`},
	}}
	blob := func(seed string) oci.Descriptor {
		body := strings.Repeat(seed, 600)
		return oci.Descriptor{MediaType: "application/octet-stream", Digest: s.put("/v2/team-a/app/blobs/", "application/octet-stream", body), Size: int64(len(body))}
	}
	config := blob(`{"a":"config"}`)
	s.config = string(config.Digest)
	root := s.manifest(map[string]any{"schemaVersion": 2, "config": config, "layers": []any{blob("layer one"), blob("layer two")}}, oci.MediaImageManifest, tag)
	s.root = string(root.Digest)
	return s, root
}

func (s *subtle) serve(w http.ResponseWriter, r *http.Request) {
	d, ok := s.docs[r.URL.Path]
	if !ok {
		refuse(w, 404, "MANIFEST_UNKNOWN")
		return
	}
	w.Header().Set("Content-Type", d[0])
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(d[1]))
}

func entitled(r *http.Request) bool {
	_, password, ok := r.BasicAuth()
	return ok && password == subtlePassword
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"errors":[{"code":%q,"message":"m"}]}`, code)
}

// guarded is sound, but for what hook answers first.
func (s *subtle) guarded(hook func(http.ResponseWriter, *http.Request) bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case hook(w, r):
		case entitled(r):
			s.serve(w, r)
		default:
			w.Header().Set("WWW-Authenticate", `Basic realm="r"`)
			refuse(w, 401, "UNAUTHORIZED")
		}
	}
}

// tokens challenges at the ping alone; below it, strangers get the answer of
// below, and whoever has any token the content.
func (s *subtle) tokens(below http.HandlerFunc, realm http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/token":
			realm(w, r)
		case strings.HasPrefix(r.Header.Get("Authorization"), "Bearer "):
			s.serve(w, r)
		case r.URL.Path == "/v2/":
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="s"`, r.Host))
			refuse(w, 401, "UNAUTHORIZED")
		default:
			below(w, r)
		}
	}
}

func anyToken(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"token":"opaque-token"}`) }

func proveSubtle(t *testing.T, h http.Handler, change func(*probe.Options)) *collected {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	u, _ := url.Parse(server.URL)
	origin, err := credential.ParseOrigin(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	recorder, err := evidence.NewRecorder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = recorder.Close() })
	c := &collected{Recorder: recorder}
	o := probe.Options{
		ID: "test", Version: "test", Targets: []probe.Target{{Name: "r", Endpoints: []probe.Endpoint{{URL: u}}}}, Policy: policy.Policy{}, Probes: anonymous.All(),
		Identities: []probe.Identity{{Identity: login.Identity{Name: "ci", Secret: credential.Bound{
			Credential: credential.Credential{Username: "ci", Password: credential.NewSecret(subtlePassword)}, Origins: []credential.Origin{origin},
		}}}},
		Images: []probe.ImageRef{{Registry: "r", Repository: "team-a/app", Reference: "1.4"}}, MaxRequests: 20000, MaxDenied: 600, RequestTimeout: 3 * time.Second, Recorder: recorder,
	}
	if change != nil {
		change(&o)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if c.Summary, err = probe.Run(ctx, o, c); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestSubtle holds verdicts to the ways of answering that once made them wrong.
func TestSubtle(t *testing.T) {
	isBlob := func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/blobs/") }
	type want map[string]finding.Outcome
	all := func(o finding.Outcome) want {
		return want{a + "manifest-by-tag": o, a + "manifest-by-digest": o, a + "layer": o}
	}
	for _, c := range []struct {
		name   string
		make   func() http.Handler
		change func(*probe.Options)
		want   want
	}{
		{"sound", func() http.Handler {
			s, _ := newSubtle("1.4")
			return s.guarded(func(http.ResponseWriter, *http.Request) bool { return false })
		}, nil, all(finding.Pass)},
		{"a token lifts a 404", func() http.Handler {
			s, _ := newSubtle("1.4")
			return s.tokens(func(w http.ResponseWriter, _ *http.Request) { refuse(w, 404, "NAME_UNKNOWN") }, anyToken)
		}, nil, all(finding.Fail)},
		{"a token lifts a 403", func() http.Handler {
			s, _ := newSubtle("1.4")
			return s.tokens(func(w http.ResponseWriter, _ *http.Request) { refuse(w, 403, "DENIED") }, anyToken)
		}, nil, all(finding.Fail)},
		{"a token lifts a 401 without a challenge", func() http.Handler {
			s, _ := newSubtle("1.4")
			return s.tokens(func(w http.ResponseWriter, _ *http.Request) { refuse(w, 401, "UNAUTHORIZED") }, anyToken)
		}, nil, all(finding.Fail)},
		{"a bot filter before the token service", func() http.Handler {
			s, _ := newSubtle("1.4")
			challenge := func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="s"`, r.Host))
				refuse(w, 401, "UNAUTHORIZED")
			}
			return s.tokens(challenge, func(w http.ResponseWriter, r *http.Request) {
				if entitled(r) {
					anyToken(w, r)
					return
				}
				w.Header().Set("Cf-Mitigated", "challenge")
				w.WriteHeader(403)
			})
		}, nil, all(finding.Unknown)},
		{"gzipped lists and config", func() http.Handler {
			s, _ := newSubtle("1.4")
			return s.guarded(func(w http.ResponseWriter, r *http.Request) bool {
				if entitled(r) || !(strings.HasSuffix(r.URL.Path, "/tags/list") || r.URL.Path == "/v2/_catalog" || strings.HasSuffix(r.URL.Path, s.config)) || r.Method != "GET" {
					return false
				}
				w.Header().Set("Content-Encoding", "gzip")
				z := gzip.NewWriter(w)
				_, _ = z.Write([]byte(s.docs[r.URL.Path][1]))
				_ = z.Close()
				return true
			})
		}, nil, want{a + "tags": finding.Fail, a + "catalog": finding.Fail, a + "config": finding.Fail, a + "layer": finding.Pass}},
		{"blobs of an index in an index", func() http.Handler {
			s, root := newSubtle("inner")
			middle := s.manifest(map[string]any{"schemaVersion": 2, "manifests": []any{root}}, oci.MediaImageIndex)
			s.manifest(map[string]any{"schemaVersion": 2, "manifests": []any{middle}}, oci.MediaImageIndex, "1.4")
			return s.guarded(func(w http.ResponseWriter, r *http.Request) bool {
				if isBlob(r) {
					s.serve(w, r)
				}
				return isBlob(r)
			})
		}, nil, want{a + "layer": finding.Fail, a + "config": finding.Fail}},
		{"a child that cannot be read", func() http.Handler {
			s, root := newSubtle("inner")
			s.manifest(map[string]any{"schemaVersion": 2, "manifests": []any{root}}, oci.MediaImageIndex, "1.4")
			return s.guarded(func(w http.ResponseWriter, r *http.Request) bool {
				if strings.HasSuffix(r.URL.Path, s.root) && entitled(r) {
					refuse(w, 404, "MANIFEST_UNKNOWN")
					return true
				}
				return false
			})
		}, nil, want{a + "layer": finding.Unknown}},
		{"a redirect that looks like a login", func() http.Handler {
			s, _ := newSubtle("1.4")
			return s.guarded(func(w http.ResponseWriter, r *http.Request) bool {
				switch {
				case r.URL.Path == "/get":
					r.URL.Path = r.URL.Query().Get("path")
					s.serve(w, r)
				case !entitled(r) && strings.Contains(r.URL.Path, "/manifests/"):
					http.Redirect(w, r, "/get?path="+url.QueryEscape(r.URL.Path), 307)
				default:
					return false
				}
				return true
			})
		}, nil, want{a + "manifest-by-tag": finding.Fail, a + "manifest-by-digest": finding.Fail}},
		{"an error of the storage", func() http.Handler {
			s, _ := newSubtle("1.4")
			return s.guarded(func(w http.ResponseWriter, r *http.Request) bool {
				switch {
				case strings.HasPrefix(r.URL.Path, "/bucket/"):
					w.WriteHeader(403)
				case !entitled(r) && isBlob(r):
					http.Redirect(w, r, "/bucket"+r.URL.Path, 307)
				default:
					return false
				}
				return true
			})
		}, nil, want{a + "layer": finding.Unknown}},
		{"content under a 401", func() http.Handler {
			s, _ := newSubtle("1.4")
			return s.guarded(func(w http.ResponseWriter, r *http.Request) bool {
				d, ok := s.docs[r.URL.Path]
				if !ok || entitled(r) || r.URL.Path == "/v2/" {
					return false
				}
				w.Header().Set("WWW-Authenticate", `Basic realm="r"`)
				w.WriteHeader(401)
				_, _ = w.Write([]byte(d[1]))
				return true
			})
		}, nil, all(finding.Fail)},
		{"a manifest that every name gets", func() http.Handler {
			s, _ := newSubtle("1.4")
			return s.guarded(func(w http.ResponseWriter, r *http.Request) bool {
				if entitled(r) || !strings.Contains(r.URL.Path, "/manifests/") {
					return false
				}
				w.Header().Set("Content-Type", oci.MediaImageIndex)
				fmt.Fprint(w, `{"schemaVersion":2,"manifests":[]}`)
				return true
			})
		}, nil, want{a + "manifest-by-tag": finding.Unknown, a + "manifest-by-digest": finding.Unknown, a + "layer": finding.Pass}},
		{"policy lets strangers list", func() http.Handler {
			s, _ := newSubtle("1.4")
			return s.guarded(func(w http.ResponseWriter, r *http.Request) bool {
				if strings.HasSuffix(r.URL.Path, "/tags/list") {
					s.serve(w, r)
					return true
				}
				return false
			})
		}, func(o *probe.Options) {
			o.Policy = policy.Policy{Rules: []policy.Rule{{Who: []string{"anonymous"}, Repos: []string{"**"}, Can: []access.Action{access.List}}}}
		}, want{a + "tags": finding.NotApplicable, a + "layer": finding.Pass}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := proveSubtle(t, c.make(), c.change)
			for id, o := range c.want {
				if f, _ := got.Probe(id); f.Outcome != o {
					t.Errorf("%s is %s (%s), want %s", id, f.Outcome, f.Reason, o)
				}
			}
		})
	}
}

// TestEcho: a server that echoes what it was sent puts no secret into the record.
func TestEcho(t *testing.T) {
	s, _ := newSubtle("1.4")
	c := proveSubtle(t, s.guarded(func(w http.ResponseWriter, r *http.Request) bool {
		if !entitled(r) || !strings.Contains(r.URL.Path, "/manifests/") {
			return false
		}
		w.Header().Set("Warning", r.Header.Get("Authorization"))
		w.WriteHeader(404)
		fmt.Fprintf(w, "no route for %v", r.Header)
		return true
	}), nil)
	secret := base64.StdEncoding.EncodeToString([]byte("ci:" + subtlePassword))
	for x := range c.Recorder.All() {
		if b, _ := json.Marshal(x); strings.Contains(string(b), secret) || strings.Contains(string(b), subtlePassword) {
			t.Errorf("%s holds the secret", x.ID)
		}
	}
}

// TestCancel: an upload is never started twice, and only an upload is deleted.
func TestCancel(t *testing.T) {
	const uploads = "/v2/team-a/app/blobs/uploads/"
	for _, c := range []struct {
		answer, deletes int
		location        string // %s is the digest of the image
	}{
		{502, 0, "/v2/team-a/app/manifests/%s"},
		{202, 0, "/v2/team-a/app/manifests/%s"},
		{202, 0, uploads + "%%2e%%2e/%%2e%%2e/manifests/%s"},
		{202, 0, uploads + "%%252e%%252e/%%252e%%252e/manifests%%252f%s"},
		{202, 0, uploads + "manifests/%s"}, // of team-a/app/blobs/uploads
		{202, 1, uploads + "1?_state=%s"},
		{202, 1, "/v2/team-a/app/blobs/upload/1?%s"}, // ghcr.io
	} {
		s, _ := newSubtle("1.4")
		var mu sync.Mutex
		var posts, deletes int
		proveSubtle(t, s.guarded(func(w http.ResponseWriter, r *http.Request) bool {
			mu.Lock()
			defer mu.Unlock()
			switch r.Method {
			case "DELETE":
				deletes++
			case "POST":
				posts++
				w.Header().Set("Location", fmt.Sprintf(c.location, s.root))
				w.WriteHeader(c.answer)
			default:
				return false
			}
			return true
		}), func(o *probe.Options) { o.Effects = []probe.Effect{probe.CancelledWrite} })
		if posts != 1 || deletes != c.deletes {
			t.Errorf("%d, %s: %d uploads were started, %d things deleted", c.answer, c.location, posts, deletes)
		}
	}
}
