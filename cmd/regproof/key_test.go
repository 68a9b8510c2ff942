// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
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
