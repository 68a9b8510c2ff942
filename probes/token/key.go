// SPDX-License-Identifier: Apache-2.0

package token

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// Key lets tokens bring the key that they are signed with.
var Key = probe.Probe{
	ID:    "token/key",
	Title: "A token cannot bring the key that it is verified with",
	Why: "A key in the header of a token is the key of whoever wrote the token. A verifier that uses " +
		"it, or fetches it from where the token says, or reads it from a file that the token names, " +
		"verifies everything.",
	How: []string{
		"tokens for the image signed by a key of our own, which is in the header as jwk (under a kid of its own, and the issuer's; a symmetric one as well), or as a self-signed certificate in x5c",
		"jku and x5u name a host that cannot exist (.invalid), where nothing can be fetched: that shows verifiers which do not verify, and no others, so that the result is no pass; where the registry is on loopback, a listener there serves the key while the probe runs",
		"kid is the path of a file whose content everybody knows, and the token signed by HMAC with that: /dev/null, and /proc/sys/kernel/ostype, which says Linux on every Linux; a literal of SQL, signed with what it selects (it reads nothing); twice, of which one is the issuer's; missing, and a list",
	},
	Fix: "Verify with the keys of the configuration alone. distribution 3.0.0-beta.1 to 3.0.0-rc.2 takes " +
		"a jwk whose kid is a trusted one (CVE-2025-24976): update to 3.0.0.",
	NotWhen:  "Never.",
	Severity: finding.Critical,
	Control:  "token-key",
	Effect:   probe.Read,
	Per:      probe.Once,
	Run:      listening{}.run,
}

// listening is a try to have the registry fetch a key from here.
type listening struct {
	barred bool // as if the registry were elsewhere
}

func (l listening) run(ctx context.Context, t *probe.Trial) probe.Result {
	m := templateOf(ctx, t)
	if m.result.Outcome != "" {
		return m.result
	}
	if r, known := lenience(ctx, t).forging(t); known {
		return r
	}
	var here shelf
	if !l.barred && local(t.Way().Addresses) {
		here = m.serve(t)
	}
	at := cmp.Or(here.at, nowhere)
	r := m.say(present(ctx, t, m.keys(t, at), false))
	asked := here.close()
	switch {
	case r.Outcome != finding.Pass:
	case at != nowhere:
		r.Reason += fmt.Sprintf("; jku and x5u named a listener on loopback, which was asked %d times (a registry in a container of its own does not reach it)", asked)
	default:
		r.Outcome, r.Observed = finding.NotChecked, "unknown"
		r.Reason = "whether a key is fetched from where a token says (jku, x5u) was not tried: nothing can be fetched from this machine by a registry that is not on loopback; " +
			"run regproof where the registry runs, with --resolve HOST:127.0.0.1. Tried and denied: " + r.Reason
	}
	return r
}

const (
	broughtKey = "The key in a token is used, whoever made it."
	nowhere    = "https://regproof.invalid"
)

// keys are tokens that bring a key; at serves those that are fetched.
func (m *template) keys(t *probe.Trial, at string) []form {
	alg, mine := m.own.alg, t.Nonce()
	kid := any(m.kid())
	if kid == "" {
		kid = nil
	}
	var forms []form
	add := func(name, cause string, header map[string]any) {
		header["alg"] = alg
		forms = append(forms, m.made(name, m.base.with(header).by(m.own.sign), cause))
	}
	add("its own key in jwk, under a name of its own", broughtKey, map[string]any{"jwk": m.jwk(mine), "kid": mine})
	add("its own key in jwk, under the name of the issuer's", "The name of a key in a token is compared, and not the key (CVE-2025-24976).", map[string]any{"jwk": m.jwk(m.kid()), "kid": kid})
	if real, ok := m.faithful(); ok {
		token := real.with(map[string]any{"alg": alg, "jwk": m.jwk(m.kid()), "kid": kid}).by(m.own.sign)
		forms = append(forms, form{name: "its own key in jwk, with the claims of a real token", token: token, cause: broughtKey, secret: true})
	}
	if der := m.certificate(t); der != nil {
		chain := []string{base64.StdEncoding.EncodeToString(der)}
		add("a self-signed certificate in x5c", "A certificate in a token is used, whoever signed it.", map[string]any{"x5c": chain, "kid": nil})
	}
	add("jku "+at+"/jwks", "The keys are fetched from where the token says.", map[string]any{"jku": at + "/jwks", "kid": mine})
	add("x5u "+at+"/x5u", "The certificate is fetched from where the token says.", map[string]any{"x5u": at + "/x5u", "kid": kid})
	add("no kid", unverified, map[string]any{"kid": nil})
	add("a kid that is a list", unverified, map[string]any{"kid": []any{kid, mine}})
	forms = append(forms, m.names(mine)...)
	secret := random(32)
	oct := map[string]any{"kty": "oct", "kid": mine, "k": encode(secret)}
	forms = append(forms, m.made("its own secret in jwk, HS256", m.base.with(map[string]any{"alg": "HS256", "kid": mine, "jwk": oct}).by(symmetric("HS256", secret)), broughtKey))
	return forms
}

// jwk is our own public key under a name.
func (m *template) jwk(kid string) any {
	b, err := json.Marshal(jose.JSONWebKey{Key: m.own.private.Public(), KeyID: kid, Algorithm: m.own.alg, Use: "sig"})
	if err != nil {
		return nil
	}
	return object(b)
}

// certificate is one for our own key, which nobody but itself signed.
func (m *template) certificate(t *probe.Trial) []byte {
	now := time.Now()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: t.Nonce()},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, m.own.private.Public(), m.own.private)
	if err != nil {
		return nil
	}
	return der
}

// collection is what the listener serves: our own key as a set and as a
// certificate.
func (m *template) collection(t *probe.Trial) (set, certificate []byte) {
	b, err := json.Marshal(map[string]any{"keys": []any{m.jwk(t.Nonce())}})
	if err != nil {
		return nil, nil
	}
	return b, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: m.certificate(t)})
}
