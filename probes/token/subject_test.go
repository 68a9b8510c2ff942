// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/probe"
)

// bySubject is a registry whose tokens say who somebody is, and nothing of what he
// may do, before an open door of the lab.
type bySubject struct {
	hmac    bool   // takes the public key in PEM for the secret of an HMAC
	set     bool   // takes the document in which its keys are for the secret of an HMAC
	lax     bool   // ignores critical extensions, and takes a token without exp
	forever bool   // does not look at exp
	secret  string // signs by HMAC with it, and not with the key
	guests  bool   // strangers get a token of a guest for another repository, which opens all

	key            *ecdsa.PrivateKey
	name, password string
}

func (s *bySubject) encode(v any) string {
	raw, _ := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(raw)
}

func (s *bySubject) sign(subject string) string {
	now, alg := time.Now(), "ES256"
	if s.secret != "" {
		alg = "HS256"
	}
	input := s.encode(map[string]any{"alg": alg, "typ": "JWT"}) + "." +
		s.encode(map[string]any{"iss": "house", "aud": "house", "sub": subject, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix()})
	if s.secret != "" {
		return input + "." + base64.RawURLEncoding.EncodeToString(s.mac(input, []byte(s.secret)))
	}
	sum := sha256.Sum256([]byte(input))
	r, v, _ := ecdsa.Sign(rand.Reader, s.key, sum[:])
	return input + "." + base64.RawURLEncoding.EncodeToString(append(r.FillBytes(make([]byte, 32)), v.FillBytes(make([]byte, 32))...))
}

func (s *bySubject) mac(input string, secret []byte) []byte {
	m := hmac.New(sha256.New, secret)
	m.Write([]byte(input))
	return m.Sum(nil)
}

// keys is the document in which the public key is.
func (s *bySubject) keys() []byte {
	raw, _ := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: s.key.Public(), Algorithm: "ES256", Use: "sig"}}})
	return raw
}

func (s *bySubject) subject(token string) string {
	j, err := login.ParseJWT(token)
	if err != nil {
		return ""
	}
	signature, err := base64.RawURLEncoding.DecodeString(j.RawSignature)
	input := j.RawHeader + "." + j.RawPayload
	sum := sha256.Sum256([]byte(input))
	der, _ := x509.MarshalPKIXPublicKey(s.key.Public())
	good := s.secret == "" && len(signature) == 64 && j.Header["alg"] == "ES256" && ecdsa.Verify(&s.key.PublicKey, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
	good = good || s.hmac && j.Header["alg"] == "HS256" && hmac.Equal(signature, s.mac(input, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
	good = good || s.set && j.Header["alg"] == "HS256" && hmac.Equal(signature, s.mac(input, s.keys()))
	good = good || s.secret != "" && j.Header["alg"] == "HS256" && hmac.Equal(signature, s.mac(input, []byte(s.secret)))
	good = good && j.Text("iss") == "house" && j.Text("aud") == "house" && (j.Header["crit"] == nil || s.lax)
	nbf, _ := j.Seconds("nbf")
	good = good && nbf <= time.Now().Unix()
	if exp, ok := j.Seconds("exp"); err != nil || !good || !s.forever && (!ok && !(s.lax && j.Claims["exp"] == nil) || ok && exp < time.Now().Unix()) {
		return ""
	}
	return j.Text("sub")
}

func (s *bySubject) front(w http.ResponseWriter, r *http.Request, next http.Handler) {
	switch r.URL.Path {
	case "/jwks":
		_, _ = w.Write(s.keys())
		return
	case "/token":
		user, password, _ := r.BasicAuth()
		switch {
		case user == s.name && password == s.password:
		case user == "" && s.guests && strings.HasPrefix(r.URL.Query().Get("scope"), "repository:public/"):
			user = "guest"
		default:
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"token": s.sign(user)})
		return
	}
	subject := s.subject(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	if subject == s.name || subject == "guest" && (s.guests || strings.HasPrefix(r.URL.Path, "/v2/public/")) {
		next.ServeHTTP(w, r)
		return
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+r.Host+`/token",service="house"`)
	w.WriteHeader(http.StatusUnauthorized)
	fmt.Fprint(w, `{"errors":[{"code":"UNAUTHORIZED"}]}`)
}

// TestTokensOfSubjects: where a token says who it is of, and not what for, a forged
// one has to be of somebody; and it is the same, read or not, as an opaque one.
func TestTokensOfSubjects(t *testing.T) {
	l := labtest.Open(t)
	const own = "token/repository" // a token of the user's, whatever it was asked for
	for _, c := range []struct {
		name     string
		front    bySubject
		severity finding.Severity // of token/repository
		fails    []string
	}{
		{"sound", bySubject{}, finding.Medium, []string{own}},
		{"HMAC with the public key", bySubject{hmac: true}, finding.Medium, []string{"token/algorithm", own}},
		{"HMAC with the document of the keys", bySubject{set: true}, finding.Medium, []string{"token/algorithm", own}},
		{"no look at extensions, nor at whether there is an exp", bySubject{lax: true}, finding.Medium, []string{own, "token/structure"}},
		{"no look at exp", bySubject{forever: true}, finding.Medium, []string{"token/expiry", own}},
		{"a secret that nobody guesses", bySubject{secret: "v8Zk3!pQm0xT7rLw"}, finding.Medium, []string{own}},
		{"a secret that everybody guesses", bySubject{secret: "changeme"}, finding.Medium, []string{own, "token/signature"}},
		{"the name of the service for a secret", bySubject{secret: "house"}, finding.Medium, []string{own, "token/signature"}},
		{"a guest's token opens all", bySubject{guests: true}, finding.Critical, []string{own}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := c.front
			s.name, s.password = l.User()
			s.key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			at := labtest.Before(t, labtest.Door(t, l, lab.DoorOptions{Auth: lab.None}), s.front)
			got := labtest.Prove(t, l, labtest.Door(t, l, lab.DoorOptions{}), labtest.Setting{Probes: append(issued(), probes("expiry")...), Policy: intended, Also: []string{"public/base:1.0"}, Change: func(o *probe.Options) {
				labtest.Instead(t, probe.Endpoint{URL: at})(o)
				o.Effects = nil
				if s.secret == "" {
					o.Targets[0].Signing = &probe.Signing{Key: s.key}
				}
			}})
			for _, f := range got.Findings {
				if f.Outcome == finding.Unknown || f.Outcome == finding.Fail {
					t.Logf("%s %s: %s | %s", f.Outcome, f.Probe, f.Reason, f.Message)
				}
			}
			if f, _ := got.Probe(own); f.Severity != c.severity {
				t.Errorf("%s is %s", own, f.Severity)
			}
			if f, _ := got.Probe("token/structure"); s.lax && f.Severity != finding.Critical { // the graver of two
				t.Errorf("%s is %s: %s", f.Probe, f.Severity, f.Message)
			}
			if fails := got.Of(finding.Fail); !slices.Equal(fails, c.fails) {
				t.Errorf("fail: %v, want %v", fails, c.fails)
			}
			for x, err := range got.Recorder.All() {
				raw, _ := json.Marshal(x)
				for word := range strings.FieldsFuncSeq(string(raw), func(r rune) bool { return strings.ContainsRune(` ".`, r) }) {
					if said, _ := base64.RawURLEncoding.DecodeString(word); err != nil || strings.Contains(string(said), `"sub":"`+s.name+`"`) {
						t.Fatalf("%v: a token of %s is shown: %s", err, s.name, raw)
					}
				}
			}
		})
	}
}
