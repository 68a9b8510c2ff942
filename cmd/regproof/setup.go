// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/regproof/regproof/probe"
)

// setup is a run in the making, from a name or from a file.
type setup struct {
	opts     probe.Options
	name     string   // what was typed
	sha256   string   // of the configuration file
	require  []string // check.require
	problem  string   // why an identity cannot be used; the run still happens
	loggedIn bool
	caFile   string
	notes    []string

	sandboxNamed bool // the file names the sandbox
}

// runID names a run: it is short enough to be searched for in a log.
func runID() string {
	b := make([]byte, 5)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return hex.EncodeToString(b)
}

// loadRoots reads certificate authorities; "" is the system's.
func loadRoots(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no PEM certificate", path)
	}
	return pool, nil
}

// loadCert reads a client certificate; two empty paths are none.
func loadCert(cert, key string) (*tls.Certificate, error) {
	if cert == "" && key == "" {
		return nil, nil
	}
	if cert == "" || key == "" {
		return nil, fmt.Errorf("a client certificate needs both --cert-file and --key-file")
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("client certificate %s: %w", cert, err)
	}
	return &pair, nil
}

// loadAuthority reads a test authority, which must be able to sign.
func loadAuthority(cert, key string) (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("test authority %s: %w", cert, err)
	}
	if pair.Leaf == nil || !pair.Leaf.IsCA {
		return nil, fmt.Errorf("test authority %s: it is no certificate of an authority", cert)
	}
	return &pair, nil
}

// loadKey reads a private key: PKCS #8, or what openssl writes for EC and RSA.
func loadKey(path string) (crypto.Signer, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		var key any
		switch block.Type {
		case "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		case "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		default: // parameters, certificates
			continue
		}
		if signer, ok := key.(crypto.Signer); ok && err == nil {
			return signer, nil
		}
		return nil, fmt.Errorf("%s: a private key that cannot be read", path)
	}
	return nil, fmt.Errorf("%s holds no private key in PEM", path)
}

// parseResolve reads HOST:ADDR pairs; a host may be named more than once.
func parseResolve(pairs []string) (map[string][]netip.Addr, error) {
	out := map[string][]netip.Addr{}
	for _, p := range pairs {
		host, addr, ok := strings.Cut(p, ":")
		a, err := netip.ParseAddr(strings.Trim(addr, "[]"))
		if !ok || host == "" || err != nil {
			return nil, fmt.Errorf("--resolve %q: expected HOST:ADDR, like registry.example:10.0.0.7", p)
		}
		out[strings.ToLower(host)] = append(out[strings.ToLower(host)], a)
	}
	return out, nil
}
