// SPDX-License-Identifier: Apache-2.0

package exposure_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
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
	"github.com/regproof/regproof/probes/exposure"
)

const password = "s3cret-Passw0rd"

// hook answers a request itself, or leaves it to the registry.
type hook func(http.ResponseWriter, *http.Request) bool

// world is a sound registry in a few lines, but for what hook answers first. It
// has one image, of a config and a layer.
type world struct {
	server *httptest.Server
	docs   map[string][2]string // path -> media type, body
	layer  string               // its bytes
	digest oci.Digest           // of the layer
}

func newWorld(t *testing.T, h hook) *world {
	t.Helper()
	w := &world{docs: map[string][2]string{
		"/v2/":                     {"application/json", `{}`},
		"/v2/_catalog":             {"application/json", `{"repositories":["team-a/app"]}`},
		"/v2/team-a/app/tags/list": {"application/json", `{"name":"team-a/app","tags":["1.4"]}`},
	}}
	put := func(path, mediaType, body string) oci.Descriptor {
		d := oci.SHA256([]byte(body))
		w.docs[path+string(d)] = [2]string{mediaType, body}
		return oci.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(body))}
	}
	config := put("/v2/team-a/app/blobs/", "application/octet-stream", strings.Repeat(`{"a":"config"}`, 500))
	w.layer = strings.Repeat("a layer of "+t.Name(), 700)
	layer := put("/v2/team-a/app/blobs/", "application/octet-stream", w.layer)
	w.digest = layer.Digest
	b, err := json.Marshal(map[string]any{"schemaVersion": 2, "config": config, "layers": []any{layer}})
	if err != nil {
		t.Fatal(err)
	}
	put("/v2/team-a/app/manifests/", oci.MediaImageManifest, string(b))
	w.docs["/v2/team-a/app/manifests/1.4"] = [2]string{oci.MediaImageManifest, string(b)}
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if h == nil || !h(rw, r) {
			w.serve(rw, r)
		}
	}))
	t.Cleanup(w.server.Close)
	return w
}

func (w *world) serve(rw http.ResponseWriter, r *http.Request) {
	d, ok := w.docs[r.URL.Path]
	switch {
	case !strings.HasPrefix(r.URL.Path, "/v2/"):
		http.NotFound(rw, r)
	case !entitled(r):
		rw.Header().Set("WWW-Authenticate", `Basic realm="r"`)
		refuse(rw, 401, "UNAUTHORIZED")
	case !ok:
		refuse(rw, 404, "MANIFEST_UNKNOWN")
	default:
		rw.Header().Set("Content-Type", d[0])
		http.ServeContent(rw, r, "", time.Time{}, strings.NewReader(d[1]))
	}
}

func entitled(r *http.Request) bool {
	_, p, ok := r.BasicAuth()
	return ok && p == password
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"errors":[{"code":%q,"message":"m"}]}`, code)
}

// collected is a probe.Sink that keeps everything.
type collected struct {
	findings []finding.Finding
	recorder *evidence.Recorder
}

func (c *collected) Finding(f finding.Finding) error { c.findings = append(c.findings, f); return nil }
func (c *collected) Row(access.Row) error            { return nil }

func (c *collected) probe(t *testing.T, id string) finding.Finding {
	t.Helper()
	i := slices.IndexFunc(c.findings, func(f finding.Finding) bool { return f.Probe == "exposure/"+id })
	if i < 0 {
		t.Fatalf("no finding of %s", id)
	}
	return c.findings[i]
}

// dump is all that a run leaves behind, as a report would hold it.
func (c *collected) dump(t *testing.T) string {
	t.Helper()
	b, err := json.Marshal(c.findings)
	if err != nil {
		t.Fatal(err)
	}
	for x, err := range c.recorder.All() {
		if err != nil {
			t.Fatal(err)
		}
		line, err := json.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		b = append(append(b, '\n'), line...)
	}
	return string(b)
}

// prove runs the family, or the named probes of it, against a world.
func prove(t *testing.T, w *world, change func(*probe.Options), only ...string) *collected {
	t.Helper()
	u, err := url.Parse(w.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	origin, err := credential.ParseOrigin(w.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	recorder, err := evidence.NewRecorder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = recorder.Close() })
	o := probe.Options{
		ID: "test", Version: "test", Policy: policy.Policy{}, Probes: exposure.All(), MaxRequests: 2000, MaxDenied: 600, RequestTimeout: 3 * time.Second, Recorder: recorder,
		Targets: []probe.Target{{Name: "lab", Endpoints: []probe.Endpoint{{URL: u}}}},
		Images:  []probe.ImageRef{{Registry: "lab", Repository: "team-a/app", Reference: "1.4"}},
		Selected: func(p probe.Probe) bool {
			return len(only) == 0 || slices.Contains(only, strings.TrimPrefix(p.ID, "exposure/"))
		},
		Identities: []probe.Identity{{Identity: login.Identity{Name: "ci", Secret: credential.Bound{
			Credential: credential.Credential{Username: "ci", Password: credential.NewSecret(password)},
			Origins:    []credential.Origin{origin}, PlainHTTP: true,
		}}}},
	}
	if change != nil {
		change(&o)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	c := &collected{recorder: recorder}
	if _, err := probe.Run(ctx, o, c); err != nil {
		t.Fatal(err)
	}
	if err := recorder.Err(); err != nil {
		t.Fatal(err)
	}
	for _, f := range c.findings {
		if f.Outcome == finding.Error {
			t.Errorf("%s broke: %s\n%s", f.Probe, f.Reason, f.Message)
		}
	}
	return c
}

// says answers one path, its query aside, with a status, a media type and a body.
func says(path string, status int, mediaType, body string, headers ...string) hook {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != path {
			return false
		}
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Add(headers[i], headers[i+1])
		}
		w.Header().Set("Content-Type", mediaType)
		w.WriteHeader(status)
		fmt.Fprint(w, body)
		return true
	}
}

// under answers whatever begins like a path.
func under(prefix string, status int, mediaType, body string) hook {
	return func(w http.ResponseWriter, r *http.Request) bool {
		return strings.HasPrefix(r.URL.Path, prefix) && says(r.URL.Path, status, mediaType, body)(w, r)
	}
}

// first is the first hook that answers.
func first(hooks ...hook) hook {
	return func(w http.ResponseWriter, r *http.Request) bool {
		return slices.ContainsFunc(hooks, func(h hook) bool { return h(w, r) })
	}
}

// pinged adds headers to the denial of /v2/.
func pinged(headers ...string) hook {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/v2/" || entitled(r) {
			return false
		}
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Add(headers[i], headers[i+1])
		}
		if w.Header().Get("WWW-Authenticate") == "" {
			w.Header().Set("WWW-Authenticate", `Basic realm="r"`)
		}
		refuse(w, 401, "UNAUTHORIZED")
		return true
	}
}

func TestSound(t *testing.T) {
	c := prove(t, newWorld(t, nil), nil)
	want := map[string]finding.Outcome{
		"storage": finding.NotApplicable, "default-credentials": finding.NotChecked, "debug": finding.Pass, "self-registration": finding.Pass,
		"known-vulnerability": finding.NotApplicable, "metrics": finding.Pass, "catalog-size": finding.Unknown, "v1-api": finding.Pass,
		"version": finding.Pass, "signed-url": finding.NotApplicable, "doors": finding.NotChecked, "debug-port": finding.NotChecked,
		"client-configuration": finding.NotChecked, "closed-door": finding.NotApplicable, "redirected-port": finding.NotApplicable,
	}
	for id, o := range want {
		f := c.probe(t, id)
		if f.Outcome != o {
			t.Errorf("%s is %s (%s), want %s", id, f.Outcome, f.Reason, o)
		}
		if f.Required {
			t.Errorf("%s is required", id)
		}
	}
	if len(c.findings) != len(want) {
		t.Errorf("%d findings, want %d", len(c.findings), len(want))
	}
	if f := c.probe(t, "debug"); !strings.Contains(f.Reason, "not served to strangers from this vantage") {
		t.Errorf("reason: %s", f.Reason)
	}
	if f := c.probe(t, "known-vulnerability"); f.Reason != "the registry tells no version" {
		t.Errorf("reason: %s", f.Reason)
	}
	if f := c.probe(t, "default-credentials"); !strings.Contains(f.Reason, "--try-default-credentials") {
		t.Errorf("reason: %s", f.Reason)
	}
}
