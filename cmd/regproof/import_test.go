// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/regproof/regproof/clients"
	"github.com/regproof/regproof/probe"
)

// TestImportedAuthority: whom a client believes at a mirror is believed there,
// and not where the credential of the registry goes.
func TestImportedAuthority(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	file := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	believes := func(roots *x509.CertPool) bool {
		_, err := server.Certificate().Verify(x509.VerifyOptions{Roots: roots})
		return err == nil
	}
	for name, roots := range map[string]*x509.CertPool{"the system's": nil, "named": x509.NewCertPool()} {
		t.Run(name, func(t *testing.T) {
			target := probe.Target{Name: "registry.example", Endpoints: []probe.Endpoint{{URL: &url.URL{Scheme: "https", Host: "registry.example"}}}}
			target.Trust.Roots = roots
			s := &setup{}
			s.importDoor(clients.Docker, clients.Door{URL: &url.URL{Scheme: "https", Host: "mirror.example"}, CAFiles: []string{file}, File: "hosts.toml", Line: 1}, "", &target, false)
			if len(target.Endpoints) != 2 {
				t.Fatalf("%d endpoints: %v", len(target.Endpoints), s.notes)
			}
			if believes(target.Trust.Roots) {
				t.Error("the registry's own endpoint believes the mirror's authority")
			}
			if !believes(target.Endpoints[1].Roots) {
				t.Error("the mirror does not")
			}
		})
	}
}
