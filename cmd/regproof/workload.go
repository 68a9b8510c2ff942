// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"

	"github.com/regproof/regproof/config"
	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/probe"
)

// workload is what a run has to know of an identity with an OIDC token, beside
// the token.
func workload(o *config.OIDC) (*probe.Workload, error) {
	w := &probe.Workload{Use: credential.Use(o.Exchange), Subjects: o.Subjects}
	if o.Key.Resolved == "" {
		return w, nil
	}
	var err error
	if w.Key, err = signingKey(o.Key.Resolved); err != nil {
		return nil, fmt.Errorf("oidc.key %s: %w", o.Key.Written, err)
	}
	return w, nil
}

// signingKey reads a private key in one of the usual forms of PEM. Its errors
// hold nothing of the file.
func signingKey(path string) (crypto.Signer, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "PRIVATE KEY":
			if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
				if s, ok := key.(crypto.Signer); ok {
					return s, nil
				}
			}
		case "EC PRIVATE KEY":
			if key, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
				return key, nil
			}
		case "RSA PRIVATE KEY":
			if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
				return key, nil
			}
		}
	}
	return nil, fmt.Errorf("no private key in PEM that signs: expected PRIVATE KEY, EC PRIVATE KEY or RSA PRIVATE KEY, without a passphrase")
}
