// SPDX-License-Identifier: Apache-2.0

package token

import (
	"crypto/hmac"
	"encoding/base64"
	"strings"
	"time"
)

// guessable are secrets of HMAC that stand in examples, and that everybody tries
// first. What is asked is a token that was given anyway: no request is made.
var guessable = []string{
	"", "secret", "Secret", "SECRET", "secretkey", "secret_key", "secret-key", "mysecret", "my_secret", "my-secret", "my-secret-key", "supersecret", "super-secret", "super_secret",
	"jwt", "jwtsecret", "jwt_secret", "jwt-secret", "JWT_SECRET", "your-256-bit-secret", "your-384-bit-secret", "your-512-bit-secret", "a-string-secret-at-least-256-bits-long",
	"your-secret-key", "your_secret_key", "your-secret", "key", "mykey", "my-key", "private", "privatekey", "signingkey", "signing-key", "password", "passw0rd", "pass", "changeme", "change-me",
	"changeit", "default", "test", "testing", "test-secret", "dev", "demo", "example", "admin", "root", "token", "registry", "docker", "docker-registry", "harbor", "auth", "12345", "123456", "12345678",
	"1234567890", "qwerty", "letmein", "none", "null", "undefined", "AllYourBase", "hello", "foobar", "shhhhh",
}

// weakSecret is the secret with which the issuer signs, if it is one of those, or a
// name that its tokens show; ok is false where it is none.
func (m *template) weakSecret() (secret []byte, ok bool) {
	for _, j := range m.tokens() {
		alg, _ := j.Header["alg"].(string)
		if alg != "HS256" && alg != "HS384" && alg != "HS512" {
			continue
		}
		signature, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(j.RawSignature, "="))
		if err != nil {
			continue
		}
		names := []string{m.issuer.Service, m.guessed(), j.Text("iss"), j.Text("aud"), m.kid()}
		for _, s := range append(names, guessable...) {
			if hmac.Equal(signature, symmetric(alg, []byte(s))(j.RawHeader+"."+j.RawPayload)) {
				return []byte(s), true
			}
		}
	}
	return nil, false
}

// withGuessed are tokens that are signed with such a secret. A finding does not
// name it.
func (m *template) withGuessed() []form {
	secret, ok := m.weakSecret()
	if !ok {
		return nil
	}
	const name, cause = "signed with the issuer's own secret, which was guessed", "The secret of the issuer is one that everybody tries first."
	by := symmetric(m.alg(), secret)
	forms := []form{{name: name, token: m.base.by(by), cause: cause, secret: true}}
	if real, ok := m.faithful(); ok {
		again := real.claiming(map[string]any{"exp": time.Now().Add(4 * time.Minute).Unix()})
		forms = append(forms, form{name: name + ", for the real subject", token: again.by(by), cause: cause, secret: true})
	}
	return forms
}
