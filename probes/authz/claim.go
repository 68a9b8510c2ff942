// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
)

// claim is the try of somebody who may push to the sandbox, and not pull the
// image, to get a blob of the image there.
type claim struct {
	t       *probe.Trial
	id      *probe.Identity
	box     *probe.Sandbox
	blob    *image.Content
	result  *probe.Result // when it is decided
	replies []probe.Reply
	control []string // exchanges in which the identity reads, or pushes, in the sandbox
	trail   []string
}

// claimed makes one result of the claims of everybody who may push to the sandbox.
func claimed(ctx context.Context, t *probe.Trial, ask func(context.Context, *claim)) probe.Result {
	return claimedBy(ctx, t, access.Push, func(ctx context.Context, c *claim) {
		if c.sees(ctx) {
			ask(ctx, c)
		}
	})
}

// claimedBy makes one result of the claims of everybody who has a right in the
// sandbox.
func claimedBy(ctx context.Context, t *probe.Trial, right access.Action, ask func(context.Context, *claim)) probe.Result {
	own := unique(t)
	if len(own) == 0 {
		return probe.NotApplicable("the image has no config and no layer of its own")
	}
	ids := claimants(t, right)
	if len(ids) == 0 {
		return probe.NotApplicable(fmt.Sprintf("no identity may by policy %s in %s and not pull %s: configure one that may", right, t.SandboxName(), t.Repository()))
	}
	// What is not there at all is denied to nobody.
	source, why := t.Shown(blob(t.Repository(), own[0]), true)
	results := forEach(ctx, t, ids, func(id *probe.Identity) *claim {
		c := &claim{t: t, id: id, blob: own[0]}
		c.begin(ctx, ask)
		return c
	}, func(id *probe.Identity, c *claim) probe.Result {
		r := c.settle(ctx, source, why)
		r.Identity, r.Repository, r.Subject = id.Name, t.SandboxName(), subjectOf(c.blob)
		return r
	})
	return together(results, probe.Result{})
}

// claimants are those whom policy gives a right in the sandbox, and does not let
// pull the image.
func claimants(t *probe.Trial, right access.Action) []*probe.Identity {
	return slices.DeleteFunc(t.Others(t.Repository(), access.Pull), func(id *probe.Identity) bool {
		allow, stated, _ := t.May(id, t.SandboxName(), right)
		return !allow || !stated
	})
}

// begin asks, unless there is nothing to claim: who reads the blob in its own
// repository, or in the sandbox without any trick, needs none.
func (c *claim) begin(ctx context.Context, ask func(context.Context, *claim)) {
	var why probe.Result
	if c.box, why = c.t.SandboxAs(c.id); c.box == nil {
		c.result = &why
		return
	}
	defer c.box.Alone()()
	for _, place := range [][2]string{{c.t.Repository(), "its own repository"}, {c.t.SandboxName(), "the sandbox without any trick, which authz/blob-repository tells"}} {
		got := c.t.Read(ctx, c.id, blob(place[0], c.blob))
		c.trail = append(c.trail, got.Trail...)
		switch got.Saw {
		case probe.Served:
			c.decide(probe.NotApplicable(c.id.Name + " reads it in " + place[1]))
		case probe.Nothing:
			c.decide(probe.Result{Outcome: finding.Unknown, Reason: got.What})
		case probe.Denied:
			if place[0] == c.t.SandboxName() && got.Status != http.StatusNotFound {
				// It would be taken out again, also if somebody else had put it there.
				c.decide(probe.Result{Outcome: finding.Unknown, Reason: fmt.Sprintf("whether the sandbox holds the blob already is not shown to %s (%s)", c.id.Name, got.What)})
			}
		}
	}
	if c.result == nil {
		ask(ctx, c)
	}
}

// sees pushes a blob to the sandbox and reads it there: whoever is not shown what
// is there would claim what somebody else put there, and have it taken out.
func (c *claim) sees(ctx context.Context) bool {
	body := []byte("A blob by which regproof sees who may push and read: " + probe.RandomDigest())
	d := oci.SHA256(body)
	a := c.box.Upload(ctx, body, d)
	c.trail = append(c.trail, a.Trail...)
	switch {
	case a.NotAsked != "":
		c.decide(probe.Result{Outcome: finding.NotChecked, Reason: a.NotAsked})
		return false
	case a.Status != http.StatusCreated:
		c.decide(probe.Result{Outcome: finding.Unknown, Reason: fmt.Sprintf("no control: %s cannot push to the sandbox (%s)", c.id.Name, probe.Says(a))})
		return false
	}
	got := c.box.Blob(ctx, d, false)
	c.box.Withdraw(ctx, d)
	c.trail = append(c.trail, got.Trail...)
	if got.Digest != d {
		c.decide(probe.Result{Outcome: finding.Unknown, Reason: fmt.Sprintf("whether the sandbox holds the blob already is not shown to %s, who does not read there what it pushed (%s)", c.id.Name, probe.Says(got.Answer))})
		return false
	}
	c.control = slices.Concat(a.Trail, got.Trail)
	return true
}

func (c *claim) decide(r probe.Result) {
	if r.Evidence == nil {
		r.Evidence = c.trail
	}
	if c.result == nil {
		c.result = &r
	}
}

// refused keeps an answer that gave nothing. 202 is an ordinary upload: the bytes
// would have to be sent.
func (c *claim) refused(a probe.Answer) {
	r := refusedWrite(c.t, a)
	if a.Status == http.StatusAccepted {
		r.Saw, r.What = probe.Denied, "202, an ordinary upload"
	}
	c.replies = append(c.replies, r)
}

// settle makes the result.
func (c *claim) settle(ctx context.Context, source []string, why string) probe.Result {
	if c.result != nil {
		return *c.result
	}
	r := denied(ctx, c.t, c.id, union(source, c.control), c.replies...)
	if r.Outcome == finding.Pass && why != "" {
		r.Outcome, r.Observed, r.Reason = finding.Unknown, "unknown", why
	}
	return r
}

// given is the result where the registry says that the blob is in the sandbox.
// It is taken out again, and looked for where it came from.
func (c *claim) given(ctx context.Context, a probe.Answer, how string, low finding.Severity) {
	read := blob(c.t.SandboxName(), c.blob)
	read.Fresh = true
	read.Again = 1
	got := c.t.Read(ctx, c.id, read)
	r := probe.Result{
		Outcome: finding.Fail, Observed: "allow", Variant: how, Control: got.Trail, Attempts: 2,
		Reason: fmt.Sprintf("%d without the bytes; reading it in the sandbox: %s", a.Status, got.What),
	}
	if got.Saw == probe.Served {
		c.t.ReadAgain(ctx, c.id, read, &got)
		r.Severity, r.Control = finding.High, a.Trail
		r.Evidence = append(slices.Clone(a.Trail), got.Trail...)
		r.Message = fmt.Sprintf("%s gets a blob of %s into the sandbox %s and reads it there, by %s", c.id.Name, c.t.Repository(), c.t.SandboxName(), how)
	} else {
		r.Severity = low
		r.Evidence = append(slices.Clone(got.Trail), a.Trail...)
		r.Message = fmt.Sprintf("%s is told that a blob of %s exists, by %s in the sandbox %s", c.id.Name, c.t.Repository(), how, c.t.SandboxName())
	}
	r.Message += "; " + c.box.Withdraw(ctx, c.blob.Digest)
	if e := c.t.Entitlement(); e != nil {
		still := blob(c.t.Repository(), c.blob)
		still.Fresh, still.Again = true, 1
		if s := c.t.Read(ctx, e, still); s.Saw != probe.Served {
			r.Evidence = append(r.Evidence, s.Trail...)
			r.Message += fmt.Sprintf("; afterwards %s does not read it in %s (%s): push the image again", e.Name, c.t.Repository(), s.What)
		}
	}
	c.decide(r)
}

// forAnything says whether a digest that nothing has is answered with 201 too.
func (c *claim) forAnything(ctx context.Context, ask func(oci.Digest) probe.Answer) bool {
	d := oci.Digest(probe.RandomDigest())
	a := ask(d)
	c.trail = append(c.trail, a.Trail...)
	if a.Status != http.StatusCreated {
		return false
	}
	c.box.Withdraw(ctx, d)
	return true
}
