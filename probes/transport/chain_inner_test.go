// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/wire"
)

var now = time.Now()

// issuer makes certificates.
type issuer struct {
	cert *x509.Certificate
	key  crypto.Signer
}

func (s *issuer) sign(t *testing.T, change func(*x509.Certificate), key crypto.Signer) *issuer {
	t.Helper()
	if key == nil {
		var err error
		if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "leaf"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(30 * 24 * time.Hour),
		DNSNames: []string{"r.example"}, IPAddresses: []net.IP{net.IPv4(10, 0, 0, 1)},
	}
	if change != nil {
		change(c)
	}
	parent := &issuer{cert: c, key: key}
	if s != nil {
		parent = s
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent.cert, key.Public(), parent.key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &issuer{parsed, key}
}

func authority(name string) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		c.Subject, c.IsCA, c.BasicConstraintsValid, c.DNSNames, c.IPAddresses = pkix.Name{CommonName: name}, true, true, nil, nil
		c.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature
	}
}

func TestFaults(t *testing.T) {
	root := (*issuer)(nil).sign(t, authority("root"), nil)
	other := (*issuer)(nil).sign(t, authority("other"), nil)
	between := root.sign(t, authority("between"), nil)
	old := root.sign(t, func(c *x509.Certificate) { authority("old")(c); c.NotAfter = now.Add(-time.Minute) }, nil)
	roots := x509.NewCertPool()
	roots.AddCert(root.cert)
	expired := func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Minute) }
	for _, tc := range []struct {
		name  string
		chain []*issuer
		host  string
		want  []string // how each begins
	}{
		{"good", []*issuer{root.sign(t, nil, nil)}, "r.example", nil},
		{"good, by address", []*issuer{root.sign(t, nil, nil)}, "10.0.0.1", nil},
		{"good, with an intermediate", []*issuer{between.sign(t, nil, nil), between}, "r.example", nil},
		{"good, in any case", []*issuer{root.sign(t, nil, nil)}, "R.Example", nil},
		{"another name", []*issuer{root.sign(t, nil, nil)}, "s.example", []string{"it is not for s.example but for r.example and 10.0.0.1"}},
		{"another address", []*issuer{root.sign(t, nil, nil)}, "10.0.0.2", []string{"it is not for 10.0.0.2 but"}},
		{"no name", []*issuer{root.sign(t, func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = nil, nil }, nil)}, "leaf", []string{"it is not for leaf but for no name at all"}},
		{"expired", []*issuer{root.sign(t, expired, nil)}, "r.example", []string{"it expired on"}},
		{"not yet", []*issuer{root.sign(t, func(c *x509.Certificate) { c.NotBefore = now.Add(time.Hour) }, nil)}, "r.example", []string{"it is not valid before"}},
		{"expired, and another name", []*issuer{root.sign(t, expired, nil)}, "s.example", []string{"it expired on", "it is not for"}},
		{"expired, of an unknown authority", []*issuer{other.sign(t, expired, nil), other}, "r.example", []string{"it expired on", "its authority, CN=other, is not trusted here"}},
		{"unknown authority", []*issuer{other.sign(t, nil, nil), other}, "r.example", []string{"its authority, CN=other, is not trusted here"}},
		{"without the intermediate", []*issuer{between.sign(t, nil, nil)}, "r.example", []string{"it was sent without the certificate of its issuer, CN=between"}},
		{"by itself", []*issuer{(*issuer)(nil).sign(t, nil, nil)}, "r.example", []string{"it is signed by itself"}},
		{"an old intermediate", []*issuer{old.sign(t, nil, nil), old}, "r.example", []string{"CN=old in its chain is valid from"}},
		{"for clients alone", []*issuer{root.sign(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, nil)}, "r.example", []string{"certificate specifies an incompatible key usage"}},
		{"SHA-1", []*issuer{root.sign(t, func(c *x509.Certificate) { c.SignatureAlgorithm = x509.ECDSAWithSHA1 }, nil)}, "r.example", []string{"its chain has a signature with MD5 or SHA-1"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var chain []*x509.Certificate
			for _, s := range tc.chain {
				chain = append(chain, s.cert)
			}
			got := faults(chain, tc.host, roots, time.Now())
			if len(got) != len(tc.want) {
				t.Fatalf("%q, want %q", got, tc.want)
			}
			for i := range got {
				if !strings.HasPrefix(got[i], tc.want[i]) {
					t.Errorf("%q, want %q", got[i], tc.want[i])
				}
			}
		})
	}
}

func TestWeaknesses(t *testing.T) {
	root := (*issuer)(nil).sign(t, authority("root"), nil)
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	sha1 := func(c *x509.Certificate) { c.SignatureAlgorithm = x509.ECDSAWithSHA1 }
	oldRoot := (*issuer)(nil).sign(t, func(c *x509.Certificate) { authority("old root")(c); sha1(c) }, nil)
	between := root.sign(t, func(c *x509.Certificate) { authority("between")(c); sha1(c) }, nil)
	for _, tc := range []struct {
		name  string
		chain []*issuer
		want  []string
	}{
		{"strong", []*issuer{root.sign(t, nil, nil), root}, nil},
		{"short RSA", []*issuer{root.sign(t, nil, short)}, []string{"its key is RSA of 1024 bits"}},
		{"short curve", []*issuer{root.sign(t, nil, p224)}, []string{"its key is ECDSA on P-224"}},
		{"SHA-1", []*issuer{root.sign(t, sha1, nil)}, []string{"its signature is ECDSA-SHA1"}},
		{"a root of SHA-1", []*issuer{oldRoot.sign(t, nil, nil), oldRoot}, nil},
		{"an intermediate of SHA-1", []*issuer{between.sign(t, nil, nil), between}, []string{"between's signature is ECDSA-SHA1"}},
		{"an authority", []*issuer{root.sign(t, authority("r.example"), nil)}, []string{"it is an authority's, which may sign others"}},
		{"for clients alone", []*issuer{root.sign(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, nil)}, []string{"its extended key usage leaves servers out"}},
		{"for servers too", []*issuer{root.sign(t, func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
		}, nil)}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var chain []*x509.Certificate
			for _, s := range tc.chain {
				chain = append(chain, s.cert)
			}
			if got := weaknesses(chain); !slices.Equal(got, tc.want) {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

func TestStapled(t *testing.T) {
	root := (*issuer)(nil).sign(t, authority("root"), nil)
	other := (*issuer)(nil).sign(t, authority("root"), nil)
	leaf := root.sign(t, nil, nil)
	must := root.sign(t, func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: mustStaple, Value: []byte{0x30, 3, 2, 1, 5}}}
	}, nil)
	responder := root.sign(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning} }, nil)
	impostor := root.sign(t, nil, nil) // of the same authority, and not made for this
	good := ocsp.Response{Status: ocsp.Good, SerialNumber: leaf.cert.SerialNumber, ThisUpdate: now.Add(-time.Hour), NextUpdate: now.Add(time.Hour), IssuerHash: crypto.SHA1}
	made := func(by *issuer, change func(*ocsp.Response)) []byte {
		r := good
		if change != nil {
			change(&r)
		}
		if by.cert != root.cert && by.cert != other.cert {
			r.Certificate = by.cert
		}
		b, err := ocsp.CreateResponse(root.cert, by.cert, r, by.key)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, tc := range []struct {
		name     string
		leaf     *issuer
		staple   []byte
		issuer   *x509.Certificate
		want     finding.Outcome
		severity finding.Severity
	}{
		{"none", leaf, nil, root.cert, finding.NotApplicable, ""},
		{"none where one must be", must, nil, root.cert, finding.Fail, ""},
		{"good", leaf, made(root, nil), root.cert, finding.Pass, ""},
		{"good, and nobody knows the issuer", leaf, made(root, nil), nil, finding.Unknown, ""},
		{"good, by whom the issuer named", leaf, made(responder, nil), root.cert, finding.Pass, ""},
		{"good, by another certificate of the issuer", leaf, made(impostor, nil), root.cert, finding.Fail, ""},
		{"good, by somebody else of that name", leaf, made(other, nil), root.cert, finding.Fail, ""},
		{"expired", leaf, made(root, func(r *ocsp.Response) { r.NextUpdate = now.Add(-10 * time.Minute) }), root.cert, finding.Fail, ""},
		{"expired by a clock that is ahead", leaf, made(root, func(r *ocsp.Response) { r.NextUpdate = now.Add(-2 * time.Minute) }), root.cert, finding.Pass, ""},
		{"of the future", leaf, made(root, func(r *ocsp.Response) { r.ThisUpdate, r.NextUpdate = now.Add(48*time.Hour), now.Add(72*time.Hour) }), root.cert, finding.Fail, ""},
		{"for another", leaf, made(root, func(r *ocsp.Response) { r.SerialNumber = big.NewInt(7) }), root.cert, finding.Fail, ""},
		{"revoked", leaf, made(root, func(r *ocsp.Response) { r.Status, r.RevokedAt = ocsp.Revoked, now }), root.cert, finding.Fail, finding.High},
		{"unknown", leaf, made(root, func(r *ocsp.Response) { r.Status = ocsp.Unknown }), root.cert, finding.Fail, ""},
		{"no response", leaf, []byte("hello"), root.cert, finding.Fail, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := stapled(wire.Shaken{Chain: []*x509.Certificate{tc.leaf.cert}, Staple: tc.staple}, tc.issuer, time.Now())
			if got.Outcome != tc.want || got.Severity != tc.severity {
				t.Errorf("%s %s: %s", got.Outcome, got.Severity, got.Reason)
			}
		})
	}
}

// TestBrought: a server that fetches a response only once it was asked for one does
// not bring it in the first handshake.
func TestBrought(t *testing.T) {
	leaf := (*issuer)(nil).sign(t, nil, nil).cert
	other := (*issuer)(nil).sign(t, nil, nil).cert
	shown := func(c *x509.Certificate, id, staple string) wire.Shaken {
		return wire.Shaken{ID: id, Chain: []*x509.Certificate{c}, Staple: []byte(staple)}
	}
	var ids []string
	for _, s := range brought([]wire.Shaken{shown(leaf, "a", ""), shown(other, "b", ""), shown(leaf, "c", "x"), shown(leaf, "d", "y"), {ID: "e"}}) {
		ids = append(ids, s.ID)
	}
	if !slices.Equal(ids, []string{"c", "b"}) {
		t.Errorf("%v", ids)
	}
}

func TestStrict(t *testing.T) {
	answer := func(value string) probe.Answer {
		a := probe.Answer{Response: wire.Response{Status: 401}}
		if value != "" {
			a.Header = wire.Header{{"Strict-Transport-Security", value}}
		}
		return a
	}
	for _, tc := range []struct {
		api, page string
		want      finding.Outcome
	}{
		{"max-age=31536000", "", finding.Pass},
		{"", "max-age=31536000; includeSubDomains", finding.Pass},
		{`includeSubDomains; MAX-AGE="600"`, "", finding.Pass},
		{"", "", finding.Fail},
		{"max-age=0", "", finding.Fail},
		{"includeSubDomains", "", finding.Fail},
		{"max-age=-1", "", finding.Fail},
		{"max-age=x", "max-age=1", finding.Pass},
	} {
		if got := strict(answer(tc.api), answer(tc.page)); got.Outcome != tc.want {
			t.Errorf("%q, %q: %s: %s", tc.api, tc.page, got.Outcome, got.Reason)
		}
	}
	if got := strict(probe.Answer{}, probe.Answer{}); got.Outcome != finding.Unknown {
		t.Errorf("no answer: %s", got.Outcome)
	}
}
