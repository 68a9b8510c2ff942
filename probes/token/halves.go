// SPDX-License-Identifier: Apache-2.0

package token

import (
	"net/url"
	"slices"
	"strings"

	"github.com/regproof/regproof/probe"
)

// halves are POSTs whose body asks for one thing and whose query for another: a
// server that reads both may check the one and grant the other. A GET with a body
// is not among them: where a server behind a front leaves it unread, it would be
// the beginning of somebody else's request.
func halves(t *probe.Trial, is probe.Issuer, id *probe.Identity) (out []wish) {
	who, own, image := "", permitted(t, id), t.Scope("pull")
	if id != nil {
		who = id.Name + ": "
	}
	for _, h := range [][2]string{{own, image}, {image, own}} {
		q := url.Values{"scope": {h[1]}}
		if is.Service != "" {
			q.Set("service", is.Service)
		}
		out = append(out, wish{who + "POST with scope=" + h[0] + " in the body and scope=" + h[1] + " in the query",
			probe.Mint{As: id, Post: true, Scopes: h[:1], Query: q.Encode()}})
	}
	return out
}

// permitted is a scope that somebody may have, so that a server that checks it
// finds nothing wrong: for a stranger, of a repository that policy opens to
// everybody. It is of one that does not exist where none is configured.
func permitted(t *probe.Trial, id *probe.Identity) string {
	name := t.Way().Open
	switch {
	case id != nil:
		name = ownOf(t, id)
	case name == "":
		name = t.Nowhere()
	}
	return "repository:" + t.Name(name) + ":pull"
}

// aside leaves out what strangers got by asking for what they may have as well,
// where that alone opens the image.
func (l lenient) aside(t *probe.Trial, all []given) []given {
	if !l.guests {
		return all
	}
	scope := permitted(t, nil)
	return slices.DeleteFunc(all, func(g given) bool {
		q, _ := url.QueryUnescape(g.mint.Query)
		return g.mint.As == nil && strings.Contains(strings.Join(g.mint.Scopes, " ")+" "+q, scope)
	})
}
