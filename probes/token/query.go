// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/wire"
)

// Query puts a valid token where it does not belong.
var Query = probe.Probe{
	ID:    "token/query",
	Title: "A token in the query string opens nothing",
	Why: "What stands in a URL is kept in the logs of every front, cache and client on the " +
		"way, and in the history of browsers. A token there is as good as published " +
		"(RFC 9700 section 4.3.2).",
	How: []string{
		"a token of the identity that may read the image, which is seen to open it in the Authorization header before and after",
		"the manifest and a layer with the token as ?access_token=, ?token=, ?authorization= and ?jwt=, and in no header",
		"what opens is asked again on three new connections; the token is in no report",
	},
	Fix:      "Take tokens from the Authorization header alone, and drop such parameters in front of the registry.",
	NotWhen:  "The front logs no queries and no client keeps URLs: then nothing is written down, and the habit is bad all the same.",
	Severity: finding.Medium,
	Control:  "token-query",
	Effect:   probe.Read,
	Per:      probe.Once,
	Needs:    []probe.Need{probe.NeedContent},
	Idle:     (*probe.Trial).NoTokens,
	Run:      inQuery,
}

func inQuery(ctx context.Context, t *probe.Trial) probe.Result {
	o, no := ownToken(ctx, t)
	if no.Outcome != "" {
		return no
	}
	token := o.minted.Token
	t.Hide(token)
	set := func(plain probe.Attempt) probe.Set {
		s := probe.Set{Plain: plain}
		for _, q := range []struct{ name, value string }{{"access_token", token}, {"token", token}, {"authorization", "Bearer " + token}, {"jwt", token}} {
			a := plain
			a.Variant, a.Secret, a.Cause = "?"+q.name+"=", true, "The guard takes a token from the query."
			a.As, a.With = o.id.Name, "a token in the query string"
			if plain.Request.Kind == oci.Blob {
				a.Variant += " on a layer"
			}
			a.Change = func(r *wire.Request) {
				sep := "?"
				if strings.Contains(r.Target, "?") {
					sep = "&"
				}
				r.Target += sep + q.name + "=" + url.QueryEscape(q.value)
			}
			s.Odd = append(s.Odd, a)
		}
		return s
	}
	sets := []probe.Set{set(o.plain)}
	if layer, ok := t.PlainLayer(); ok {
		sets = append(sets, set(layer))
	}
	return stillAlive(ctx, t, o, sets)
}

// stillAlive varies, and holds a pass to the token being good still: the denial
// of a token that ended meanwhile would prove nothing.
func stillAlive(ctx context.Context, t *probe.Trial, o own, sets []probe.Set) probe.Result {
	var a probe.Answer
	use := func(ctx context.Context) { a = t.Use(ctx, o.id.Name, o.minted.Token, o.plain.Request) }
	r := t.VaryThen(ctx, use, sets...)
	r.Identity = o.id.Name
	r.Control = append(slices.Clone(r.Control), o.used.Trail...)
	if r.Outcome != finding.Pass {
		return r
	}
	if !t.Serves(o.plain, a) { // at a time when the door let nobody in, maybe
		use(ctx)
	}
	r.Control = append(r.Control, a.Trail...)
	switch {
	case a.NotAsked != "":
		r.Outcome, r.Observed, r.Reason = finding.Unknown, "unknown", "no control: "+a.NotAsked
	case !t.Serves(o.plain, a):
		r.Outcome, r.Observed = finding.Unknown, "unknown"
		r.Reason = fmt.Sprintf("no control: the token of %s does not open the manifest any more (%s)", o.id.Name, said(a))
	}
	return r
}
