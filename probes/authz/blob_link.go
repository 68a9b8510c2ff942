// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
)

// BlobLink asks whether the sandbox has a blob, and whether it has it since.
var BlobLink = probe.Probe{
	ID:    "authz/blob-link",
	Title: "HEAD of a blob puts it into no repository",
	Why: "A registry that keeps each blob once may answer HEAD under a repository that does not hold the blob by " +
		"linking it there. A question then publishes it: whoever may read the one repository reads the blobs of all.",
	How: []string{
		"as each identity that policy lets pull the sandbox and not the image, and that is denied it: GET of a blob of the image under the sandbox, HEAD, and GET again",
		"content after HEAD where there was none before, seen again twice, is a failure; where HEAD alone says, twice, that the blob is there, and not so of a made-up digest, it is low, since only its existence is told",
		"a blob that the run itself has pushed, and that the identity reads in the sandbox, is the control",
		"the blob is written down before HEAD and deleted in the sandbox at once; where the registry does not let that be done the result and the run name it",
		"nobody asks who may read both the image and the sandbox: what a registry does for such an identity is not tried",
	},
	Fix: "Update the registry, or switch deduplication off. A registry of your own must look a blob up among the links " +
		"of the repository, and make no link but for a push or a mount from a repository that the caller may pull.",
	NotWhen:  "Never: a question must not change what a repository holds.",
	Severity: finding.Critical,
	Control:  "blob-link",
	Effect:   probe.SandboxWrite,
	Per:      probe.Once,
	Needs:    []probe.Need{probe.NeedContent},
	Named:    true,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		writer, why := t.Sandbox(ctx)
		if writer == nil {
			return why
		}
		return claimedBy(ctx, t, access.Pull, func(ctx context.Context, c *claim) { c.link(ctx, writer.Config().Digest) })
	},
}

// link asks. pushed is a blob that is in the sandbox.
func (c *claim) link(ctx context.Context, pushed oci.Digest) {
	shown := c.box.Blob(ctx, pushed, true)
	if c.trail = append(c.trail, shown.Trail...); shown.Digest != pushed {
		c.decide(probe.Result{Outcome: finding.Unknown, Reason: fmt.Sprintf("no control: %s does not read in the sandbox what is there (%s)", c.id.Name, probe.Says(shown.Answer))})
		return
	}
	c.control = shown.Trail
	get := blob(c.t.SandboxName(), c.blob)
	get.Fresh, get.Again = true, 2
	before := c.t.Read(ctx, c.id, get)
	if c.trail = append(c.trail, before.Trail...); before.Status != http.StatusNotFound || before.Saw != probe.Denied {
		c.decide(probe.Result{Outcome: finding.Unknown, Reason: "before HEAD the sandbox was seen without the blob, and then: " + before.What})
		return
	}
	head, absent := c.box.Look(ctx, c.blob.Digest)
	get.Again++
	after := c.t.Read(ctx, c.id, get)
	switch {
	case after.Saw == probe.Served:
		c.given(ctx, head, "HEAD", finding.Low)
		if c.result.Severity == finding.High {
			c.result.Severity = finding.Critical
		}
		c.result.Evidence = append(slices.Clone(before.Trail), c.result.Evidence...)
		return
	case head.Status/100 == 2:
		c.heard(ctx, head, absent, after)
		return
	}
	if after.Status == http.StatusNotFound {
		absent()
	}
	c.replies = append(c.replies, c.t.Refusal(head), after)
}

// heard judges a HEAD that says the blob is there, where it is not to be read.
func (c *claim) heard(ctx context.Context, head probe.Answer, absent func(), after probe.Reply) {
	c.trail = append(append(c.trail, head.Trail...), after.Trail...)
	look := func(d oci.Digest) probe.Answer {
		a, absent := c.box.Look(ctx, d)
		absent() // it is the same blob, or none
		c.trail = append(c.trail, a.Trail...)
		return a
	}
	made := look(oci.Digest(probe.RandomDigest()))
	again := look(c.blob.Digest)
	switch {
	case again.Status/100 != 2 || made.Status != http.StatusNotFound || after.Status != http.StatusNotFound:
		c.decide(probe.Result{Outcome: finding.Unknown, Reason: fmt.Sprintf("HEAD was answered %d and then %d, for a digest that nothing has %d, and GET %s", head.Status, again.Status, made.Status, after.What)})
	default:
		absent()
		c.decide(probe.Result{
			Outcome: finding.Fail, Severity: finding.Low, Observed: "allow", Variant: "HEAD", Control: made.Trail, Attempts: 2,
			Reason:  fmt.Sprintf("HEAD was answered %d twice, %d for a digest that nothing has, and GET %s", head.Status, made.Status, after.What),
			Message: fmt.Sprintf("HEAD under the sandbox %s tells %s that a blob of %s exists, which policy does not let it pull", c.t.SandboxName(), c.id.Name, c.t.Repository()),
		})
	}
}
