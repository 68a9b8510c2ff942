// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"
	"strings"

	"github.com/regproof/regproof/wire"
)

// shared is an answer that may serve several who ask.
type shared struct {
	resp  wire.Response
	trail []string
}

type sharedAnswer struct {
	done chan struct{}
	shared
}

// share lets one ask and all others use the answer; each use is recorded as
// an exchange of its own that names the first.
func (g *group) share(ctx context.Context, key string, once func() shared) shared {
	g.mu.Lock()
	s, ok := g.answers[key]
	if !ok {
		s = &sharedAnswer{done: make(chan struct{})}
		if g.answers == nil {
			g.answers = map[string]*sharedAnswer{}
		}
		g.answers[key] = s
	}
	g.mu.Unlock()
	if !ok {
		s.shared = once()
		close(s.done)
		return s.shared
	}
	select {
	case <-s.done:
		return shared{resp: s.resp, trail: []string{g.door.wire.Shared(s.resp)}}
	case <-ctx.Done():
		return shared{resp: wire.Response{Failure: wire.Canceled}}
	}
}

// key tells requests apart that differ in any byte or in how they travel.
func key(phase int, r wire.Request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s %s %s %s %s %s\n%s\n%d %d %d %p\n", phase, r.Identity, r.Address, r.Proto, r.SNI, r.Method, r.Target, r.Host, r.Limit, r.KeepFrom, r.Keep, r.Cert)
	for _, h := range r.Header {
		b.WriteString(h[0] + ": " + h[1] + "\n")
	}
	b.Write(r.Body)
	return b.String()
}
