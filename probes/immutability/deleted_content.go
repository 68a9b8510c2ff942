// SPDX-License-Identifier: Apache-2.0

package immutability

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
)

// settles is how long a delete may take before it counts as one that did not
// happen.
const settles = 5 * time.Second

// DeletedContent deletes a manifest and a blob, and asks for them.
var DeletedContent = probe.Probe{
	ID:    "immutability/deleted-content",
	Title: "What was deleted is no longer served",
	Why: "An image is deleted because it holds a secret or a hole. A cache, a mirror or a stale " +
		"index that goes on serving it undoes that (CVE-2026-35172: distribution with a redis cache), and nobody looks for it any more.",
	How: []string{
		"in the sandbox: a manifest is deleted by digest (one without a tag, where a rule for tags refuses that), and a blob that no manifest names; where that is accepted, both are asked for by digest, the manifest by its tag too",
		"at every other endpoint of the registry as well, if it served the manifest before (not through what looks like a shared cache, without --prime-caches)",
		"a failure: the very bytes are served 5 seconds after the delete was accepted, twice; what is not there is asked for on 4 new connections more, since one replica of several may have it",
		"blobs of a deleted manifest are no finding: they stay until garbage is collected",
	},
	Fix: "Distribution with a redis cache: 3.1.0 or newer. Purge the cache or mirror when something is deleted, and keep " +
		"answers by tag and digest no longer than a withdrawn image may be pulled.",
	NotWhen:  "The endpoint is an archive that is meant to keep everything.",
	Severity: finding.Medium,
	Control:  "deleted-content",
	Effect:   probe.SandboxWrite,
	Per:      probe.Primary,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		s, why := t.Sandbox(ctx)
		if s == nil {
			return why
		}
		return deletedContent(ctx, s)
	},
}

// copyOf is one thing that was deleted, where it may still be served.
type copyOf struct {
	at   *probe.Sandbox
	what string
	want oci.Digest
	get  func(ctx context.Context, fresh bool) probe.Held
	held probe.Held
}

func deletedContent(ctx context.Context, s *probe.Sandbox) probe.Result {
	m := place(ctx, s, s.Tag(), s.Image())
	if m.result.Outcome != "" {
		return m.result
	}
	blob := []byte("A blob that regproof made to delete it: " + string(s.Image().Digest))
	uploaded := s.Upload(ctx, blob, oci.SHA256(blob))
	copies := places(ctx, s, m)
	deleted := s.Delete(ctx, oci.Manifest, string(m.first))
	answers := append(m.answers, uploaded, deleted)
	if r := s.Undecided(deleted); r.Outcome != "" {
		return r
	}
	if deleted.Status/100 != 2 && !disabled(deleted) { // a rule for tags may hold it
		bare := s.Image()
		put := s.Put(ctx, string(bare.Digest), bare, probe.Writing{})
		copies = places(ctx, s, move{first: bare.Digest})
		deleted = s.Delete(ctx, oci.Manifest, string(bare.Digest))
		if answers = append(answers, put, deleted); s.Undecided(put, deleted).Outcome != "" {
			return s.Undecided(put, deleted)
		}
	}
	if deleted.Status/100 != 2 {
		o := finding.NotApplicable
		if deleted.Status == http.StatusUnauthorized || deleted.Status == http.StatusForbidden || deleted.Status == http.StatusNotFound {
			o = finding.Unknown // somebody else may be able to
		}
		return s.Result(o, fmt.Sprintf("a manifest cannot be deleted here: DELETE was answered %s", probe.Says(deleted)), answers...)
	}
	if uploaded.Status == http.StatusCreated {
		gone := s.Delete(ctx, oci.Blob, string(oci.SHA256(blob)))
		answers = append(answers, gone)
		if gone.Status/100 == 2 {
			copies = append(copies, &copyOf{at: s, what: "a blob", want: oci.SHA256(blob), get: func(ctx context.Context, fresh bool) probe.Held {
				return s.Blob(ctx, oci.SHA256(blob), fresh)
			}})
		}
	}
	return served(ctx, s, copies, answers)
}
