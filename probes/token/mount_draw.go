// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
)

// draw is the try to get a blob of the image into the sandbox with a token that is
// for the sandbox alone.
type draw struct {
	t         *probe.Trial
	box, held *probe.Sandbox // as the identity itself, and with the token
	token     given
	blob      *image.Content
}

func (d draw) mount(ctx context.Context) probe.Result {
	t := d.t
	source, why := t.Shown(probe.Attempt{Request: d.at(t.Repository()), Content: d.blob, Limits: probe.BlobLimits(d.blob)}, true)
	before := t.Use(ctx, d.token.as(), d.token.Token, d.at(t.SandboxName()))
	r := probe.Result{Outcome: finding.Unknown, Observed: "unknown", Control: source, Evidence: slices.Concat(d.token.Trail, before.Trail), Attempts: 2}
	switch {
	case before.NotAsked != "":
		r.Outcome, r.Reason = finding.NotChecked, before.NotAsked
		return r
	case before.Status/100 == 2 || before.Status/100 == 3:
		return probe.NotApplicable("the sandbox serves the blob without any trick")
	case before.Status != http.StatusNotFound:
		// It would be taken out again, also if somebody else had put it there.
		r.Reason = fmt.Sprintf("whether the sandbox holds the blob already is not shown to a token for it (%s)", probe.Says(before))
		return r
	}
	a := d.held.Mount(ctx, d.blob.Digest, t.Repository())
	r.Evidence, r.Attempts = append(r.Evidence, a.Trail...), 3
	if a.Status == http.StatusCreated {
		return d.given(ctx, r, a)
	}
	if not := d.box.Undecided(a); not.Outcome != "" {
		r.Outcome, r.Reason = not.Outcome, not.Reason
		return r
	}
	what := "202, an ordinary upload"
	if a.Status != http.StatusAccepted {
		if what = probe.Says(a); !d.no(a) {
			r.Reason = what + ", which is no denial"
			return r
		}
		start, up := d.held.Start(ctx)
		if r.Evidence = append(r.Evidence, start.Trail...); up == nil {
			r.Reason = fmt.Sprintf("no control: the token starts no upload in the sandbox either (%s)", probe.Says(start))
			return r
		}
		d.box.Cancel(ctx, up)
		r.Control = append(slices.Clone(r.Control), start.Trail...)
	}
	if _, doubt := t.Stands(ctx, nil, a); doubt != "" {
		r.Reason = doubt
		return r
	}
	if r.Reason = why; why == "" {
		r.Outcome, r.Observed, r.Reason = finding.Pass, "deny", what+" to a token for "+t.SandboxName()+" alone"
	}
	return r
}

// no says whether an answer refuses a mount.
func (d draw) no(a probe.Answer) bool {
	off := a.Status == http.StatusMethodNotAllowed || (a.Status == http.StatusBadRequest && probe.ErrorCode(a.Response) == "UNSUPPORTED")
	return off || d.t.Refusal(a).Saw == probe.Denied
}

// given is the result where the registry says that the blob is in the sandbox.
func (d draw) given(ctx context.Context, r probe.Result, a probe.Answer) probe.Result {
	t, from := d.t, d.t.Repository()
	made := oci.Digest(probe.RandomDigest())
	any := d.held.Mount(ctx, made, from)
	r.Control = append(slices.Clone(r.Control), any.Trail...)
	nobody := d.box.Stranger().Mount(ctx, made, from)
	r.Control, r.Attempts = append(r.Control, nobody.Trail...), 5
	var read [2]probe.Verdict
	if any.Status != http.StatusCreated {
		for i := range read {
			read[i] = d.read(ctx, i)
			r.Evidence = append(r.Evidence, read[i].Evidence...)
		}
	}
	left := "; " + d.box.Withdraw(ctx, d.blob.Digest)
	if any.Status == http.StatusCreated || nobody.Status == http.StatusCreated {
		d.box.Withdraw(ctx, made)
	}
	switch {
	case nobody.Status == http.StatusCreated || nobody.Status == http.StatusAccepted:
		return t.Told("strangers may push to the sandbox", "immutability/anonymous-write")
	case any.Status == http.StatusCreated:
		r.Reason = fmt.Sprintf("%d, also of a digest that nothing has%s", a.Status, left)
		return r
	}
	r.Outcome, r.Observed, r.Severity = finding.Fail, "allow", finding.High
	r.Reason = "201, and the bytes are read in the sandbox, twice"
	r.Message = fmt.Sprintf("a token for %s alone mounts a blob of %s there and reads it", t.SandboxName(), from)
	switch {
	case read[0].Outcome == finding.Fail && read[1].Outcome == finding.Fail:
	case read[0].Outcome != finding.Pass && read[1].Outcome != finding.Pass:
		r.Reason = "201; whether the bytes are read in the sandbox could not be seen: " + read[0].Reason
		r.Message = fmt.Sprintf("a token for %s alone is told that a blob of %s was mounted there", t.SandboxName(), from)
	default:
		r.Severity, r.Reason = finding.Low, "201 without the bytes; reading it in the sandbox: "+read[0].Reason
		r.Message = fmt.Sprintf("a token for %s alone is told that a blob of %s exists", t.SandboxName(), from)
	}
	if _, readable := beyond(d.token, t.Name(t.SandboxName())); !readable {
		if r.Severity == finding.High {
			r.Severity = finding.Medium
		}
		left += ". The token is opaque: it is one of all that its user may do"
	}
	r.Message += left + d.lost(ctx, &r)
	return r
}

// read reads the blob in the sandbox with the token; a failure is that it is
// served.
func (d draw) read(ctx context.Context, n int) probe.Verdict {
	a := form{name: d.token.name, token: d.token.Token, as: d.token.as(), secret: true}.attempt(probe.Attempt{
		Request: d.at(d.t.SandboxName()), Content: d.blob, Limits: probe.BlobLimits(d.blob), Lent: true, Fresh: true, Again: n + 1,
	})
	return d.t.Peek(ctx, a)
}

// lost says that the blob is no more where it came from.
func (d draw) lost(ctx context.Context, r *probe.Result) string {
	e := d.t.Entitlement()
	if e == nil {
		return ""
	}
	s := d.t.Read(ctx, e, probe.Attempt{Request: d.at(d.t.Repository()), Content: d.blob, Limits: probe.BlobLimits(d.blob), Fresh: true, Again: 1})
	if s.Saw == probe.Served {
		return ""
	}
	r.Evidence = append(r.Evidence, s.Trail...)
	return fmt.Sprintf("; afterwards %s does not read it in %s (%s): push the image again", e.Name, d.t.Repository(), s.What)
}
