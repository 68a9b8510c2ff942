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
	"github.com/regproof/regproof/wire"
)

// way is somebody, and a repository that he may pull.
type way struct {
	id      *probe.Identity // nil is a stranger
	other   probe.ImageRef
	replies []probe.Reply // denials that are to count
	control []string
}

func (w *way) who() string {
	if w.id == nil {
		return "a stranger"
	}
	return w.id.Name
}

// through finds for each identity that may not pull the image a repository that
// it may; for strangers one that policy opens to everybody.
func through(t *probe.Trial) []*way {
	var out []*way
	others := slices.DeleteFunc(t.Images(), func(i probe.ImageRef) bool { return i.Repository == t.Repository() })
	for _, id := range t.Others(t.Repository(), access.Pull) {
		if i := slices.IndexFunc(others, func(i probe.ImageRef) bool { return mayPull(t, id, i.Repository) }); i >= 0 {
			out = append(out, &way{id: id, other: others[i]})
		}
	}
	if i := slices.IndexFunc(others, func(i probe.ImageRef) bool { return t.Open(i.Repository) }); i >= 0 && !t.Open(t.Repository()) {
		out = append(out, &way{other: others[i]})
	}
	return out
}

// try asks. It returns a result where that is decided, and otherwise keeps the
// denials.
func (w *way) try(ctx context.Context, t *probe.Trial, blobs []*image.Content) probe.Result {
	r := probe.Result{Outcome: finding.Unknown, Observed: "unknown", Subject: subjectOf(blobs[0])}
	manifest := probe.Attempt{Request: oci.Request{Method: http.MethodGet, Kind: oci.Manifest, Repository: w.other.Repository, Reference: w.other.Reference, Accept: oci.AcceptManifests()}}
	there := t.Read(ctx, w.id, manifest)
	if r.Evidence = there.Trail; there.NotAsked != "" {
		r.Outcome, r.Reason = finding.NotChecked, there.NotAsked
		return r
	}
	if _, err := oci.ParseDocument(there.Body); there.Status != http.StatusOK || err != nil {
		r.Reason = fmt.Sprintf("no control: %s does not read %s either (%s)", w.who(), w.other.Repository, there.What)
		return r
	}
	w.control = there.Trail
	for _, b := range blobs { // what it reads in its own place is no matter of this probe, and on zot a link might be made
		own := t.Read(ctx, w.id, blob(t.Repository(), b))
		r.Evidence = append(slices.Clone(r.Evidence), own.Trail...)
		switch own.Saw {
		case probe.Served:
			return probe.NotApplicable(w.who() + " reads it in its own repository")
		case probe.Nothing:
			r.Reason = own.What
			return r
		}
	}
	if holds, trail := w.holds(ctx, t); holds {
		r := probe.NotApplicable(w.other.Repository + " serves a manifest of the same image, so it may hold the blobs by right")
		r.Evidence = trail
		return r
	}
	for i, b := range blobs {
		a := blob(w.other.Repository, b)
		got := t.Read(ctx, w.id, a)
		switch {
		case got.Saw != probe.Served:
			w.replies = append(w.replies, got)
		case i == 0 || len(blobs) == 1:
			return w.leaks(ctx, t, a, got, blobs)
		default:
			r.Evidence, r.Reason = got.Trail, fmt.Sprintf("%s serves a layer, and not the config: another image there may have the same layer", w.other.Repository)
			return r
		}
	}
	r.Outcome = ""
	return r
}

// holds says whether the other repository has a manifest of the image.
func (w *way) holds(ctx context.Context, t *probe.Trial) (bool, []string) {
	k := t.Known()
	var trail []string
	for _, m := range append([]*image.Content{k.Root}, k.Children...) {
		a := t.Read(ctx, w.id, probe.Attempt{Content: m, Request: oci.Request{
			Method: http.MethodGet, Kind: oci.Manifest, Repository: w.other.Repository, Reference: string(m.Digest), Accept: oci.AcceptManifests(),
		}})
		if trail = append(trail, a.Trail...); a.Saw == probe.Served {
			return true, trail
		}
		if len(trail) >= maxManifests {
			break
		}
	}
	return false, trail
}

// maxManifests bounds how many manifests of an index are looked for elsewhere.
const maxManifests = 8

// leaks is the finding. HEAD and a range are told too, and a layer.
func (w *way) leaks(ctx context.Context, t *probe.Trial, a probe.Attempt, got probe.Reply, blobs []*image.Content) probe.Result {
	always := t.ReadAgain(ctx, w.id, a, &got)
	control, _ := t.Shown(blob(t.Repository(), blobs[0]), false)
	r := probe.Result{
		Outcome: finding.Fail, Observed: "allow", Reason: got.What, Evidence: got.Trail, Control: union(control, w.control), Subject: subjectOf(got.Content), Attempts: 3,
		Message: fmt.Sprintf("%s reads a blob of %s under %s, which does not hold it", w.who(), t.Repository(), w.other.Repository),
	}
	if w.id == nil {
		r.Severity = finding.Critical
	}
	if !always {
		r.Message += ", and not each time when it was asked again"
	}
	head := a
	head.Variant, head.Request.Method = "HEAD", http.MethodHead
	part := a
	part.Variant, part.Change = "Range", func(r *wire.Request) { r.Header = append(r.Header, [2]string{"Range", "bytes=0-99"}) }
	more := []probe.Attempt{head, part}
	for _, b := range blobs[1:] {
		more = append(more, blob(w.other.Repository, b))
	}
	for _, m := range more {
		r.Attempts++
		if also := t.Read(ctx, w.id, m); also.Saw == probe.Served || also.Status == http.StatusPartialContent {
			r.Deviations = append(r.Deviations, finding.Deviation{Variant: m.Variant, Evidence: also.Trail})
		}
	}
	return r
}

// settle makes the result of denials. control shows the blob in its own place.
func (w *way) settle(ctx context.Context, t *probe.Trial, r probe.Result, control []string, why string) probe.Result {
	if r.Outcome == "" {
		subject := r.Subject
		r = denied(ctx, t, w.id, union(control, w.control), w.replies...)
		if r.Subject = subject; r.Outcome == finding.Pass && why != "" {
			r.Outcome, r.Observed, r.Reason = finding.Unknown, "unknown", why
		}
	}
	r.Identity = "anonymous"
	if w.id != nil {
		r.Identity = w.id.Name
	}
	return r
}
