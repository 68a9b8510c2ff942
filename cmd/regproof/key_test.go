// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLoadKey: a private key is read in each form, and a fault shows nothing of it.
func TestLoadKey(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, b []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}))
	}
	for name, c := range map[string]struct {
		text string
		good bool
	}{
		"PKCS #8": {block("PRIVATE KEY", pkcs8), true}, "SEC 1 after its parameters": {block("EC PARAMETERS", []byte{1}) + block("EC PRIVATE KEY", sec1), true},
		"broken": {block("PRIVATE KEY", sec1), false}, "a certificate": {block("CERTIFICATE", pkcs8), false}, "nothing": {"", false}, "text": {"secret", false},
	} {
		path := filepath.Join(t.TempDir(), "key.pem")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := loadKey(path)
		if (err == nil) != c.good || (c.good && !key.Equal(got)) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPublicKey: a public key is read in each form, and a private one is not taken
// for it.
func TestPublicKey(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	strange, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkix := func(key any) []byte {
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	sec1, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, b []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}))
	}
	for name, c := range map[string]struct {
		text string
		want interface{ Equal(crypto.PublicKey) bool } // nil is a fault
	}{
		"PKIX":          {"a comment\n" + block("PUBLIC KEY", pkix(key.Public())), &key.PublicKey},
		"PKCS #1":       {block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&other.PublicKey)), &other.PublicKey},
		"a certificate": {block("CERTIFICATE", certificate), &key.PublicKey},
		"a private key": {block("EC PRIVATE KEY", sec1), nil}, "one of another kind": {block("PUBLIC KEY", pkix(strange.PublicKey())), nil},
		"broken": {block("PUBLIC KEY", sec1), nil}, "a broken certificate": {block("CERTIFICATE", sec1), nil}, "nothing": {"", nil}, "text": {"secret", nil},
		"a large file": {block("PUBLIC KEY", pkix(key.Public())) + strings.Repeat("x", 100_000), nil},
	} {
		path := filepath.Join(t.TempDir(), "key.pem")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		switch got, err := publicKey(path); {
		case c.want == nil && err == nil, c.want != nil && err != nil:
			t.Errorf("%s: %v", name, err)
		case err != nil && strings.Contains(err.Error(), "secret"):
			t.Errorf("%s: %v", name, err)
		case c.want != nil && (!c.want.Equal(got.Key) || string(got.File) != c.text || (got.Certificate != nil) != (name == "a certificate")):
			t.Errorf("%s: %v", name, got)
		}
	}
	if _, err := publicKey(filepath.Join(t.TempDir(), "none.pem")); err == nil {
		t.Error("a file that is not there is a key")
	}
}
