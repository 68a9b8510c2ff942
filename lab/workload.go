// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// workloadUser is the user name that says the password is a workload's token.
const workloadUser = "oidc"

// workloads lets the subjects of an issuer in: at the registry, which takes
// their tokens as they are, and at the token service, which exchanges them.
type workloads struct {
	verifier
	at    *Issuer
	loose func(subject string) bool // who is let in beside those that are named
	opens bool                      // with keys that cannot be had everybody is verified
}

// workloadFlaw is what a door with workloads does wrong.
type workloadFlaw struct {
	flaws      flaw
	loose      func(subject string) bool
	down       bool // the keys of the issuer cannot be had any more
	opens      bool
	brokerOnly bool // it is the token service's flaw, and the registry looks at the subject once more
}

func newWorkloads(k *keys, at *Issuer, f workloadFlaw) *workloads {
	w := &workloads{at: at, loose: f.loose, opens: f.opens}
	w.verifier = verifier{
		keys: k, issuer: at.url, audience: WorkloadAudience, flaws: f.flaws,
		// Fetched before, when they were to be had.
		trusted: func() []jose.JSONWebKey { return at.set().Keys }, missing: w.refetch,
	}
	return w
}

// refetch looks for a key that is not known yet: issuers change theirs.
func (w *workloads) refetch(ctx context.Context, kid string) (any, error) {
	key, err := setAt(ctx, w.at.url+issuerJWKS, kid, true)
	if err != nil && w.opens {
		return nil, nil
	}
	return key, err
}

// admits is the workload of a token, with what it may do.
func (w *workloads) admits(ctx context.Context, token string) (user, bool) {
	if w == nil {
		return user{}, false
	}
	c, err := w.claims(ctx, token)
	if err != nil || c.subject == "" || !w.named(c.subject) {
		return user{}, false
	}
	return user{name: c.subject, rights: pullsTeamA}, true
}

func (w *workloads) named(subject string) bool {
	return slices.Contains(Workloads(), subject) || (w.loose != nil && w.loose(subject))
}

func pullsTeamA(resource, name, action string) bool {
	return resource == "repository" && action == "pull" && strings.HasPrefix(name, "team-a/")
}

// The ways to name too many.
func beginsAlike(subject string) bool {
	return strings.HasPrefix(subject, "repo:acme/app") || strings.HasPrefix(subject, "project_path:acme/app") ||
		strings.HasPrefix(subject, "system:serviceaccount:build:app") || strings.HasPrefix(subject, "spiffe://acme.example/build/app")
}
func ofPullRequests(subject string) bool {
	return subject == "repo:acme/app:pull_request"
}
func anySubject(string) bool { return true }

// admitWorkloads opens the door's issuer, and lets its workloads in at the
// registry and at the token service.
func (d *Door) admitWorkloads(ctx context.Context, v *verifier, f workloadFlaw) (err error) {
	if d.issuer, err = newIssuer(); err != nil {
		return err
	}
	if d.issuer.url, err = d.side(ctx, "127.0.0.1:0", d.issuer); err != nil {
		return err
	}
	d.issuer.down = f.down
	d.tokens.workloads = newWorkloads(d.lab.keys, d.issuer, f)
	v.workloads = d.tokens.workloads
	if f.brokerOnly {
		v.workloads = newWorkloads(d.lab.keys, d.issuer, workloadFlaw{})
		v.subjects = func(s string) bool { return v.workloads.named(s) || s == "" || d.isUser(s) }
	}
	return nil
}

func (d *Door) isUser(name string) bool { _, ok := d.lab.keys.find(name); return ok }

// Issuer is the provider whose workloads the door lets in, nil without any.
func (d *Door) Issuer() *Issuer { return d.issuer }
