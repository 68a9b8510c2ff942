// SPDX-License-Identifier: Apache-2.0

package labtest

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"testing"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/probe"
)

// Workload is an identity that has a token of the door's issuer, which it shows
// in this way. keyed gives it the key of the issuer, as that of a test issuer.
func Workload(t *testing.T, d *lab.Door, name, subject string, use credential.Use, keyed bool) probe.Identity {
	t.Helper()
	token, err := d.Issuer().Token(subject, nil)
	if err != nil {
		t.Fatal(err)
	}
	origin, err := credential.ParseOrigin(d.URL())
	if err != nil {
		t.Fatal(err)
	}
	id := probe.Identity{Identity: login.Identity{Name: name}, Workload: &probe.Workload{Use: use}}
	secret := credential.NewSecret(token)
	switch id.Secret.Origins = []credential.Origin{origin}; use {
	case credential.Bearer:
		id.Secret.Credential.Token = secret
	case credential.Password:
		id.Secret.Credential = credential.Credential{Username: "oidc", Password: secret}
	case credential.Exchanged:
		id.Secret.Credential.Subject = secret
	}
	if keyed {
		id.Workload.Key = issuerKey(t, d)
	}
	return id
}

func issuerKey(t *testing.T, d *lab.Door) crypto.Signer {
	t.Helper()
	text, err := d.Issuer().KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key.(crypto.Signer)
}
