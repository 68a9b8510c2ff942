// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/wire"
)

// workload is an identity whose OIDC token opens the image: what it is tried
// against.
type workload struct {
	id      *probe.Identity
	jwt     login.JWT
	base    jws   // its header and claims
	own     pair  // a key of ours, which the issuer does not have
	trusted *pair // the key of a test issuer that the registry trusts; nil is none
	several bool  // there are others: findings name it
	control []string
	forms   []form // that must be refused
	why     string // why nothing can be shown by it
	whyKey  string // why the key of the test issuer shows nothing
}

// federation is what a registry's configuration says of workloads, as far as it
// is about the image.
type federation struct {
	workloads []*workload
	outside   []*probe.Identity // whose token is real, and which policy does not let in
	issuer    probe.Issuer
	noBroker  probe.Result // why no token service can be asked
	result    probe.Result // why there is nothing to show
}

// noWorkload is why there is nothing to try.
const noWorkload = "no identity that may pull it has a workload's token (identities.from.oidc)"

func noWorkloads(t *probe.Trial) probe.Result {
	if slices.ContainsFunc(t.Identities(), func(id *probe.Identity) bool { return id.Workload != nil }) {
		return probe.Result{}
	}
	return probe.NotApplicable(noWorkload)
}

// federated finds it out once for the probes of workloads: own tokens that open
// the image are the control of every denial.
func federated(ctx context.Context, t *probe.Trial) federation {
	return probe.Remember(t, "token/workload", func() federation {
		f := federation{}
		others := t.Others(t.Repository(), access.Pull)
		for _, id := range t.Identities() {
			switch {
			case id.Workload == nil:
			case slices.Contains(others, id):
				f.outside = append(f.outside, id)
			default:
				f.workloads = append(f.workloads, &workload{id: id})
			}
		}
		if len(f.workloads) == 0 {
			f.result = probe.NotApplicable(noWorkload)
			return f
		}
		f.issuer, f.noBroker = t.Issuer(ctx)
		if f.open(ctx, t) {
			f.result = probe.NotApplicable("it is open to everybody, without any token of a workload")
			return f
		}
		var wg sync.WaitGroup
		for _, w := range f.workloads {
			w.several = len(f.workloads) > 1
			wg.Go(func() { w.look(ctx, t, &f) })
		}
		wg.Wait()
		for _, w := range f.workloads {
			if w.why == "" {
				w.forms = f.forge(t, w)
			}
		}
		return f
	})
}

// open says whether the manifest is served without a token, or with the one that
// anybody gets.
func (f *federation) open(ctx context.Context, t *probe.Trial) bool {
	if t.Peek(ctx, t.Plain()).Outcome == finding.Fail {
		return true
	}
	if token, _, why := t.Token(ctx, nil); why == "" {
		return opens(ctx, t, form{name: "the token that anybody gets", token: token, secret: true}, t.Plain())
	}
	return false
}

// look shows that the workload's own token opens the image here, and that the
// key of the test issuer makes one that does.
func (w *workload) look(ctx context.Context, t *probe.Trial, f *federation) {
	var err error
	if w.jwt, err = login.ParseJWT(w.id.Token()); err != nil {
		w.why = fmt.Sprintf("the token of %s cannot be read: %s", w.id.Name, err)
		return
	}
	w.base = jws{text(w.jwt.Header), text(w.jwt.Claims)}
	alg, _ := w.jwt.Header["alg"].(string)
	w.own = newPair(alg)
	a := t.As(ctx, w.id, t.Plain().Request, probe.Attempt{})
	w.control = a.Trail
	switch {
	case a.NotAsked != "":
		w.why = a.NotAsked
	case a.Problem != "":
		w.why = fmt.Sprintf("no control: %s did not get the image: %s", w.id.Name, a.Problem)
	case !isImage(t, a):
		w.why = fmt.Sprintf("no control: the token of %s does not open the image here (%d), so that no refusal says anything", w.id.Name, a.Status)
	}
	if w.why != "" || w.id.Workload.Key == nil {
		return
	}
	key := pairOf(w.id.Workload.Key, alg)
	w.trusted = &key
	token := w.renewed(time.Now()).by(key.sign)
	opened, trail := f.through(ctx, t, w.id, token)
	if w.control = append(slices.Clone(w.control), trail...); !opened {
		w.trusted, w.whyKey = nil, fmt.Sprintf("a token of %s that is signed anew with from.oidc.key is refused, so that the key shows nothing", w.id.Name)
	}
}

// isImage says whether an answer is the image's manifest.
func isImage(t *probe.Trial, a probe.Answer) bool {
	k := t.Known()
	return k != nil && a.Status == http.StatusOK && oci.SHA256(a.Body) == k.Root.Digest
}

// through says whether a token opens the image in the way of an identity.
func (f *federation) through(ctx context.Context, t *probe.Trial, id *probe.Identity, token string) (bool, []string) {
	var trail []string
	t.Hide(token)
	if f.atRegistry(id) {
		return opens(ctx, t, inPlace(id, form{name: "the token as a password", token: token, secret: true}), t.Plain()), nil
	}
	if brokered(id) {
		if f.noBroker.Outcome != "" {
			return false, nil
		}
		g := f.exchange(ctx, t, []wish{f.wish(t, id, form{token: token})})[0]
		if trail = g.Trail; g.Token == "" {
			return false, trail
		}
		token = g.Token
	}
	a := t.Use(ctx, withWorkload, token, t.Plain().Request)
	return isImage(t, a), append(slices.Clone(trail), a.Trail...)
}

// brokered says whether the token goes to a token service.
func brokered(id *probe.Identity) bool { return id.Workload.Use != credential.Bearer }

// atRegistry says whether the token is a password for the registry itself, which
// names no token service.
func (f *federation) atRegistry(id *probe.Identity) bool {
	return id.Workload.Use == credential.Password && f.noBroker.Outcome == finding.NotApplicable
}

// inPlace shows a token as the password of an identity, in the place of a bearer.
func inPlace(id *probe.Identity, fo form) form {
	header := [2]string{"Authorization", login.BasicHeader(id.Secret.Credential.Username, fo.token)}
	fo.change = func(r *wire.Request) { r.Header = append(r.Header, header) }
	return fo
}

// wish is an exchange of a token, in the way of an identity.
func (f *federation) wish(t *probe.Trial, id *probe.Identity, fo form) wish {
	if id.Workload.Use == credential.Password {
		return wish{fo.name, probe.Mint{User: [2]string{id.Secret.Credential.Username, fo.token}, Scopes: []string{t.Scope("pull")}}}
	}
	return wish{fo.name, probe.Mint{Form: login.Exchange(f.issuer.Service, fo.token, t.Scope("pull"))}}
}

func (f *federation) exchange(ctx context.Context, t *probe.Trial, wishes []wish) []given {
	return ask(ctx, t, f.issuer, wishes)
}

// forge makes the forgeries that can be made by a workload, and the real tokens of
// those who are not let in.
func (f *federation) forge(t *probe.Trial, w *workload) []form {
	forms := w.unkeyed(t.Nonce())
	if w.trusted != nil {
		meant := slices.Clone(w.id.Workload.Subjects)
		for _, other := range f.workloads {
			meant = append(meant, other.jwt.Text("sub"))
		}
		forms = append(forms, w.keyed(time.Now(), meant)...)
	}
	if f.atRegistry(w.id) {
		for i := range forms {
			forms[i] = inPlace(w.id, forms[i])
		}
	}
	for _, id := range f.outside {
		if id.Workload.Use == w.id.Workload.Use {
			fo := form{name: "the token of " + id.Name, token: id.Token(), with: withWorkload, as: id.Name, cause: looseSubject, secret: true}
			if f.atRegistry(id) {
				fo = inPlace(id, fo)
			}
			forms = append(forms, fo)
		}
	}
	return forms
}

// whole turns a pass into what it is where not all could be tried: without the
// key of an issuer and without a token of somebody else, only signatures were.
func (f *federation) whole(r probe.Result) probe.Result {
	if r.Outcome != finding.Pass {
		return r
	}
	for _, w := range f.workloads {
		switch {
		case w.why != "":
			r.Outcome, r.Observed, r.Reason = finding.Unknown, "unknown", w.why
			return r
		case w.whyKey != "":
			r.Outcome, r.Observed, r.Reason = finding.Unknown, "unknown", w.whyKey+"; "+r.Reason
			return r
		case w.trusted == nil && len(f.outside) == 0:
			r.Outcome, r.Observed = finding.NotChecked, "unknown"
			r.Reason = "audience, subject and time were not tried: give from.oidc.key of a test issuer, or an identity whose token policy does not let in; as for signature and issuer: " + r.Reason
		case w.trusted == nil:
			r.Reason += "; audience and time were not tried, which needs from.oidc.key of a test issuer"
		}
	}
	return r
}
