// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/wire"
)

// Target is one registry under test, with all its ways in.
type Target struct {
	Name      string
	Endpoints []Endpoint
	Trust     wire.Trust
	// MinVersion is the lowest TLS version that may be offered; 0 is 1.2.
	MinVersion uint16
	Redirects  []credential.Origin // storage hosts that may be followed
	Realms     []credential.Origin // token services that are known to belong to it
	PerSecond  float64             // requests a second; 0 is no limit
	// Concurrent is how many requests may be under way at once; 0 is 32.
	Concurrent int
	// Mutual: a client certificate must be required at every https endpoint and
	// at the token service.
	Mutual   bool
	Product  string    // what it is said to be; "" is to be recognised
	Imported *Imported // what clients are told of it; nil when nothing was read
	Foreign  []Issuer  // token services of other registries, whose tokens must open nothing here
	Signing  *Signing  // what its token service signs with; nil when nobody said
	Verifies *Verifies // what its tokens are verified with; nil when nobody said

	seen *seen
}

// public says whether a host is that of an endpoint which is meant to serve
// everybody.
func (t *Target) public(host string) bool {
	return slices.ContainsFunc(t.Endpoints, func(e Endpoint) bool {
		return e.Expect == Public && strings.EqualFold(e.URL.Hostname(), host)
	})
}

// Endpoint is one way in. Each must hold the controls alone.
type Endpoint struct {
	URL     *url.URL
	Address netip.Addr // pinned; the zero value asks DNS
	Prefix  string     // put before repository names
	Cache   bool       // known to be a shared cache
	Expect  Expect     // what the door is meant to do; "" is Same
	// Roots are the authorities of this endpoint alone; nil is the registry's.
	Roots *x509.CertPool
}

// Expect is what an endpoint is meant to do.
type Expect string

// The expectations. Same: hold the controls. Public: serve everybody. Closed:
// be no registry at all. Redirected: send everybody to https, and serve nothing.
const (
	Same       Expect = "same"
	Public     Expect = "public"
	Closed     Expect = "closed"
	Redirected Expect = "redirect"
)

// shut says whether nothing but being shut is asked of the endpoint.
func (e Endpoint) shut() bool { return e.Expect == Closed || e.Expect == Redirected }

// Signing is the key of a token service, for proofs that its owner alone can
// make: a token that is signed well and wrong in one thing else.
type Signing struct {
	KeyID string
	Key   crypto.Signer
}

// Verifies is the public key of a token service, as its owner has it at hand.
type Verifies struct {
	Key         crypto.PublicKey
	Certificate []byte // DER, nil when the file holds the key alone
	File        []byte // as it stands
}

// Identity is who asks, and where it counts.
type Identity struct {
	login.Identity
	Groups     []string
	Registries []string // names; empty is all
	// TestCA is an authority that the registry trusts and whose key is at hand:
	// it signs the certificates that must be refused. Nil is none.
	TestCA *tls.Certificate
	// Workload is set when its secret is a workload's OIDC token.
	Workload *Workload
	// Problem says why the identity cannot be used: it is then never
	// replaced by anonymous.
	Problem string
}

// Workload says how a registry takes the OIDC token of a workload, and what is
// at hand to make such tokens that must be refused.
type Workload struct {
	Use      credential.Use
	Key      crypto.Signer // of a test issuer that the registry trusts; nil is none
	Subjects []string      // globs of further subjects that are meant to be let in
}

// Token is the workload's own.
func (i Identity) Token() string {
	c := i.Secret.Credential
	switch i.Workload.Use {
	case credential.Password:
		return c.Password.Reveal()
	case credential.Exchanged:
		return c.Subject.Reveal()
	}
	return c.Token.Reveal()
}

// For says whether the identity belongs to a registry.
func (i Identity) For(registry string) bool {
	if len(i.Registries) == 0 {
		return true
	}
	for _, r := range i.Registries {
		if r == registry {
			return true
		}
	}
	return false
}

// ImageRef is one image to try to reach.
type ImageRef struct {
	Registry, Repository, Reference string
	Sampled                         bool   // from a listing: it proves retrieval, and is not asked as every client
	Control                         string // identity that proves it is there; "" lets the run choose
}

// Lane is one way through an endpoint: an address and a protocol.
type Lane struct {
	Address netip.AddrPort
	Proto   wire.Proto
}
