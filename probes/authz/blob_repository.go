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

// BlobRepository asks for a blob of the private image under another repository.
var BlobRepository = probe.Probe{
	ID:    "authz/blob-repository",
	Title: "A blob cannot be read through a repository that does not hold it",
	Why: "Registries keep each blob once, whoever pushed it. If they ask only whether the caller may read " +
		"the repository in the path, whoever reads one repository reads the blobs of all (CVE-2024-39897).",
	How: []string{
		"a config of the private image, which no two builds share, and a layer, under a repository that the identity may pull: GET, then HEAD and Range",
		"only as identities that policy does not let pull the image and that are denied it, and as a stranger under a repository that is public: whoever may read both could link the blob there (zot)",
		"the identity reads a manifest of the other repository: the control; where that repository serves the image's manifest, the image may be there too, which is no leak",
		"a registry that fails may keep a link to the blob in the other repository (zot before 2.1.0)",
	},
	Fix: "Update the registry (zot 2.1.0 or later), or switch deduplication off. A registry of your own must look a blob " +
		"up among the links of the repository.",
	NotWhen:  "The other repository holds the blob itself, untagged.",
	Severity: finding.High,
	Control:  "blob-repository",
	Effect:   probe.Read,
	Per:      probe.Repository,
	Needs:    []probe.Need{probe.NeedContent},
	Named:    true,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		if why := t.Primes(); why != "" {
			return probe.Result{Outcome: finding.NotChecked, Reason: why}
		}
		blobs := unique(t)
		if len(blobs) == 0 {
			return probe.NotApplicable("the image has no config and no layer of its own")
		}
		ways := through(t)
		if len(ways) == 0 {
			return probe.NotApplicable("there is no other repository in images that somebody may pull who may not pull this one: name one there")
		}
		t.Turn(ctx)
		// What is not there at all is denied to nobody.
		control, why := t.Shown(blob(t.Repository(), blobs[0]), true)
		results := make([]probe.Result, len(ways))
		for i, w := range ways { // one after the other: what the first left behind is not the second's
			results[i] = w.try(ctx, t, blobs)
		}
		t.Asked(ctx)
		for i, w := range ways {
			results[i] = w.settle(ctx, t, results[i], control, why)
		}
		return together(results, probe.Result{})
	},
}

// unique are a config and a layer that are this image's alone, the config first:
// a layer may be in another repository by right, since many images share one.
func unique(t *probe.Trial) []*image.Content {
	k := t.Known()
	var out []*image.Content
	for _, some := range [][]*image.Content{k.Configs, k.Layers} {
		if own := t.Private(some); len(own) > 0 {
			out = append(out, own[0])
		}
	}
	return out
}

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
