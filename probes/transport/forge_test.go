// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regproof/regproof/wire"
)

// realWorld is an authority and the certificate of who may read.
func realWorld(t *testing.T) (forger, *x509.Certificate) {
	t.Helper()
	dn, err := asn1.Marshal(pkix.Name{CommonName: "clients", Organization: []string{"corp"}}.ToRDNSequence())
	if err != nil {
		t.Fatal(err)
	}
	ca, ok := madeUp(dn, nil)
	if !ok {
		t.Fatal("no authority")
	}
	id, err := url.Parse("spiffe://corp.example/team-a/ci")
	if err != nil {
		t.Fatal(err)
	}
	leaf := like(nil, "ci")
	leaf.Subject.Organization = []string{"builders"}
	leaf.DNSNames, leaf.URIs = []string{"ci.corp.example"}, []*url.URL{id}
	cert := ca.sign(leaf)
	if cert == nil {
		t.Fatal("no certificate")
	}
	return ca, cert.Leaf
}

// TestStrangers: nobody's certificates have the names of the real one and of its
// authority, and none is signed by it.
func TestStrangers(t *testing.T) {
	ca, real := realWorld(t)
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	other, err := asn1.Marshal(pkix.Name{CommonName: "another"}.ToRDNSequence())
	if err != nil {
		t.Fatal(err)
	}
	claimed := [][]byte{[]byte("no name at all"), other, other, other, other, other}
	var issuers []string
	for _, s := range strangers(ca.sign(like(real, "")), claimed, "regproof-x") {
		leaf := s.cert.Leaf
		if !bytes.Equal(leaf.RawSubject, real.RawSubject) || !slices.Equal(leaf.DNSNames, real.DNSNames) || leaf.URIs[0].String() != real.URIs[0].String() {
			t.Errorf("%s: names %s %v %v", s.who, leaf.Subject, leaf.DNSNames, leaf.URIs)
		}
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err == nil {
			t.Errorf("%s: it verifies", s.who)
		}
		if old := time.Now().After(leaf.NotAfter); old != strings.Contains(s.who, "expired") {
			t.Errorf("%s: ends %s", s.who, leaf.NotAfter)
		}
		issuers = append(issuers, leaf.Issuer.CommonName)
	}
	if want := []string{"ci", "clients", "clients", "another"}; !slices.Equal(issuers, want) {
		t.Errorf("issuers %q, want %q: what is no name is left out, and not many are tried", issuers, want)
	}
	if bare := strangers(nil, nil, "regproof-x"); len(bare) != 2 || bare[0].cert.Leaf.Subject.CommonName != "regproof-x" {
		t.Errorf("without a real one: %d", len(bare))
	}
}

// TestVariants: every certificate that must be refused is signed by the
// authority and differs from the real one; the one that must not be does not.
func TestVariants(t *testing.T) {
	ca, real := realWorld(t)
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	same := func(c *x509.Certificate) bool {
		text := func(list []*url.URL) (out []string) {
			for _, u := range list {
				out = append(out, u.String())
			}
			return out
		}
		_, err := c.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
		return err == nil && bytes.Equal(c.RawSubject, real.RawSubject) && slices.Equal(c.DNSNames, real.DNSNames) && slices.Equal(text(c.URIs), text(real.URIs))
	}
	if good := twin(ca, real); good == nil || !same(good.Leaf) {
		t.Error("the good one is none")
	}
	list := slices.Concat(spoilt, others(real, "regproof-x"), identities(spiffeID(real), "regproof-x"))
	tried := made(ca, real, list)
	if len(tried) != len(list) || len(list) != 20 {
		t.Errorf("%d of %d were made", len(tried), len(list))
	}
	seen := map[string]bool{}
	for _, s := range tried {
		if same(s.cert.Leaf) {
			t.Errorf("%s: it is good", s.who)
		}
		if err := s.cert.Leaf.CheckSignatureFrom(ca.cert); err != nil {
			t.Errorf("%s: %v", s.who, err)
		}
		if seen[s.who] || s.why == "" {
			t.Errorf("%s: twice, or without a word", s.who)
		}
		seen[s.who] = true
	}
	if n := len(others(&x509.Certificate{}, "x")); n != 1 {
		t.Errorf("without a name there is none to look like: %d", n)
	}
}

// TestSPIFFEID: an ID is one URI of that scheme with a trust domain.
func TestSPIFFEID(t *testing.T) {
	for text, want := range map[string]bool{"spiffe://a/b": true, "SPIFFE://a": true, "https://a/b": false, "spiffe:a": false, "spiffe://a/b spiffe://a/c": false, "": false} {
		c := &x509.Certificate{}
		for _, one := range strings.Fields(text) {
			u, err := url.Parse(one)
			if err != nil {
				t.Fatal(err)
			}
			c.URIs = append(c.URIs, u)
		}
		if got := spiffeID(c) != nil; got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
	if spiffeID(nil) != nil {
		t.Error("nobody has one")
	}
}

// TestRefused: what says that a certificate is missing or no good, what is an
// answer to the request, and what is neither.
func TestRefused(t *testing.T) {
	for _, row := range []struct {
		answer            wire.Response
		refused, answered bool
	}{
		{wire.Response{Failure: wire.ClientCert}, true, false},
		{wire.Response{Failure: wire.Timeout}, false, false},
		{wire.Response{Failure: wire.Canceled, Err: errors.New("the budget is spent")}, false, false},
		{wire.Response{Status: 400}, true, false},
		{wire.Response{Status: 403}, true, false},
		{wire.Response{Status: 421}, true, false},
		{wire.Response{Status: 496}, true, false},
		{wire.Response{Status: 200}, false, true},
		{wire.Response{Status: 307}, false, true},
		{wire.Response{Status: 401}, false, true},
		{wire.Response{Status: 404}, false, false},
		{wire.Response{Status: 429}, false, false},
		{wire.Response{Status: 502}, false, false},
		{wire.Response{Status: 200, Failure: wire.Closed}, false, false},
	} {
		if refused(row.answer) != row.refused || answers(row.answer) != row.answered || text(row.answer) == "" {
			t.Errorf("%+v: refused %t, answered %t, %q", row.answer, refused(row.answer), answers(row.answer), text(row.answer))
		}
	}
}

// TestHostileNames: a server may claim authorities of any name.
func TestHostileNames(t *testing.T) {
	for range 10_000 {
		dn := make([]byte, rand.IntN(64))
		for i := range dn {
			dn[i] = byte(rand.Uint32())
		}
		if n := len([]rune(nameOf(dn))); n == 0 || n > 80 {
			t.Fatalf("%x: %d characters", dn, n)
		}
	}
	long, err := asn1.Marshal(pkix.Name{CommonName: strings.Repeat("ü", 5000)}.ToRDNSequence())
	if err != nil {
		t.Fatal(err)
	}
	if n := len([]rune(nameOf(long))); n != 80 {
		t.Errorf("%d characters", n)
	}
}
