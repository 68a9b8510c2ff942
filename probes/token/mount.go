// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"fmt"
	"net/http"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
)

// Mount uses a token for the sandbox to get a blob of the image there.
var Mount = probe.Probe{
	ID:    "token/mount",
	Title: "A token of one repository mounts no blob of another",
	Why: "A mount names two repositories. A registry that looks in the token for the one that is written " +
		"to, and not for the one that is read, gives the content of every repository to whoever may push to one.",
	How: []string{
		"who may push to the sandbox asks for a token to pull from and push to it, and for nothing else; the token is used for POST /v2/SANDBOX/blobs/uploads/?mount=DIGEST&from=REPO",
		"201 with the bytes to be read in the sandbox, twice, is a failure, and 201 without them tells that the blob exists, unless a made-up digest gets it too; 202 is an ordinary upload, which is cancelled at once",
		"a denial counts where the same token starts an upload in the sandbox, which is cancelled at once",
		"the blob is written down before, deleted in the sandbox at once, and looked for where it came from",
		"an opaque token that does so is of medium severity: its user may read the blob himself",
	},
	Fix:      "Compare every repository of a request with the access claim: a mount needs push to its target and pull from its source.",
	NotWhen:  "Never: what a token may not pull it may not mount.",
	Severity: finding.High,
	Control:  "token-mount",
	Effect:   probe.SandboxWrite,
	Per:      probe.Once,
	Needs:    []probe.Need{probe.NeedContent},
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		m := templateOf(ctx, t)
		if m.result.Outcome != "" {
			return m.result
		}
		id, blob := pusher(t), alone(t)
		switch {
		case id == nil:
			return probe.NotApplicable(fmt.Sprintf("no identity may by policy push to %s", t.SandboxName()))
		case blob == nil:
			return probe.NotApplicable("the image has no config and no layer of its own")
		}
		l := lenience(ctx, t)
		if r, known := l.issued(t); known {
			return r
		}
		if r, known := l.forging(t); known {
			return r
		}
		box, why := t.SandboxAs(id)
		if box == nil {
			return why
		}
		scope := "repository:" + t.Name(t.SandboxName()) + ":pull,push"
		g := ask(ctx, t, m.issuer, []wish{{"scope=" + scope, probe.Mint{As: id, Scopes: []string{scope}}}})[0]
		if r := narrow(t, g); r.Outcome != "" {
			return r
		}
		defer box.Alone()()
		d := draw{t: t, box: box, held: box.With(t, g.Token), token: g, blob: blob}
		r := d.mount(ctx)
		r.Identity, r.Repository, r.Subject, r.Variant = id.Name, t.SandboxName(), &finding.Subject{Kind: string(blob.Kind), Digest: string(blob.Digest), MediaType: blob.MediaType}, g.name
		return r
	},
}

// pusher is who may push to the sandbox: the entitled, if he may.
func pusher(t *probe.Trial) *probe.Identity {
	first := t.Entitlement()
	for _, id := range append([]*probe.Identity{first}, t.Identities()...) {
		if id == nil {
			continue
		}
		if allow, stated, _ := t.May(id, t.SandboxName(), access.Push); allow || (!stated && id == first) {
			return id
		}
	}
	return nil
}

// alone is a blob that no other image has: the config, if it is one.
func alone(t *probe.Trial) *image.Content {
	k := t.Known()
	for _, some := range [][]*image.Content{k.Configs, k.Layers} {
		if own := t.Private(some); len(own) > 0 {
			return own[0]
		}
	}
	return nil
}

// narrow says why a token is none for the sandbox alone. The zero Result is that
// it is one, or that nobody can tell.
func narrow(t *probe.Trial, g given) probe.Result {
	sandbox := t.Name(t.SandboxName())
	switch more, _ := beyond(g, sandbox); {
	case g.NotAsked != "":
		return probe.Result{Outcome: finding.NotChecked, Reason: g.NotAsked}
	case g.Token == "":
		return probe.Result{Outcome: finding.Unknown, Reason: fmt.Sprintf("%s was given no token to push to %s: %v", g.as(), t.SandboxName(), g.Err), Evidence: g.Trail}
	case !g.claims(sandbox, "push"):
		return probe.Result{Outcome: finding.Unknown, Reason: fmt.Sprintf("the token service gives %s no right to push to %s", g.as(), t.SandboxName()), Evidence: g.Trail}
	default:
		for _, a := range more {
			if a.Name != sandbox {
				return t.Told("the token says itself that it allows more", "token/surplus")
			}
		}
	}
	return probe.Result{}
}

// at is the blob in a repository.
func (d draw) at(repository string) oci.Request {
	return oci.Request{Method: http.MethodGet, Kind: oci.Blob, Repository: repository, Reference: string(d.blob.Digest)}
}
