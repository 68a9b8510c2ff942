// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/regproof/regproof/lab"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const accept = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json"

// open is a lab that is closed when the test ends.
func open(t *testing.T) *lab.Lab {
	t.Helper()
	l, err := lab.Open(t.Context(), lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func door(t *testing.T, l *lab.Lab, o lab.DoorOptions) *lab.Door {
	t.Helper()
	d, err := l.Door(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// asker asks one door. It follows nothing and keeps no connection.
type asker struct {
	t    *testing.T
	base string
	http *http.Client
	auth string // an Authorization value
}

func ask(t *testing.T, l *lab.Lab, d *lab.Door, proto2 bool) *asker {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(d.CAPEM())
	tr := &http.Transport{
		DisableCompression: true, DisableKeepAlives: true, ForceAttemptHTTP2: proto2,
		TLSClientConfig: &tls.Config{RootCAs: pool},
	}
	t.Cleanup(tr.CloseIdleConnections)
	return &asker{t: t, base: d.URL(), http: &http.Client{
		Transport: tr, Timeout: 5 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// as asks with the entitled Basic credential.
func (a asker) as(l *lab.Lab) *asker {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(l.User())
	a.auth = r.Header.Get("Authorization")
	return &a
}

// got is an answer, its body read.
type got struct {
	status int
	header http.Header
	body   []byte
	proto  string
}

func (g got) digest() string {
	sum := sha256.Sum256(g.body)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func (a *asker) do(method, target string, header ...string) got {
	a.t.Helper()
	if !strings.HasPrefix(target, "http") {
		target = a.base + target
	}
	r, err := http.NewRequestWithContext(a.t.Context(), method, target, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	if a.auth != "" {
		r.Header.Set("Authorization", a.auth)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return a.send(r)
}

func (a *asker) send(r *http.Request) got {
	a.t.Helper()
	res, err := a.http.Do(r)
	if err != nil {
		a.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return got{res.StatusCode, res.Header, body, res.Proto}
}

func image(t *testing.T, l *lab.Lab, name string) lab.Image {
	t.Helper()
	for _, i := range l.Images() {
		if i.Reference() == name {
			return i
		}
	}
	t.Fatalf("no image %s", name)
	return lab.Image{}
}

func TestSoundServesTheEntitledAlone(t *testing.T) {
	l := open(t)
	for name, o := range map[string]lab.DoorOptions{
		"basic": {}, "basic over TLS": {TLS: true}, "referrers": {Weaknesses: []string{"sound-referrers"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := door(t, l, o)
			stranger := ask(t, l, d, o.TLS)
			ci := stranger.as(l)
			if g := stranger.do("GET", "/v2/"); g.status != 401 || g.header.Get("WWW-Authenticate") == "" {
				t.Errorf("ping of a stranger: %d %v", g.status, g.header)
			}
			if g := ci.do("GET", "/v2/"); g.status != 200 {
				t.Errorf("ping of ci: %d", g.status)
			}
			for _, i := range l.Images() {
				targets := map[string]string{"/manifests/" + i.Tag: i.Digest, "/manifests/" + i.Digest: i.Digest}
				for _, c := range append(i.Children, i.Referrers...) {
					targets["/manifests/"+c] = c
				}
				for _, b := range append(slices.Clone(i.Layers), i.Configs...) {
					targets["/blobs/"+b] = b
				}
				for target, digest := range targets {
					target = "/v2/" + i.Repository + target
					if g := stranger.do("GET", target); g.status != 401 || g.header.Get("WWW-Authenticate") == "" {
						t.Errorf("%s: a stranger got %d", target, g.status)
					}
					if g := ci.do("GET", target); g.status != 200 || g.digest() != digest {
						t.Errorf("%s: ci got %d, digest %s", target, g.status, g.digest())
					}
				}
			}
			var tags struct{ Tags []string }
			g := ci.do("GET", "/v2/team-a/app/tags/list")
			if err := json.Unmarshal(g.body, &tags); err != nil || !slices.Contains(tags.Tags, "1.4") || !slices.Contains(tags.Tags, "1.3") {
				t.Errorf("tags: %s", g.body)
			}
			if g := ci.do("GET", "/v2/_catalog"); !strings.Contains(string(g.body), "team-b/tool") {
				t.Errorf("catalog: %d %s", g.status, g.body)
			}
		})
	}
}

// token runs the token flow at the door's own service.
func token(t *testing.T, a *asker, scopes ...string) string {
	t.Helper()
	g := a.do("GET", "/token?"+url.Values{"service": {"regproof-lab"}, "scope": scopes}.Encode())
	var r struct {
		Token       string
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
		IssuedAt    string `json:"issued_at"`
	}
	if err := json.Unmarshal(g.body, &r); err != nil || g.status != 200 {
		t.Fatalf("token: %d %s", g.status, g.body)
	}
	if r.Token != r.AccessToken || r.ExpiresIn != 300 || r.IssuedAt == "" {
		t.Errorf("token answer: %+v", r)
	}
	return r.Token
}

func TestTokenFlow(t *testing.T) {
	l := open(t)
	d := door(t, l, lab.DoorOptions{Auth: lab.Token})
	stranger := ask(t, l, d, false)
	ci := stranger.as(l)
	app, public := image(t, l, "team-a/app:1.4"), image(t, l, "public/base:1.0")
	private, open := "/v2/team-a/app/manifests/1.4", "/v2/public/base/manifests/1.0"

	g := stranger.do("GET", private)
	if want := `Bearer realm="` + d.URL() + `/token",service="regproof-lab",scope="repository:team-a/app:pull"`; g.status != 401 || g.header.Get("WWW-Authenticate") != want {
		t.Errorf("challenge: %d %s", g.status, cmp.Diff(want, g.header.Get("WWW-Authenticate")))
	}
	bearer := func(token string) *asker { a := *stranger; a.auth = "Bearer " + token; return &a }
	if g := bearer(token(t, ci, "repository:team-a/app:pull")).do("GET", private); g.status != 200 || g.digest() != app.Digest {
		t.Errorf("ci with its token: %d", g.status)
	}
	if g := bearer(token(t, ci, "registry:catalog:*")).do("GET", "/v2/_catalog"); g.status != 200 {
		t.Errorf("catalog of ci: %d", g.status)
	}
	if g := bearer(token(t, ci, "repository:team-a/app:pull")).do("GET", "/v2/team-b/tool/manifests/2.0"); g.status != 401 {
		t.Errorf("another repository's token: %d", g.status)
	}
	if g := bearer(token(t, stranger, "repository:public/base:pull")).do("GET", open); g.status != 200 || g.digest() != public.Digest {
		t.Errorf("anonymous on the public image: %d", g.status)
	}
	empty := token(t, stranger, "repository:team-a/app:pull,push", "registry:catalog:*")
	if claims := claims(t, empty); claims != "[]" {
		t.Errorf("access of an anonymous token: %s, want []", claims)
	}
	if g := bearer(empty).do("GET", private); g.status != 401 {
		t.Errorf("anonymous token on the private image: %d", g.status)
	}
	if g := stranger.do("GET", "/token?service=regproof-lab", "Authorization", "Basic eDp5"); g.status != 401 {
		t.Errorf("wrong credential at the token service: %d", g.status)
	}
	if g := ci.do("POST", "/token"); g.status != 405 {
		t.Errorf("POST at the token service: %d", g.status)
	}
}

// TestDoorShows checks the log, the counter, and that no file is left.
func TestDoorShows(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	l, err := lab.Open(t.Context(), lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := l.Door(t.Context(), lab.DoorOptions{})
	if err != nil {
		t.Fatal(err)
	}
	stranger := ask(t, l, d, false)
	stranger.do("GET", "/v2/team-a%2fapp/manifests/1.4?x=%79", "User-Agent", "probe/1")
	stranger.as(l).do("HEAD", "/v2/")
	log := d.Log()
	if d.Requests() != 2 || len(log) != 2 {
		t.Fatalf("%d requests, %d logged, want 2", d.Requests(), len(log))
	}
	if e := log[0]; e.URI != "/v2/team-a%2fapp/manifests/1.4?x=%79" || e.UserAgent != "probe/1" || e.Status != 401 || e.Authorization || e.Method != "GET" || e.Proto != "HTTP/1.1" {
		t.Errorf("first: %+v", e)
	}
	if e := log[1]; e.Status != 200 || !e.Authorization {
		t.Errorf("second: %+v", e)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	if _, err := l.Door(t.Context(), lab.DoorOptions{}); err == nil {
		t.Error("a closed lab opened a door")
	}
}

func TestRefuses(t *testing.T) {
	l := open(t)
	for _, o := range []lab.DoorOptions{
		{Listen: "0.0.0.0:0"}, {Listen: ":0"}, {Listen: "[::]:0"}, {Listen: "192.0.2.1:0"}, {Listen: "localhost:0"},
		{Weaknesses: []string{"no-such"}}, {Weaknesses: []string{"referrers-open"}, Auth: lab.Token},
	} {
		if d, err := l.Door(t.Context(), o); err == nil {
			t.Errorf("%+v: opened %s", o, d.URL())
		}
	}
}

func TestStoreIsKept(t *testing.T) {
	dir := t.TempDir()
	l, err := lab.Open(t.Context(), lab.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "docker", "registry", "v2", "repositories", "team-a", "app")); err != nil {
		t.Error(err)
	}
}

// TestImages checks what the images promise about one another.
func TestImages(t *testing.T) {
	l := open(t)
	app, base, tool := image(t, l, "team-a/app:1.4"), image(t, l, "public/base:1.0"), image(t, l, "team-b/tool:2.0")
	if !app.Index || len(app.Children) != 2 || len(app.Layers) != 5 || len(app.Configs) != 2 || len(app.Referrers) != 1 {
		t.Errorf("app: %+v", app)
	}
	if diff := cmp.Diff(base.Layers[:1], app.Base); diff != "" {
		t.Errorf("shared layers: %s", diff)
	}
	if !base.Public || app.Public || tool.Public || len(tool.Base) != 0 || len(tool.Private) != 2 {
		t.Errorf("public: %+v %+v", base, tool)
	}
	if app.ReferrersTag != "sha256-"+strings.TrimPrefix(app.Digest, "sha256:") {
		t.Errorf("fallback tag: %s", app.ReferrersTag)
	}
	if !strings.Contains(tool.MediaType, "docker") {
		t.Errorf("tool is %s", tool.MediaType)
	}
	other := open(t)
	for _, i := range other.Images() {
		for _, layer := range i.Layers {
			if slices.Contains(app.Layers, layer) || slices.Contains(tool.Layers, layer) {
				t.Errorf("%s is in two labs", layer)
			}
		}
	}
}
