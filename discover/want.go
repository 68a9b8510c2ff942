// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"context"
	"net/netip"
	"net/url"
	"slices"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/wire"
)

// Exchanger makes one exchange; *wire.Client is one. It should go on when a
// certificate does not verify (wire.Trust.Insecure): no secret goes to a
// candidate, and the problem is noted.
type Exchanger interface {
	Do(context.Context, wire.Request) wire.Response
}

// Want says whose doors to look for, and what is known of them.
type Want struct {
	URL       *url.URL         // of the registry
	Addresses []netip.AddrPort // of its host, all that are known; ports do not matter; none: Scan asks DNS
	Ports     *Ports           // nil is UsualPorts

	Names  []string // in the certificate, as the server claims them
	Hosts  []string // of realms and redirects seen: URLs, or host and port
	AltSvc []string // values of the Alt-Svc header
	// Challenges are values of WWW-Authenticate that the registry sent: a door
	// with the same token service and service name shows the same registry.
	Challenges []string

	Known []Known // configured doors, the registry's own URL among them: they are not asked

	Repository string     // of an image that is known to be there; "" is none
	Digest     oci.Digest // of its manifest

	Guard   wire.Guard
	Headers [][2]string // for every request: User-Agent, run id; what may hold a secret is left out
}

// Known is a configured door.
type Known struct {
	Origin    credential.Origin
	Addresses []netip.Addr // where it is pinned to; none is every address
}

// Ports are where registries are looked for.
type Ports struct {
	HTTPS, HTTP []uint16
	Debug       []uint16 // plain HTTP, for metrics and profiles
}

// UsualPorts are those that registries and what stands before them listen on:
// distribution 5000 and 5001 (debug), Harbor 80 and 4443, Nexus and Artifactory
// 8081 to 8083, zot 5000 and 8080.
func UsualPorts() Ports {
	return Ports{
		HTTPS: []uint16{443, 8443, 5000, 5001, 5443, 4443},
		HTTP:  []uint16{80, 8080, 5000, 5001, 8081, 8082, 8083, 18080},
		Debug: []uint16{5001, 6060, 9090},
	}
}

// known says whether a candidate is a configured door. One whose address is
// not yet known is, if the door is not pinned.
func (w Want) known(c Candidate) bool {
	origin, err := credential.ParseOrigin(c.URL.String())
	return err == nil && c.Kind == Registry && slices.ContainsFunc(w.Known, func(k Known) bool {
		return k.Origin == origin && (len(k.Addresses) == 0 || slices.ContainsFunc(k.Addresses, func(a netip.Addr) bool { return a.Unmap() == c.Address.Addr().Unmap() }))
	})
}

// configured says whether any configured door has this origin.
func (w Want) configured(o credential.Origin) bool {
	return slices.ContainsFunc(w.Known, func(k Known) bool { return k.Origin == o })
}

// own says whether an address is the registry's.
func (w Want) own(a netip.Addr) bool {
	return slices.ContainsFunc(w.Addresses, func(o netip.AddrPort) bool { return o.Addr().Unmap() == a.Unmap() })
}
