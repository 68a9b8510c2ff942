// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"fmt"
	"slices"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/wire"
)

// EmptyCredential logs in with nothing in the place of a name or a password.
var EmptyCredential = probe.Probe{
	ID:    "token/empty-credential",
	Title: "An empty user name or password is refused",
	Why: "A directory takes a bind with a name and no password for an anonymous one and says yes " +
		"(RFC 4513 section 5.1.2). A service that believes it lets in everybody who knows a " +
		"name, or nobody's.",
	How: []string{
		"a made-up user with an empty password, an empty user with an empty password, an empty user with a made-up password: as Basic at the registry, and at the token service, whose tokens are then used",
		"only with --try-wrong-password: the user name of the identity that may read the image, with an empty password, once in a run and at the primary endpoint; it is the one wrong password of that identity",
		"what opens the manifest is asked again on three new connections, but for a configured user; that a made-up user with a made-up password opens nothing is seen first",
	},
	Fix: "Refuse an empty name and an empty password before anything is asked of a directory; at the " +
		"directory, forbid unauthenticated binds.",
	NotWhen:  "The image is meant to be public: say so with a rule in policy.rules.",
	Severity: finding.Critical,
	Control:  "empty-credential",
	Effect:   probe.Read,
	Per:      probe.Once,
	Needs:    []probe.Need{probe.NeedContent},
	Run:      empties,
}

// nobody is a credential that was given to no one.
type nobody struct{ name, user, password string }

const emptiness = "an empty user name or password"

func empties(ctx context.Context, t *probe.Trial) probe.Result {
	if no := t.CertificateOnly(); no.Outcome != "" {
		return no
	}
	user, password := t.Stray()
	is, no := t.Issuer(ctx)
	issued := no.Outcome == ""
	plain := t.Plain()
	basic := func(p nobody) probe.Attempt {
		a := plain
		a.Variant, a.Direct = p.name, true
		a.Change = func(r *wire.Request) {
			r.Header = append(r.Header, [2]string{"Authorization", login.BasicHeader(p.user, p.password)})
		}
		a.Cause, a.With = "An empty name or password counts as a login.", emptiness
		return a
	}
	var tried []string
	trails := map[string][]string{} // by which each token was got
	bearer := func(p nobody) (probe.Attempt, bool) {
		m := t.Mint(ctx, is, probe.Mint{User: [2]string{p.user, p.password}, Empty: true, Scopes: []string{t.Scope("pull")}, Account: p.user})
		tried = append(tried, m.Trail...)
		a := probe.Bearer(plain, "a token for "+p.name, m.Token)
		trails[a.Variant] = m.Trail
		a.Cause, a.With = "The token service gives a token to an empty name or password.", emptiness
		return a, m.Token != ""
	}
	// Where anybody is let in, it is not the emptiness that does it.
	stray := nobody{"a made-up user with a made-up password", user, password}
	ways := []probe.Attempt{basic(stray)}
	if issued {
		if a, ok := bearer(stray); ok {
			ways = append(ways, a)
		}
	}
	var control []string
	for _, a := range ways {
		answer := t.Plainly(ctx, a)
		if t.Serves(plain, answer) {
			teller := "ingress/authorization"
			if a.Variant != stray.name {
				teller = "token/stranger"
			}
			r := t.Told(a.Variant+" opens it as well", teller)
			r.Evidence = answer.Trail
			return r
		}
		control = append(control, answer.Trail...)
	}
	set := probe.Set{Plain: plain}
	for _, p := range []nobody{{"a made-up user with an empty password", user, ""}, {"an empty user with an empty password", "", ""}, {"an empty user with a made-up password", "", password}} {
		set.Odd = append(set.Odd, basic(p))
		if issued {
			if a, ok := bearer(p); ok {
				set.Odd = append(set.Odd, a)
			}
		}
	}
	known, asked := knownWithout(ctx, t, is, issued)
	r := t.Vary(ctx, set)
	if r.Outcome == finding.Fail {
		r.Evidence = slices.Concat(trails[r.Variant], r.Evidence)
	}
	r.Control = slices.Concat(r.Control, control, tried)
	if !issued && no.Outcome == finding.NotChecked && r.Outcome == finding.Pass {
		r.Reason += "; " + no.Reason
	}
	switch {
	case known.Outcome == finding.Fail && r.Outcome != finding.Fail:
		known.Control = r.Evidence
		return known
	case asked != "" && (r.Outcome == finding.Pass || r.Outcome == finding.Fail):
		r.Reason += "; " + asked
	}
	return r
}

// knownWithout tries the name of the entitled with an empty password, if the run
// may: once, and at one place. It returns a failure, and what to say of it
// otherwise.
func knownWithout(ctx context.Context, t *probe.Trial, is probe.Issuer, issued bool) (probe.Result, string) {
	id := t.Entitlement()
	switch {
	case id == nil || id.Secret.Credential.Username == "":
		return probe.Result{}, ""
	case !t.Allows(probe.WrongPassword):
		return probe.Result{}, fmt.Sprintf("%s with an empty password needs --try-wrong-password", id.Name)
	case !t.Primary():
		return probe.Result{}, fmt.Sprintf("%s with an empty password is tried at the primary endpoint alone", id.Name)
	}
	if by, ok := t.Claim(id); !ok {
		return probe.Result{}, fmt.Sprintf("the one wrong password of %s was tried by %s", id.Name, by)
	}
	plain, name := t.Plain(), id.Secret.Credential.Username
	r := probe.Result{Identity: id.Name, Attempts: 1, Subject: manifest(plain)}
	var a probe.Answer
	if issued {
		m := t.Mint(ctx, is, probe.Mint{User: [2]string{name, ""}, Scopes: []string{t.Scope("pull")}, Account: name})
		if r.Evidence = m.Trail; m.Token == "" {
			return probe.Result{}, fmt.Sprintf("%s with an empty password gets no token (%s)", id.Name, said(m.Answer))
		}
		a = t.Use(ctx, probe.Guessing, m.Token, plain.Request)
	} else {
		b := plain
		b.Direct, b.Secret = true, true
		b.Change = func(w *wire.Request) {
			w.Identity = probe.Guessing
			w.Header = append(w.Header, [2]string{"Authorization", login.BasicHeader(name, "")})
		}
		a = t.Plainly(ctx, b)
	}
	if r.Evidence = append(r.Evidence, a.Trail...); !t.Serves(plain, a) {
		return probe.Result{}, fmt.Sprintf("%s with an empty password is refused (%s)", id.Name, said(a))
	}
	stranger := t.Plainly(ctx, plain)
	if r.Evidence = append(r.Evidence, stranger.Trail...); t.Serves(plain, stranger) {
		return probe.Result{}, "it is open to everybody"
	}
	r.Outcome, r.Reason = finding.Fail, "the manifest is served to the name with an empty password, and not to a stranger"
	r.Message = fmt.Sprintf("%s is let in with an empty password", id.Name)
	return decided(r, a, "allow"), ""
}
