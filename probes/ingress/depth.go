// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"context"
	"fmt"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
)

// Depth asks for names of other depths, none of which exists.
var Depth = probe.Probe{
	ID:    "ingress/depth",
	Title: "The guard covers repositories of every depth",
	Why: "A guard written for org/repo does not match repo, nor org/team/repo: what is " +
		"stored there is open, now or later.",
	How: []string{
		"a manifest of a made-up repository with one, two, three and four components",
		"a failure: the front denies at the depth of your image, and at another one the registry itself answers that it knows no such name",
	},
	Fix:      "Guard the prefix /v2/, not a pattern of how a repository's name should look.",
	NotWhen:  "Never: whoever is told that a name does not exist has passed the guard.",
	Severity: finding.Medium,
	Control:  "depth",
	Effect:   probe.Read,
	Per:      probe.Once,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		own := strings.Count(t.Repository(), "/") + 1 // the prefix of an endpoint is put before each name
		ask := func(depth int) probe.Attempt {
			name := strings.TrimSuffix(strings.Repeat("regproof-"+t.Way().Run+"/", depth), "/")
			return probe.Attempt{Request: oci.Request{Method: "GET", Kind: oci.Manifest, Repository: name, Reference: "regproof", Accept: oci.AcceptManifests()}}
		}
		attempts := []probe.Attempt{ask(own)}
		depths := []int{own}
		for depth := 1; depth <= 4; depth++ {
			if depth != own {
				attempts, depths = append(attempts, ask(depth)), append(depths, depth)
			}
		}
		answers := t.Ask(ctx, attempts...)
		return reaches(t, answers, func(i int) string {
			return fmt.Sprintf("a name of %d components, of which the guard covers %d", depths[i], own)
		}, "another depth")
	},
}

// reaches judges whether the registry itself answers what its front should
// deny. The first answer is the front's denial of what it does cover.
func reaches(t *probe.Trial, answers []probe.Answer, what func(int) string, kind string) probe.Result {
	if r := t.Doubt(answers...); r.Outcome != "" {
		return r
	}
	r := probe.Result{Attempts: len(answers), Evidence: answers[0].Trail, Control: answers[0].Trail}
	base := answers[0]
	switch {
	case base.Status != 401 && base.Status != 403 && !base.WantsCertificate():
		r.Outcome, r.Reason = finding.NotApplicable, fmt.Sprintf("names that do not exist are answered %d, so nothing can be told", base.Status)
		return r
	case probe.ErrorCode(base.Response) != "":
		r.Outcome, r.Reason = finding.NotApplicable, "the registry itself denies, and no front before it"
		return r
	}
	for i, a := range answers[1:] {
		code := probe.ErrorCode(a.Response)
		if a.Status != 404 || code == "" || a.Header.Has("Www-Authenticate") {
			continue
		}
		r.Outcome, r.Observed, r.Evidence = finding.Fail, "allow", a.Trail
		r.Variant = what(i + 1)
		r.Reason = fmt.Sprintf("404 %s from the registry, where the front should have answered %s", code, probe.Says(base))
		r.Message = fmt.Sprintf("the guard does not cover %s: the registry itself answers there (404 %s)", what(i+1), code)
		return r
	}
	r.Outcome, r.Observed, r.Reason = finding.Pass, "deny", fmt.Sprintf("%s for %s too", probe.Says(base), kind)
	return r
}
