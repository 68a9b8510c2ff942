// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/wire"
)

// Sign is one thing that an examination found.
type Sign struct {
	Level   Level
	Subject string
	Text    string
}

// Level says what a sign means for a run.
type Level string

// The levels. Broken: a run could not prove anything.
const (
	Fine   Level = "ok"
	Odd    Level = "note"
	Broken Level = "FAIL"
)

// Examine asks whether a run could work: names, addresses, TLS, the API, the
// clock, and whether each identity is alive, which is seen by a garbage
// credential being refused where it is let in.
func Examine(ctx context.Context, opts Options) []Sign {
	r := &run{opts: opts, random: hexRandom(6)}
	var out []Sign
	for i := range opts.Targets {
		t := &opts.Targets[i]
		for _, ep := range t.Endpoints {
			d := newDoor(r, t, ep)
			out = append(out, d.examine(ctx)...)
			if d.problem == "" {
				<-d.prepared
			}
			d.wire.Close()
		}
	}
	return out
}

func (d *door) examine(ctx context.Context) []Sign {
	if d.ep.shut() { // check holds it to that; a password has no business there
		d.problem = "not asked"
		return []Sign{{Fine, "address", d.name() + " is meant to be " + meant(d.ep.Expect) + ", so it is left alone"}}
	}
	d.open(ctx)
	if d.problem != "" {
		return []Sign{{Broken, "address", d.name() + ": " + d.problem}}
	}
	list := []string{}
	for _, a := range d.addresses {
		list = append(list, a.Addr().String())
	}
	out := []Sign{{Fine, "address", d.name() + " is at " + strings.Join(list, ", ")}}
	g := &group{door: d, subject: &subject{}}
	for _, lane := range d.addressLanes() {
		out = append(out, g.reachable(ctx, lane)...)
	}
	for i := range d.run.opts.Identities {
		id := &d.run.opts.Identities[i]
		if id.For(d.target.Name) {
			out = append(out, g.alive(ctx, id))
		}
	}
	return out
}

// reachable asks the ping of one address.
func (g *group) reachable(ctx context.Context, lane Lane) []Sign {
	at := lane.Address.Addr().String()
	a := g.ask(ctx, question{lane: lane, id: anonymous, variant: true, request: oci.Request{Method: "GET", Kind: oci.Ping}})
	if a.First.WantsCertificate() {
		for i := range g.door.run.opts.Identities {
			if id := &g.door.run.opts.Identities[i]; id.Cert != nil && id.For(g.door.target.Name) {
				return []Sign{{Fine, "reach", at + ": a client certificate is required, and there is one"}}
			}
		}
		return []Sign{{Broken, "reach", at + ": a client certificate is required: pass --cert-file and --key-file, or cert of an identity in the file"}}
	}
	if a.First.Failure != "" {
		text := fmt.Sprintf("%s does not answer: %s", at, a.First.Failure)
		if a.First.TLS != nil && a.First.TLS.Problem != "" {
			text = fmt.Sprintf("%s: %s (%s)", at, a.First.TLS.Problem, mend(a.First.TLS.Problem))
		}
		return []Sign{{Broken, "reach", text}}
	}
	out := []Sign{}
	if tls := a.First.TLS; tls != nil {
		out = append(out, Sign{Fine, "tls", fmt.Sprintf("%s: %s, the certificate verifies", at, tls.Version)})
	}
	level, what := Fine, fmt.Sprintf("%s: /v2/ answers %d to anonymous", at, a.First.Status)
	switch a.First.Status {
	case http.StatusOK, http.StatusUnauthorized, http.StatusForbidden:
	default:
		level, what = Odd, what+", which is unusual for a registry"
	}
	if p := g.door.product; p != "" && p != "unknown" {
		what += ", looks like " + p
	}
	out = append(out, Sign{level, "api", what})
	for _, c := range login.ParseChallenges(a.First.Header.Values("Www-Authenticate")) {
		if realm := c.Params["realm"]; c.Scheme == "bearer" {
			out = append(out, Sign{Fine, "tokens", "come from " + realm})
		}
	}
	if a.Problem != "" {
		out = append(out, Sign{Odd, "tokens", a.Problem})
	}
	if when, err := http.ParseTime(a.First.Header.Get("Date")); err == nil {
		if skew := time.Since(when).Abs(); skew > 30*time.Second {
			out = append(out, Sign{Odd, "clock", fmt.Sprintf("%s: %s apart from here; tokens may seem expired", at, skew.Round(time.Second))})
		}
	}
	return out
}

// elsewhere says whether the secret of an identity is for other ways in than this:
// denials here are proven by what it gets there.
func (g *group) elsewhere(id *Identity) bool {
	own, err := credential.ParseOrigin(g.door.name())
	if err != nil {
		return false
	}
	_, here := id.Secret.For(own)
	return !here && len(id.Secret.Origins) > 0
}

// alive says whether an identity's credential is let in where garbage is not.
func (g *group) alive(ctx context.Context, id *Identity) Sign {
	if id.Problem != "" {
		return Sign{Broken, id.Name, "the credential cannot be used: " + id.Problem}
	}
	source := id.Secret.Credential.Source.String()
	if source != "" {
		source = ", from " + source
	}
	ping := oci.Request{Method: "GET", Kind: oci.Ping}
	a := g.ask(ctx, question{lane: g.door.first(), id: &id.Identity, phase: phaseEntitled, variant: true, request: ping})
	junk := g.ask(ctx, question{lane: g.door.first(), id: anonymous, phase: phaseFresh, variant: true, direct: true, request: ping, change: func(r *wire.Request) {
		r.Header = append(r.Header, [2]string{"Authorization", "Basic " + basicJunk(g.door.run)})
	}})
	switch {
	case a.Problem != "" && g.door.ep.URL != g.door.target.Endpoints[0].URL && g.elsewhere(id):
		return Sign{Odd, id.Name, a.Problem + "; here it proves nothing by itself" + source}
	case a.Problem != "":
		return Sign{Broken, id.Name, a.Problem + source}
	case a.Status != http.StatusOK:
		return Sign{Broken, id.Name, fmt.Sprintf("/v2/ answers %d%s%s", a.Status, errorCode(a.Response), source)}
	case junk.Status == http.StatusOK:
		return Sign{Odd, id.Name, "is let in, but so is a made-up user: nothing is proven about it" + source}
	}
	return Sign{Fine, id.Name, "is let in where a made-up user is not" + source}
}
