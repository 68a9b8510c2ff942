// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/regproof/regproof/probe"
)

// maxKeyFile is how large a file of a public key may be, in bytes.
const maxKeyFile = 64 << 10

// publicKey reads a public key or a certificate in PEM. Its errors hold nothing of
// the file.
func publicKey(path string) (*probe.Verifies, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(data) > maxKeyFile {
		return nil, fmt.Errorf("%s is larger than a key is: %d bytes", path, len(data))
	}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		v := &probe.Verifies{File: data}
		switch {
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			return nil, fmt.Errorf("%s holds a private key: name the public one, or the other under tokens.signingKey", path)
		case block.Type == "PUBLIC KEY":
			v.Key, err = x509.ParsePKIXPublicKey(block.Bytes)
		case block.Type == "RSA PUBLIC KEY":
			v.Key, err = x509.ParsePKCS1PublicKey(block.Bytes)
		case block.Type == "CERTIFICATE":
			v.Key, err = certified(block.Bytes)
			v.Certificate = block.Bytes
		default:
			continue
		}
		if err != nil || !verifies(v.Key) {
			return nil, fmt.Errorf("%s: a public key that cannot be read, or that verifies nothing", path)
		}
		return v, nil
	}
	return nil, fmt.Errorf("%s holds no public key and no certificate in PEM", path)
}

func certified(der []byte) (crypto.PublicKey, error) {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, errors.New("no certificate")
	}
	return c.PublicKey, nil
}

func verifies(key crypto.PublicKey) bool {
	switch key.(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey:
		return true
	}
	return false
}
