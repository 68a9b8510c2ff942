// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/wire"
)

// header is for questions whose answer is in the header: of a body, one byte is
// read.
var header = image.Limits{Limit: 1}

// realms lets judge look at every token realm that strangers are sent to, at
// every address: at /v2/, and for a repository.
func realms(ctx context.Context, t *probe.Trial, expected string, judge func(realm string) probe.Verdict) probe.Result {
	repository, reference := t.Nonce(), "none"
	if known := t.Repositories(); len(known) > 0 {
		repository = known[0]
	}
	look := func(_ context.Context, t *probe.Trial, _ probe.Attempt, a probe.Answer) probe.Verdict {
		if a.First.Failure == wire.ClientCert {
			return probe.Verdict{Outcome: finding.NotApplicable, Reason: "strangers get no further than the TLS handshake, and no token realm is named"}
		}
		if a.First.Status == 0 {
			v, _ := t.NotServed(a)
			return v
		}
		found := probe.Verdict{Outcome: finding.NotApplicable, Reason: "no token realm is named"}
		for _, c := range login.ParseChallenges(a.First.Header.Values("Www-Authenticate")) {
			if realm := c.Params["realm"]; c.Scheme == "bearer" && realm != "" {
				v := judge(realm)
				v.Evidence, v.Control = []string{a.First.ID}, []string{a.First.ID}
				if found.Outcome == finding.NotApplicable || v.Outcome == finding.Fail {
					found = v
				}
			}
		}
		return found
	}
	r := t.Judge(ctx, []probe.Attempt{
		{Request: ping, Direct: true, Judge: look, Limits: header},
		{Request: oci.Request{Method: "GET", Kind: oci.Manifest, Repository: repository, Reference: reference, Accept: oci.AcceptManifests()}, Variant: "for a manifest", Direct: true, Judge: look, Limits: header},
	})
	r.Expected = expected
	if r.Outcome == finding.Pass || r.Outcome == finding.Fail {
		r.Observed = r.Reason
	}
	return r
}
