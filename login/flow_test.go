// SPDX-License-Identifier: Apache-2.0

package login_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/evidence"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// asked is one request that a token service saw.
type asked struct{ Request, Authorization, Body string }

// service is a token service on a loopback address of its own.
type service struct {
	url string

	mu   sync.Mutex
	seen []asked
}

func (s *service) requests() []asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

// serve starts a token service on host, an address of loopback.
func serve(t *testing.T, host string, secure bool, answer http.HandlerFunc) *service {
	t.Helper()
	s := &service{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.seen = append(s.seen, asked{r.Method + " " + r.RequestURI, r.Header.Get("Authorization"), string(body)})
		s.mu.Unlock()
		if answer != nil {
			answer(w, r)
		}
	}))
	ln, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	_ = server.Listener.Close()
	server.Listener = ln
	scheme := "http://"
	if secure {
		scheme = "https://"
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	s.url = scheme + ln.Addr().String()
	return s
}

func newLogin(t *testing.T) (*login.Client, *evidence.Recorder) {
	t.Helper()
	rec, err := evidence.NewRecorder()
	if err != nil {
		t.Fatal(err)
	}
	w := &wire.Client{Recorder: rec, Timeout: 5 * time.Second, Trust: wire.Trust{Insecure: true}}
	t.Cleanup(func() { w.Close(); _ = rec.Close() })
	return &login.Client{Wire: w}, rec
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func origin(t *testing.T, s string) credential.Origin {
	t.Helper()
	o, err := credential.ParseOrigin(s)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

const registryURL = "http://127.0.0.1:1" // nothing is asked there

func bearer(realm string, params ...string) []login.Challenge {
	return login.ParseChallenges([]string{`Bearer realm="` + realm + `"` + strings.Join(append([]string{""}, params...), ",")})
}

// password is an identity with a user name and a password for the registry.
func password(t *testing.T) login.Identity {
	return login.Identity{Name: "alice", Secret: credential.Bound{
		Credential: credential.Credential{Username: "alice", Password: credential.NewSecret("s3cr3t")},
		Origins:    []credential.Origin{origin(t, registryURL)},
	}}
}

// bind binds the secret of id to the registry at url, if there is one.
func bind(t *testing.T, id login.Identity, url string) login.Identity {
	id.Secret.Origins = []credential.Origin{origin(t, url)}
	return id
}

func refresh(t *testing.T) login.Identity {
	id := password(t)
	id.Secret.Credential = credential.Credential{Refresh: credential.NewSecret("r3fr3sh")}
	return id
}

func subject(t *testing.T) login.Identity {
	id := password(t)
	id.Secret.Credential = credential.Credential{Subject: credential.NewSecret("r3fr3sh")}
	return id
}

const basic = "Basic YWxpY2U6czNjcjN0" // alice:s3cr3t

// jwt is a token with this payload. Nobody here looks at its signature.
func jwt(payload string) string {
	e := base64.RawURLEncoding.EncodeToString
	return e([]byte(`{"alg":"none"}`)) + "." + e([]byte(payload)) + "." + e([]byte("x"))
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// TestTokenFlow puts one flow on the wire a row, and compares what the token
// service was asked and what came of its answer.
func TestTokenFlow(t *testing.T) {
	const scope = "repository:a/b:pull"
	token := says(200, `{"token":"t1"}`)
	granted := jwt(`{"sub":"alice","access":[{"type":"repository","name":"a/b","actions":["pull"]},{"type":"repository","name":"c","actions":[]}]}`)
	getOnly := func(w http.ResponseWriter, r *http.Request, status int) {
		if r.Method == "GET" {
			w.WriteHeader(status)
			return
		}
		token(w, r)
	}
	for _, tc := range []struct {
		name    string
		id      login.Identity
		path    string // of the realm
		params  []string
		scope   string
		answer  http.HandlerFunc
		want    login.Grant // Problem: a part of it
		asked   []asked
		isEmpty bool
	}{
		{
			"anonymous", login.Identity{Name: login.Anonymous}, "/token", []string{`service="registry.example"`}, scope, token, login.Grant{Header: "Bearer t1", Opaque: true},
			[]asked{{"GET /token?scope=repository%3Aa%2Fb%3Apull&service=registry.example", "", ""}}, false,
		},
		{
			"Basic with account", password(t), "/token", []string{`service="s"`}, scope, token, login.Grant{Header: "Bearer t1", Opaque: true},
			[]asked{{"GET /token?account=alice&scope=repository%3Aa%2Fb%3Apull&service=s", basic, ""}}, false,
		},
		{
			"no service, no scope", login.Identity{}, "/token", nil, "", token, login.Grant{Header: "Bearer t1", Opaque: true},
			[]asked{{"GET /token", "", ""}}, false,
		},
		{
			"a realm without path", login.Identity{}, "", nil, "", token, login.Grant{Header: "Bearer t1", Opaque: true},
			[]asked{{"GET /", "", ""}}, false,
		},
		{
			"a realm with a query and an escape", login.Identity{}, "/a%2Fb?x=y", []string{`service="s"`}, "", token, login.Grant{Header: "Bearer t1", Opaque: true},
			[]asked{{"GET /a%2Fb?service=s&x=y", "", ""}}, false,
		},
		{
			"scopes of the challenge are repeated, and the needed one is there already", login.Identity{}, "/token", []string{`scope="repository:b:pull repository:a/b:push,pull"`}, scope, token, login.Grant{Header: "Bearer t1", Opaque: true},
			[]asked{{"GET /token?scope=repository%3Aa%2Fb%3Apush%2Cpull&scope=repository%3Ab%3Apull", "", ""}}, false,
		},
		{
			"the needed scope is added", login.Identity{}, "/token", []string{`scope="repository:a/b:push"`}, scope, token, login.Grant{Header: "Bearer t1", Opaque: true},
			[]asked{{"GET /token?scope=repository%3Aa%2Fb%3Apull&scope=repository%3Aa%2Fb%3Apush", "", ""}}, false,
		},
		{
			"a scope of all actions", login.Identity{}, "/token", []string{`scope="repository:a/b:*"`}, scope, token, login.Grant{Header: "Bearer t1", Opaque: true},
			[]asked{{"GET /token?scope=repository%3Aa%2Fb%3A%2A", "", ""}}, false,
		},
		{
			"refresh token", refresh(t), "/token", []string{`service="s"`}, scope, token, login.Grant{Header: "Bearer t1", Opaque: true},
			[]asked{{"POST /token", "", "client_id=regproof&grant_type=refresh_token&refresh_token=r3fr3sh&scope=repository%3Aa%2Fb%3Apull&service=s"}}, false,
		},
		{
			"a workload's token", subject(t), "/token", []string{`service="s"`}, scope, token, login.Grant{Header: "Bearer t1", Opaque: true},
			[]asked{{"POST /token", "", "audience=s&client_id=regproof&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token&scope=repository%3Aa%2Fb%3Apull&service=s&subject_token=r3fr3sh&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aid_token"}}, false,
		},
		{
			"a workload's token that is refused", subject(t), "/token", nil, "", says(400, `{"error":"invalid_grant"}`), login.Grant{Refused: true},
			[]asked{{"POST /token", "", "client_id=regproof&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token&scope=&subject_token=r3fr3sh&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aid_token"}}, false,
		},
		{
			"no GET (404)", password(t), "/token", []string{`service="s"`}, scope, func(w http.ResponseWriter, r *http.Request) { getOnly(w, r, 404) }, login.Grant{Header: "Bearer t1", Opaque: true},
			[]asked{{"GET /token?account=alice&scope=repository%3Aa%2Fb%3Apull&service=s", basic, ""}, {"POST /token", "", "client_id=regproof&grant_type=password&password=s3cr3t&scope=repository%3Aa%2Fb%3Apull&service=s&username=alice"}}, false,
		},
		{
			"no GET (405)", password(t), "/token", nil, "", func(w http.ResponseWriter, r *http.Request) { getOnly(w, r, 405) }, login.Grant{Header: "Bearer t1", Opaque: true},
			[]asked{{"GET /token?account=alice", basic, ""}, {"POST /token", "", "client_id=regproof&grant_type=password&password=s3cr3t&scope=&service=&username=alice"}}, false,
		},
		{
			"no GET for anonymous", login.Identity{}, "/token", nil, "", says(405, ""), login.Grant{Problem: "answered 405"},
			[]asked{{"GET /token", "", ""}}, false,
		},
		{"access_token", login.Identity{}, "/token", nil, "", says(200, `{"access_token":"t2"}`), login.Grant{Header: "Bearer t2", Opaque: true}, []asked{{"GET /token", "", ""}}, false},
		{"both", login.Identity{}, "/token", nil, "", says(200, `{"access_token":"t2","token":"t1"}`), login.Grant{Header: "Bearer t1", Opaque: true}, []asked{{"GET /token", "", ""}}, false},
		{"201", login.Identity{}, "/token", nil, "", says(201, `{"token":"t1"}`), login.Grant{Header: "Bearer t1", Opaque: true}, []asked{{"GET /token", "", ""}}, false},
		{
			"a JWT", login.Identity{}, "/token", nil, "", says(200, `{"token":"`+granted+`"}`), login.Grant{Header: "Bearer " + granted, Subject: "alice", Access: []login.Access{{Type: "repository", Name: "a/b", Actions: []string{"pull"}}}},
			[]asked{{"GET /token", "", ""}}, false,
		},
		{"a JWT that grants nothing", login.Identity{}, "/token", nil, "", says(200, `{"token":"`+jwt(`{"sub":"","access":[]}`)+`"}`), login.Grant{Header: "Bearer " + jwt(`{"sub":"","access":[]}`)}, []asked{{"GET /token", "", ""}}, true},
		{"a JWT that grants no action", login.Identity{}, "/token", nil, "", says(200, `{"token":"`+jwt(`{"access":[{"type":"repository","name":"a"}]}`)+`"}`), login.Grant{Header: "Bearer " + jwt(`{"access":[{"type":"repository","name":"a"}]}`)}, []asked{{"GET /token", "", ""}}, true},
		{"a JWT without access", login.Identity{}, "/token", nil, "", says(200, `{"token":"`+jwt(`{"sub":"bob"}`)+`"}`), login.Grant{Header: "Bearer " + jwt(`{"sub":"bob"}`), Opaque: true, Subject: "bob"}, []asked{{"GET /token", "", ""}}, false},
		{"a JWT of rubbish", login.Identity{}, "/token", nil, "", says(200, `{"token":"a.b.c"}`), login.Grant{Header: "Bearer a.b.c", Opaque: true}, []asked{{"GET /token", "", ""}}, false},
		{"401", password(t), "/token", nil, "", says(401, `{"errors":[]}`), login.Grant{Refused: true}, []asked{{"GET /token?account=alice", basic, ""}}, false},
		{"403", password(t), "/token", nil, "", says(403, ""), login.Grant{Refused: true}, []asked{{"GET /token?account=alice", basic, ""}}, false},
		{"400", login.Identity{}, "/token", nil, "", says(400, ""), login.Grant{Problem: "answered 400"}, []asked{{"GET /token", "", ""}}, false},
		{"429", login.Identity{}, "/token", nil, "", says(429, ""), login.Grant{Problem: "answered 429"}, []asked{{"GET /token", "", ""}}, false},
		{"500", login.Identity{}, "/token", nil, "", says(500, `{"token":"t1"}`), login.Grant{Problem: "answered 500"}, []asked{{"GET /token", "", ""}}, false},
		{"not JSON", login.Identity{}, "/token", nil, "", says(200, "<html>"), login.Grant{Problem: "JSON"}, []asked{{"GET /token", "", ""}}, false},
		{"no token", login.Identity{}, "/token", nil, "", says(200, "{}"), login.Grant{Problem: "without a usable token"}, []asked{{"GET /token", "", ""}}, false},
		{"a token of another type", login.Identity{}, "/token", nil, "", says(200, `{"token":1}`), login.Grant{Problem: "JSON"}, []asked{{"GET /token", "", ""}}, false},
		{"a token with a line break", login.Identity{}, "/token", nil, "", says(200, `{"token":"a\r\nX: y"}`), login.Grant{Problem: "without a usable token"}, []asked{{"GET /token", "", ""}}, false},
		{"a token larger than the bound", login.Identity{}, "/token", nil, "", says(200, `{"token":"t1","x":"`+strings.Repeat("x", 1<<20)+`"}`), login.Grant{Problem: "JSON"}, []asked{{"GET /token", "", ""}}, false},
		{"a redirect to nowhere", password(t), "/token", nil, "", says(302, ""), login.Grant{Problem: "answered 302"}, []asked{{"GET /token?account=alice", basic, ""}}, false},
		{"304", login.Identity{}, "/token", nil, "", says(304, ""), login.Grant{Problem: "answered 304"}, []asked{{"GET /token", "", ""}}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := serve(t, "127.0.0.1", false, tc.answer)
			c, rec := newLogin(t)
			reg := login.Registry{URL: mustURL(t, s.url), Headers: [][2]string{{"User-Agent", "regproof-test"}}}
			got := c.Authorize(t.Context(), reg, bind(t, tc.id, s.url), bearer(s.url+tc.path, tc.params...), tc.scope)
			if len(got.Evidence) != len(tc.asked) || rec.Sent() != len(tc.asked) {
				t.Errorf("evidence %v, %d exchanges", got.Evidence, rec.Sent())
			}
			got.Evidence = nil
			if !strings.Contains(got.Problem, tc.want.Problem) || (got.Problem == "") != (tc.want.Problem == "") {
				t.Errorf("problem %q, want %q", got.Problem, tc.want.Problem)
			}
			got.Problem = tc.want.Problem
			if diff := cmp.Diff(tc.want, got, cmpopts.IgnoreFields(login.Grant{}, "Life")); diff != "" {
				t.Errorf("grant (-want +got):\n%s", diff)
			}
			if got.Empty() != tc.isEmpty {
				t.Errorf("Empty is %v", got.Empty())
			}
			if diff := cmp.Diff(tc.asked, s.requests()); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
			for x, err := range rec.All() {
				if line := fmt.Sprint(x, err); strings.Contains(line, "s3cr3t") || strings.Contains(line, "YWxpY2U6") || strings.Contains(line, "r3fr3sh") || x.BodySHA256 != nil || x.ErrorBody != "" {
					t.Errorf("the evidence holds a secret: %s", line)
				}
			}
		})
	}
}

// TestWithoutFlow: Basic and given tokens go to the registry itself, and only
// to origins that they are bound to.
func TestWithoutFlow(t *testing.T) {
	token := password(t)
	token.Secret.Credential = credential.Credential{Token: credential.NewSecret("t0k3n")}
	elsewhere, tokenElsewhere := password(t), token
	elsewhere.Secret.Origins = []credential.Origin{origin(t, "https://other.example")}
	tokenElsewhere.Secret.Origins = elsewhere.Secret.Origins
	azure := refresh(t) // what az acr login leaves: a user name, no password, a refresh token
	azure.Secret.Credential.Username = "00000000-0000-0000-0000-000000000000"
	https := password(t)
	https.Secret.Origins = []credential.Origin{origin(t, "http://registry.example")}
	allowed := https
	allowed.Secret.PlainHTTP = true
	const any = `Basic realm="x"`

	for _, tc := range []struct {
		name, registry string
		id             login.Identity
		challenge      string
		want           login.Grant
	}{
		{"Basic", registryURL, password(t), any, login.Grant{Header: basic, Opaque: true}},
		{"Basic for anonymous", registryURL, login.Identity{}, any, login.Grant{}},
		{"Basic, bound elsewhere", registryURL, elsewhere, any, login.Grant{Problem: "not bound to http://127.0.0.1:1"}},
		{"Basic, another port", "http://127.0.0.1:2", password(t), any, login.Grant{Problem: "not bound to http://127.0.0.1:2"}},
		{"Basic, another scheme", "https://127.0.0.1:1", password(t), any, login.Grant{Problem: "not bound"}},
		{"Basic over plain http", "http://registry.example", https, any, login.Grant{Problem: "not bound"}},
		{"Basic over plain http that was allowed", "http://registry.example", allowed, any, login.Grant{Header: basic, Opaque: true}},
		{"Basic with nothing but a refresh token", registryURL, refresh(t), any, login.Grant{Problem: "no password"}},
		{"Basic with a name and a refresh token: never an empty password", registryURL, azure, any, login.Grant{Problem: "no password"}},
		{"a token", registryURL, token, `Bearer realm="http://127.0.0.1:3/"`, login.Grant{Header: "Bearer t0k3n", Opaque: true}},
		{"a token without a challenge", registryURL, token, "", login.Grant{Header: "Bearer t0k3n", Opaque: true}},
		{"a token, bound elsewhere", registryURL, tokenElsewhere, any, login.Grant{Problem: "not bound to http://127.0.0.1:1"}},
		{"no challenge", registryURL, password(t), "", login.Grant{}},
		{"an unknown challenge", registryURL, password(t), "Negotiate", login.Grant{}},
		{"a realm that is missing", registryURL, password(t), `Bearer service="x"`, login.Grant{}},
		{"a realm that is missing, and Basic", registryURL, password(t), `Bearer service="x", Basic realm="x"`, login.Grant{Header: basic, Opaque: true}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, rec := newLogin(t)
			got := c.Authorize(t.Context(), login.Registry{URL: mustURL(t, tc.registry)}, tc.id, login.ParseChallenges([]string{tc.challenge}), "repository:a:pull")
			if !strings.Contains(got.Problem, tc.want.Problem) || (got.Problem == "") != (tc.want.Problem == "") {
				t.Errorf("problem %q, want %q", got.Problem, tc.want.Problem)
			}
			got.Problem = tc.want.Problem
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("grant (-want +got):\n%s", diff)
			}
			if rec.Sent() != 0 {
				t.Errorf("%d requests were sent", rec.Sent())
			}
		})
	}
}

// TestOnce: one flow however many ask at once, and another for everything that
// would make another token.
func TestOnce(t *testing.T) {
	s := serve(t, "127.0.0.1", false, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(50 * time.Millisecond)
		says(200, `{"token":"t1"}`)(w, r)
	})
	c, _ := newLogin(t)
	reg := login.Registry{URL: mustURL(t, s.url)}
	alice := bind(t, password(t), s.url)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if g := c.Authorize(t.Context(), reg, alice, bearer(s.url), "repository:a:pull"); g.Header != "Bearer t1" || len(g.Evidence) != 1 {
				t.Errorf("got %+v", g)
			}
		})
	}
	wg.Wait()
	if n := len(s.requests()); n != 1 {
		t.Fatalf("%d flows, want 1", n)
	}
	bob := alice
	bob.Name = "bob"
	for i, other := range []func(){
		func() { c.Authorize(t.Context(), reg, bob, bearer(s.url), "repository:a:pull") },
		func() { c.Authorize(t.Context(), reg, login.Identity{}, bearer(s.url), "repository:a:pull") },
		func() { c.Authorize(t.Context(), reg, alice, bearer(s.url), "repository:b:pull") },
		func() { c.Authorize(t.Context(), reg, alice, bearer(s.url+"/other"), "repository:a:pull") },
		func() {
			c.Authorize(t.Context(), reg, alice, bearer(s.url, `service="x"`), "repository:a:pull")
		},
	} {
		for range 2 {
			other()
		}
		if n := len(s.requests()); n != i+2 {
			t.Errorf("%d: %d flows, want %d", i, n, i+2)
		}
	}
	before := len(s.requests())
	c.Forget()
	if c.Authorize(t.Context(), reg, alice, bearer(s.url), "repository:a:pull"); len(s.requests()) != before+1 {
		t.Errorf("%d flows after all were forgotten, want one more than %d", len(s.requests()), before)
	}
}

// TestProblemIsNotKept: what failed may succeed later; what was refused will not.
func TestProblemIsNotKept(t *testing.T) {
	for _, tc := range []struct {
		first int
		again bool
	}{{500, true}, {404, true}, {401, false}} {
		var n int
		s := serve(t, "127.0.0.1", false, func(w http.ResponseWriter, r *http.Request) {
			if n++; n == 1 {
				w.WriteHeader(tc.first)
				return
			}
			says(200, `{"token":"t1"}`)(w, r)
		})
		c, _ := newLogin(t)
		ask := func() login.Grant {
			return c.Authorize(t.Context(), login.Registry{URL: mustURL(t, s.url)}, login.Identity{}, bearer(s.url), "")
		}
		if g := ask(); g.Header != "" || (g.Problem != "") != tc.again || g.Refused == tc.again {
			t.Errorf("%d: first %+v", tc.first, g)
		}
		if g := ask(); (g.Header == "Bearer t1") != tc.again {
			t.Errorf("%d: second %+v", tc.first, g)
		}
	}
}

// TestUnreachable: a service that does not answer is a problem, not a denial.
func TestUnreachable(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	realm := "http://" + ln.Addr().String()
	_ = ln.Close()
	c, _ := newLogin(t)
	g := c.Authorize(t.Context(), login.Registry{URL: mustURL(t, realm)}, login.Identity{}, bearer(realm), "")
	if g.Refused || g.Header != "" || !strings.Contains(g.Problem, string(wire.Refused)) || len(g.Evidence) != 1 {
		t.Errorf("got %+v", g)
	}
}

// TestStaleIsAskedAgain: a service that closed an idle connection did not answer.
func TestStaleIsAskedAgain(t *testing.T) {
	s := serve(t, "127.0.0.1", false, says(200, `{"token":"t1"}`))
	c, rec := newLogin(t)
	c.Wire = staleOnce{c.Wire, new(sync.Once)}
	g := c.Authorize(t.Context(), login.Registry{URL: mustURL(t, s.url)}, login.Identity{}, bearer(s.url), "")
	if g.Header != "Bearer t1" || len(g.Evidence) != 2 || rec.Sent() != 1 {
		t.Errorf("got %+v after %d exchanges", g, rec.Sent())
	}
}

// staleOnce finds its first connection closed.
type staleOnce struct {
	login.Exchanger
	once *sync.Once
}

func (s staleOnce) Do(ctx context.Context, r wire.Request) (resp wire.Response) {
	s.once.Do(func() { resp = wire.Response{ID: "x0", Request: r, Failure: wire.Stale} })
	if resp.Failure != "" {
		return resp
	}
	if !r.Fresh {
		panic("asked again on a kept connection")
	}
	return s.Exchanger.Do(ctx, r)
}
