// SPDX-License-Identifier: Apache-2.0

package login

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
)

// JWT is a token that can be read: a compact JWS (RFC 7515 section 7.1) whose
// header and payload are JSON objects. Numbers are json.Number. Nothing of it
// was verified.
type JWT struct {
	Header, Claims map[string]any
	// The three parts as they stood, still encoded.
	RawHeader, RawPayload, RawSignature string
}

// ParseJWT reads a token, and says why it cannot be read.
func ParseJWT(token string) (JWT, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || len(token) > maxToken {
		return JWT{}, errors.New("not a compact JWS of three parts")
	}
	j := JWT{RawHeader: parts[0], RawPayload: parts[1], RawSignature: parts[2]}
	for i, into := range []*map[string]any{&j.Header, &j.Claims} {
		raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[i], "="))
		if err != nil {
			return JWT{}, err
		}
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		if err := d.Decode(into); err != nil {
			return JWT{}, err
		}
		if *into == nil {
			return JWT{}, errors.New("not a JSON object")
		}
	}
	return j, nil
}

// Text is a claim that is a string, "" if it is none.
func (j JWT) Text(claim string) string {
	s, _ := j.Claims[claim].(string)
	return s
}

// Seconds is a claim that is a NumericDate (RFC 7519 section 2), and whether
// it is one.
func (j JWT) Seconds(claim string) (int64, bool) {
	n, ok := j.Claims[claim].(json.Number)
	if !ok {
		return 0, false
	}
	if i, err := n.Int64(); err == nil {
		return i, true
	}
	f, err := n.Float64()
	if err != nil || f > 1<<53 || f < -(1<<53) {
		return 0, false
	}
	return int64(f), true
}

// Grants is the access claim (distribution docs/spec/auth/jwt.md): what the
// token says it allows. ok is false without one that can be read.
func (j JWT) Grants() (grants []Access, ok bool) {
	raw, err := json.Marshal(j.Claims["access"])
	if err != nil || j.Claims["access"] == nil {
		return nil, false
	}
	return grants, json.Unmarshal(raw, &grants) == nil
}
