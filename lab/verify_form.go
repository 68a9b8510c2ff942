// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// jws is a token in compact form (RFC 7515 section 7.1), taken apart. It is read
// by hand: a library that can be told to be this careless is not to be had.
type jws struct {
	header             members
	signing            string // what the signature is of
	payload, signature []byte
}

func parseJWS(token string) (jws, error) {
	part := strings.Split(token, ".")
	if len(part) != 3 {
		return jws{}, errToken
	}
	var raw [3][]byte
	for i := range raw {
		var err error
		if raw[i], err = base64.RawURLEncoding.Strict().DecodeString(part[i]); err != nil {
			return jws{}, err
		}
	}
	h, err := parseMembers(raw[0])
	return jws{header: h, signing: part[0] + "." + part[1], payload: raw[1], signature: raw[2]}, err
}

// members are those of a JSON object in their order, duplicates and all.
type members []member

type member struct {
	name  string
	value json.RawMessage
}

func parseMembers(data []byte) (members, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errToken
	}
	var all members
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return nil, errToken
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		all = append(all, member{name, value})
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errToken
	}
	return all, nil
}

// first is the value of a name, nil without one.
func (m members) first(name string) json.RawMessage {
	for _, one := range m {
		if one.name == name {
			return one.value
		}
	}
	return nil
}

func (m members) last(name string) (value json.RawMessage) {
	for _, one := range m {
		if one.name == name {
			value = one.value
		}
	}
	return value
}

// twice tells whether some name stands there more than once.
func (m members) twice() bool {
	seen := map[string]bool{}
	for _, one := range m {
		if seen[one.name] {
			return true
		}
		seen[one.name] = true
	}
	return false
}

// text is a JSON string, "" for anything else.
func text(raw json.RawMessage) (s string) {
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// unwrap opens an envelope: a JWE to a key of the token service, which anybody
// can make, or an unsigned token with another one in it (RFC 7519 section 5.2).
// What is in it is taken as it is.
func (v *verifier) unwrap(token string) (inner jws, ok bool) {
	var letter []byte
	if strings.Count(token, ".") == 4 {
		e, err := jose.ParseEncryptedCompact(token,
			[]jose.KeyAlgorithm{jose.ECDH_ES, jose.ECDH_ES_A128KW, jose.ECDH_ES_A256KW, jose.RSA_OAEP, jose.RSA_OAEP_256},
			[]jose.ContentEncryption{jose.A128GCM, jose.A256GCM, jose.A128CBC_HS256, jose.A256CBC_HS512})
		if err != nil {
			return jws{}, false
		}
		var key any = v.keys.signing
		if second, err := v.keys.rsa(); err == nil && strings.HasPrefix(e.Header.Algorithm, "RSA") {
			key = second
		}
		if letter, err = e.Decrypt(key); err != nil {
			return jws{}, false
		}
	} else {
		outer, err := parseJWS(token)
		if err != nil || !strings.EqualFold(text(outer.header.first("cty")), "JWT") {
			return jws{}, false
		}
		letter = outer.payload
	}
	inner, err := parseJWS(strings.Trim(string(letter), `"`))
	return inner, err == nil
}
