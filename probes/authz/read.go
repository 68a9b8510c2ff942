// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
)

// reads are the ways to the content of an image, the plainest first.
func reads(t *probe.Trial) []probe.Attempt {
	tag := t.Plain()
	out := []probe.Attempt{tag}
	k := t.Known()
	if k == nil {
		return out
	}
	if digest := string(k.Root.Digest); digest != t.Reference() {
		a := tag
		a.Variant, a.Request.Reference = "by digest", digest
		out = append(out, a)
	}
	for _, some := range [][]*image.Content{k.Configs, k.Layers} {
		if own := t.Private(some); len(own) > 0 {
			out = append(out, blob(t.Repository(), own[0]))
		}
	}
	head := tag
	head.Variant, head.Request.Method = "HEAD", http.MethodHead
	return append(out, head)
}

// blob asks for a config or a layer under a repository.
func blob(repository string, c *image.Content) probe.Attempt {
	return probe.Attempt{
		Variant: "the " + string(c.Kind), Content: c, Limits: probe.BlobLimits(c),
		Request: oci.Request{Method: http.MethodGet, Kind: oci.Blob, Repository: repository, Reference: string(c.Digest)},
	}
}

// tooMuch judges what an identity got that is to get nothing.
func tooMuch(ctx context.Context, t *probe.Trial, id *probe.Identity, attempts []probe.Attempt, got []probe.Reply) probe.Result {
	at := -1
	var also []finding.Deviation
	for i := range got {
		switch {
		case got[i].Saw != probe.Served:
		case at < 0:
			at = i
		default:
			also = append(also, finding.Deviation{Variant: attempts[i].Variant, Evidence: got[i].Trail})
		}
	}
	if at < 0 {
		control, why := t.Shown(attempts[0], hides(got))
		r := denied(ctx, t, id, control, got...)
		if r.Outcome == finding.Pass && why != "" {
			r.Outcome, r.Observed, r.Reason = finding.Unknown, "unknown", why
		}
		return r
	}
	hit := got[at]
	if toStrangers(ctx, t, attempts[at]) {
		return probe.NotApplicable("it is open to strangers too, which is no right of " + id.Name)
	}
	always := t.ReadAgain(ctx, id, attempts[at], &hit)
	control, _ := t.Shown(attempts[at], false)
	r := probe.Result{
		Outcome: finding.Fail, Observed: "allow", Reason: hit.What, Evidence: hit.Trail, Control: control, Deviations: also, Attempts: len(got),
		Variant: attempts[at].Variant, Subject: subjectOf(hit.Content), Address: hit.Request.Address.Addr().String(), Protocol: string(hit.Request.Proto),
		Message: fmt.Sprintf("%s reads %s, which policy does not let it pull", id.Name, t.Repository()),
	}
	if attempts[at].Request.Method == http.MethodHead {
		r.Severity = finding.Medium
		r.Message = fmt.Sprintf("HEAD tells %s digest, size and type of %s, which policy does not let it pull", id.Name, t.Repository())
	}
	if !always {
		r.Message += ", and not each time when it was asked again"
	}
	return r
}

// hides says whether a denial is the word that there is no such thing.
func hides(got []probe.Reply) bool {
	for _, a := range got {
		if a.Status == http.StatusNotFound {
			return true
		}
	}
	return false
}

// toStrangers says whether a stranger is served it too, at times at least: one
// replica of several may be open.
func toStrangers(ctx context.Context, t *probe.Trial, a probe.Attempt) bool {
	for n := range 3 {
		a.Again, a.Fresh = n+1, true
		if t.Read(ctx, nil, a).Saw == probe.Served {
			return true
		}
	}
	return false
}

// tooStrict judges what an identity got that is to read the image.
func tooStrict(ctx context.Context, t *probe.Trial, id *probe.Identity, a probe.Attempt, got probe.Reply) probe.Result {
	r := probe.Result{Expected: "allow", Observed: "unknown", Evidence: got.Trail, Attempts: 1}
	if got.Saw == probe.Served {
		r.Outcome, r.Observed, r.Control, r.Reason = finding.Pass, "allow", got.Trail, got.What+", as policy says"
		return r
	}
	control, why := t.Shown(a, true)
	if why != "" && got.NotAsked == "" {
		r.Outcome, r.Reason = finding.Unknown, why
		return r
	}
	d := denied(ctx, t, id, control, got)
	if d.Outcome != finding.Pass {
		d.Expected = "allow"
		return d
	}
	if !t.ReadAgain(ctx, id, a, &got) {
		r.Outcome, r.Reason, r.Evidence = finding.Unknown, "denied at first, and not when it was asked again", got.Trail
		return r
	}
	r.Outcome, r.Severity, r.Observed, r.Evidence, r.Control = finding.Fail, finding.Low, "deny", got.Trail, d.Control
	r.Reason = d.Reason
	r.Message = fmt.Sprintf("%s is denied %s (%s), which policy lets it pull", id.Name, t.Repository(), strings.TrimSpace(got.What))
	r.Fix = "Give the identity the right in the registry, or take the rule out of policy.rules."
	return r
}

func subjectOf(c *image.Content) *finding.Subject {
	if c == nil {
		return nil
	}
	return &finding.Subject{Kind: string(c.Kind), Digest: string(c.Digest), MediaType: c.MediaType}
}
