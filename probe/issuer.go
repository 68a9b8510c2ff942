// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/oci"
)

// Token is the token that a client gets for the image by the login that the
// registry asks for; nil is a stranger. It is the one that the run has used
// already, where there is one. why says why there is none.
func (t *Trial) Token(ctx context.Context, id *Identity) (token string, trail []string, why string) {
	d, who := t.door, *anonymous
	if id != nil {
		who = id.Identity
	}
	q := question{lane: d.first(), id: &who, request: manifestOf(t.Repository(), t.Reference())}
	challenges := rescoped(d.lastChallenges(), true)
	if id == nil {
		q.lent = t.lent()
		who = d.stranger(q, challenges)
	}
	g := d.logins.Authorize(ctx, d.reg, who, challenges, d.scope(q))
	token, bearer := strings.CutPrefix(g.Header, "Bearer ")
	switch {
	case g.Problem != "":
		return "", g.Evidence, g.Problem
	case g.Refused:
		return "", g.Evidence, "the token service refuses"
	case !bearer:
		return "", g.Evidence, "the registry asks for no bearer token"
	}
	t.hide(token)
	return token, g.Evidence, ""
}

// Hide keeps what is as good as a secret out of every record: a token that was
// made from one.
func (t *Trial) Hide(secrets ...string) { t.hide(secrets...) }

// Published asks the host of a token service for another path of it, as a
// stranger: its keys are public. Redirects are followed as far as the guard lets.
func (t *Trial) Published(ctx context.Context, is Issuer, path string) Answer {
	d := t.door
	if why := d.stopped(anonymous); why != "" {
		return Answer{NotAsked: why}
	}
	u, err := d.ep.URL.Parse(is.Realm)
	if err != nil {
		return Answer{Problem: err.Error()}
	}
	at := url.URL{Scheme: u.Scheme, Host: u.Host, Path: path}
	var a Answer
	a.Response, a.Trail, err = d.logins.Put(ctx, d.reg, *anonymous, at.String(), login.Ask{})
	if err != nil {
		a.Problem = err.Error()
	}
	if denied(a.Status) {
		d.denied.Add(1)
	}
	a.First = a.Response
	return a
}

// Signing is the key of the token service, nil when it was not given.
func (t *Trial) Signing() *Signing { return t.door.target.Signing }

// Verifies is the public key of the token service, nil when it was not given.
func (t *Trial) Verifies() *Verifies { return t.door.target.Verifies }

// OtherIssuers are the token services that the configuration names as those of
// other registries, and those that the other endpoints of this registry name and
// that are not this one's.
func (t *Trial) OtherIssuers(is Issuer) []Issuer {
	out := slices.Clone(t.door.target.Foreign)
	seen := map[string]bool{is.Realm: true}
	for _, d := range t.door.run.doors {
		if d.target != t.door.target || d == t.door {
			continue
		}
		for _, c := range d.lastChallenges() {
			other := Issuer{Realm: c.Params["realm"], Service: c.Params["service"]}
			u, err := d.ep.URL.Parse(other.Realm)
			if c.Scheme != "bearer" || err != nil || u.Host == "" || seen[other.Realm] || !t.owned(u) {
				continue
			}
			seen[other.Realm] = true
			out = append(out, other)
		}
	}
	return out
}

// Peek asks one odd way once, at the first address, and judges it. What it came
// to is not confirmed, so that no finding may rest on it; it says what another
// probe will find. An attempt of the same bytes shares the answer.
func (t *Trial) Peek(ctx context.Context, a Attempt) Verdict {
	a.Class, a.Direct, a.Change, a.step = Variant, true, within(a.Change), true
	if a.Judge == nil {
		a.Judge = JudgeOdd
	}
	return t.try(ctx, a, t.door.first())
}

// Nowhere is a repository of the same depth that nobody has.
func (t *Trial) Nowhere() string { return t.door.run.randomName(t.Repository()) }

// Name is a repository in the names of this endpoint, as tokens have it.
func (t *Trial) Name(repository string) string { return t.door.ep.Prefix + repository }

// Begin starts an upload with a token, and cancels it at once. A failure is an
// upload that was started (see UploadStart). The run must allow CancelledWrite.
func (t *Trial) Begin(ctx context.Context, a Attempt) Verdict {
	a.Request = oci.Request{Method: http.MethodPost, Kind: oci.UploadStart, Repository: t.Repository()}
	if !t.Allows(CancelledWrite) {
		return Verdict{Outcome: finding.NotChecked, Reason: "it needs " + CancelledWrite.Flag()}
	}
	a.Judge, a.Class, a.Fresh, a.Direct, a.Again, a.Lent = UploadStart, Canonical, true, true, 1, true
	v := t.try(ctx, a, t.door.first())
	if v.Outcome == finding.Fail && a.With != "" {
		v.Reason = "started with " + a.With
		v.Message = strings.Replace(v.Message, "without credentials", "with "+a.With, 1)
	}
	return v
}

// Strike deletes a manifest that cannot exist, with the credential of the
// attempt. It changes nothing, and tells by its status whether the right to
// delete was there. The run must allow CancelledWrite.
func (t *Trial) Strike(ctx context.Context, a Attempt) Answer {
	if !t.Allows(CancelledWrite) {
		return Answer{NotAsked: "it needs " + CancelledWrite.Flag()}
	}
	return t.ask(ctx, question{
		lane: t.door.first(), id: anonymous, phase: phaseFresh, variant: true, direct: true, fresh: true, lent: t.lent(), change: named(a.As, a.Change),
		request: oci.Request{Method: http.MethodDelete, Kind: oci.Manifest, Repository: t.Repository(), Reference: randomDigest()},
	})
}
