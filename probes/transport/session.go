// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/wire"
)

// ticket keeps one TLS session, and hands it out whatever name is asked for.
type ticket struct {
	mu      sync.Mutex
	session *tls.ClientSessionState
}

// Get implements tls.ClientSessionCache.
func (t *ticket) Get(string) (*tls.ClientSessionState, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.session, t.session != nil
}

// Put implements tls.ClientSessionCache. A session is kept until the next one.
func (t *ticket) Put(_ string, s *tls.ClientSessionState) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s != nil {
		t.session = s
	}
}

// opening is how a session is begun: under another name, which may want no
// certificate or another one.
type opening struct {
	name string // "" sends none
	shown
	max uint16 // TLS version
}

// String names the opening in a finding.
func (o opening) String() string {
	name := "without a name"
	if o.name != "" {
		name = "for " + o.name
	}
	return fmt.Sprintf("a session (%s) that was opened %s with %s", tls.VersionName(o.max), name, o.who)
}

// openings are all of them for one place: under each name without a certificate,
// and where the server asks for one there, with others.
func openings(ctx context.Context, t *probe.Trial, p probe.Place, names []string, others []shown) []opening {
	var out []opening
	for _, name := range names {
		for _, max := range []uint16{tls.VersionTLS13, tls.VersionTLS12} {
			o := opening{name: name, shown: shown{who: "no certificate"}, max: max}
			first := o.begin(ctx, t, p, &ticket{})
			if first.TLS != nil && first.TLS.Version == tls.VersionName(max) && first.Status != 0 {
				out = append(out, o)
			}
			for _, s := range others {
				if first.TLS != nil && first.TLS.Asked {
					out = append(out, opening{name: name, shown: s, max: max})
				}
			}
		}
	}
	return out
}

// begin opens a session, in a whole exchange: the tickets of TLS 1.3 come after
// the handshake.
func (o opening) begin(ctx context.Context, t *probe.Trial, p probe.Place, keep *ticket) wire.Response {
	return t.At(ctx, p, func(r *wire.Request) {
		r.SNI, r.AnyName, r.MaxTLS, r.Cert, r.Session = o.name, true, o.max, o.cert, keep
		if o.name != "" {
			r.Host = o.name
		}
	})
}

// resume goes on with a session at the place itself, without a certificate.
func (o opening) resume(ctx context.Context, t *probe.Trial, p probe.Place, kept *ticket) wire.Response {
	return t.At(ctx, p, func(r *wire.Request) { r.AnyName, r.MaxTLS, r.Session = true, o.max, kept })
}

// try opens a session and resumes it. It says whether there was one, and whether
// the place went on with it and answered.
func (o opening) try(ctx context.Context, t *probe.Trial, p probe.Place) (opened, answered bool, trail []string, last wire.Response) {
	keep := &ticket{}
	first := o.begin(ctx, t, p, keep)
	trail = []string{first.ID}
	if keep.session == nil {
		return false, false, trail, first
	}
	last = o.resume(ctx, t, p, keep)
	trail = append(trail, last.ID)
	return true, last.TLS != nil && last.TLS.Resumed && answers(last), trail, last
}

// otherNames are the names to open sessions under: those of other sites, one of
// nobody, and none.
func otherNames(t *probe.Trial, p probe.Place, seen *wire.Response) []string {
	names := t.Names()
	if seen != nil && seen.TLS != nil {
		names = append(names, seen.TLS.Names...)
	}
	names = slices.DeleteFunc(names, func(n string) bool { return n == p.Host || ip(n) })
	slices.Sort(names)
	names = slices.Compact(names)
	names = append(names[:min(len(names), 5)], t.Nonce()+".invalid")
	if !ip(p.Host) { // for which no name is sent anyway
		names = append(names, "")
	}
	return names
}

func ip(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil
}

// door is the subject of a finding about a way in.
var door = finding.Subject{Kind: "door"}
