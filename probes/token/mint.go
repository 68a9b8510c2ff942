// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// wish is one token to ask for.
type wish struct {
	name string // how it is asked for, in the words of a finding
	mint probe.Mint
}

// given is what came of a wish.
type given struct {
	wish
	probe.Minted
}

// ask asks for tokens, all at once.
func ask(ctx context.Context, t *probe.Trial, is probe.Issuer, wishes []wish) []given {
	out := make([]given, len(wishes))
	tasks := make([]func(), len(wishes))
	for i, w := range wishes {
		tasks[i] = func() { out[i] = given{w, t.Mint(ctx, is, w.mint)} }
	}
	together(tasks...)
	return out
}

// refused says whether the answer was a no: an odd wish is refused by any status
// that blames the client, but for those of a rate limit and of a slow way here.
func (g given) refused() bool {
	if g.Status == http.StatusTooManyRequests || g.Status == http.StatusRequestTimeout {
		return false
	}
	return g.Refused || (g.Status/100 == 4 && !g.Filter)
}

// absent says whether nothing takes such questions where they were asked: 404 or
// 405 to every one is no word about a scope.
func absent(all []given) bool {
	return len(all) > 1 && !slices.ContainsFunc(all, func(g given) bool { return g.mint.User[0] == "" && !g.missed() })
}

// knowsNoPost says whether every POST broke the token service, the plain one too:
// it takes none. 503 may pass.
func knowsNoPost(all []given) bool {
	posts := slices.DeleteFunc(slices.Clone(all), func(g given) bool { return !g.mint.Post })
	return len(posts) > 1 && !slices.ContainsFunc(posts, func(g given) bool { return !g.broke() })
}

// broke says whether a POST is answered as by a server that knows none.
func (g given) broke() bool {
	return g.mint.Post && g.Status >= 500 && g.Status != http.StatusServiceUnavailable
}

// missed says whether the answer may be that nothing takes such a question.
func (g given) missed() bool {
	return g.Status == http.StatusNotFound || g.Status == http.StatusMethodNotAllowed
}

// as is who asked, "" for a stranger.
func (g given) as() string {
	if g.mint.As == nil {
		return ""
	}
	return g.mint.As.Name
}

// idle says whether the token says of itself that it allows nothing.
func (g given) idle() bool {
	if g.JWT == nil {
		return false
	}
	grants, ok := g.JWT.Grants()
	for _, a := range grants {
		if len(a.Actions) > 0 {
			return false
		}
	}
	return ok
}

// silent says whether nobody can tell what a token is for: it cannot be read, or
// does not say.
func (g given) silent() bool {
	if g.JWT == nil {
		return true
	}
	_, ok := g.JWT.Grants()
	return !ok
}

// claims says whether a readable token says that it allows something; what
// cannot be read may.
func (g given) claims(name, action string) bool {
	if g.JWT == nil {
		return g.Token != ""
	}
	grants, ok := g.JWT.Grants()
	for _, a := range grants {
		for _, x := range a.Actions {
			if a.Name == name && (x == action || x == "*") {
				return true
			}
		}
	}
	return !ok
}

// meaning is what tells two tokens apart: all but their time and their number.
func (g given) meaning() string {
	if g.JWT == nil {
		return g.Token
	}
	m := maps.Clone(g.JWT.Claims)
	for _, key := range []string{"exp", "iat", "nbf", "jti"} {
		delete(m, key)
	}
	if grants, ok := g.JWT.Grants(); ok && len(grants) == 0 {
		delete(m, "access") // null and [] are the same
	}
	b, _ := json.Marshal(m) // of what was read from JSON
	return g.as() + " " + string(b)
}

// purse is what came of many wishes.
type purse struct {
	given    int     // tokens
	refused  int     // wishes
	usable   []given // of those that mean the same one, without those that allow nothing
	idle     []given // one of each who asked, that allows nothing
	unheard  error   // why a wish had no answer that says anything
	notAsked string
}

func sort(all []given) purse {
	var p purse
	seen := map[string]bool{}
	idle := map[string]bool{}
	nobody, noPost := absent(all), knowsNoPost(all)
	for _, g := range all {
		switch {
		case g.NotAsked != "":
			p.notAsked = g.NotAsked
		case g.mint.Post && noPost:
			p.refused++
		case g.missed() && nobody:
			p.unheard = g.Err
		case g.refused():
			p.refused++
		case g.Err != nil:
			p.unheard = g.Err
		case g.Token == "":
			p.unheard = errors.New("the token service answered without a token")
		case len(g.Token) > maxUsed:
			p.unheard = fmt.Errorf("the token service answered with a token of %d bytes, which is too large to be used", len(g.Token))
		default:
			p.given++
			switch {
			case g.idle() && !idle[g.as()]:
				idle[g.as()] = true
				p.idle = append(p.idle, g)
			case !g.idle() && !seen[g.meaning()]:
				seen[g.meaning()] = true
				p.usable = append(p.usable, g)
			}
		}
	}
	return p
}

// heard holds refusals to the token service still giving tokens to who may have
// them, asked afterwards: a ban looks like a refusal.
func (p purse) heard(ctx context.Context, t *probe.Trial, is probe.Issuer) purse {
	id := t.Entitlement()
	if p.refused == 0 || id == nil || (id.Secret.Credential.Username == "" && id.Secret.Credential.Refresh.IsZero()) {
		return p
	}
	switch m := (own{id: id, issuer: is}).mint(ctx, t, false); {
	case m.NotAsked != "":
		p.notAsked = m.NotAsked
	case m.Token == "":
		p.unheard = fmt.Errorf("the token service refuses everybody by now (%s), which may be a rate limit or a ban", said(m.Answer))
	}
	return p
}

// show makes forms of what was given, of all of it: a pass says that none opens.
func (p purse) show(cause string) (forms []form) {
	for i, g := range p.usable {
		with := "a token that the token service gives to anybody"
		if g.mint.As != nil {
			with = "a token of " + g.as()
		}
		forms = append(forms, form{name: g.name, token: g.Token, cause: cause, with: with, as: g.as(), secret: true, layer: i < maxLayers, trail: g.Trail})
	}
	return forms
}

// all also shows, of who was given nothing that allows anything, one token that
// does not.
func (p purse) all() purse {
	p.usable = slices.Clone(p.usable)
	for _, g := range p.idle {
		if !slices.ContainsFunc(p.usable, func(u given) bool { return u.as() == g.as() }) {
			p.usable = append(p.usable, g)
		}
	}
	return p
}

// maxUsed is how large a token may be to be used, in bytes.
const maxUsed = 32 << 10

// maxLayers bounds how many tokens of a probe are tried on a layer, too.
const maxLayers = 2

// fold says of a result what was asked for, and turns a pass into none where a
// wish had no answer.
func (p purse) fold(r probe.Result) probe.Result {
	r.Attempts += p.given + p.refused
	if r.Outcome != finding.Pass {
		return r
	}
	switch {
	case p.notAsked != "":
		r.Outcome, r.Observed, r.Reason = finding.NotChecked, "unknown", p.notAsked
	case p.unheard != nil:
		r.Outcome, r.Observed, r.Reason = finding.Unknown, "unknown", "not all tokens could be asked for: "+p.unheard.Error()
	default:
		var parts []string
		if p.given > 0 {
			used := "none of which says that it allows anything new"
			if n := len(p.usable); n > 0 {
				used = fmt.Sprintf("%d of them different and used", n)
			}
			parts = append(parts, fmt.Sprintf("%d given, %s", p.given, used))
		}
		if p.refused > 0 {
			parts = append(parts, fmt.Sprintf("%d refused", p.refused))
		}
		rest := strings.TrimPrefix(r.Reason, "0 ways to ask, none opened it; ")
		if len(parts) > 0 {
			rest = "tokens that were asked for: " + strings.Join(parts, ", ") + "; " + rest
		}
		r.Reason = rest
	}
	return r
}
