// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"crypto/x509"
	"strings"

	"github.com/regproof/regproof/wire"
)

// Leaf is the certificate of a server, and whose it is.
type Leaf struct {
	Of          string
	Certificate *x509.Certificate
}

// Leaves are the certificates of the endpoint, at its first address, and of the
// token service, where it is another host that is known to belong to the registry.
// Each takes one handshake.
func (t *Trial) Leaves(ctx context.Context) (out []Leaf) {
	d := t.door
	add := func(of string, s wire.Shaken) {
		if len(s.Chain) > 0 {
			out = append(out, Leaf{of, s.Chain[0]})
		}
	}
	if d.ep.URL.Scheme == "https" {
		own := Place{Origin: d.name(), Host: d.ep.URL.Hostname(), request: wire.Request{Host: d.ep.URL.Host, Address: d.first().Address}}
		add("the registry", t.Shake(ctx, own, wire.Hello{}))
	}
	p, why := t.tokenPlace(ctx)
	if why == "" && !strings.EqualFold(p.request.Host, d.ep.URL.Host) {
		add("the token service", t.Shake(ctx, p, wire.Hello{}))
	}
	return out
}
