// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/wire"
)

// ParallelAPI asks the other APIs of registry products for the repository.
var ParallelAPI = probe.Probe{
	ID:    "ingress/parallel-api",
	Title: "No other API of the product tells of a private repository",
	Why: "Registry products have a second API, for their web page and for searches. It is " +
		"another program with rules of its own, which may show strangers more.",
	How: []string{
		"searches and listings of Harbor, zot, Quay, Nexus, Artifactory, Gitea and GitLab, anonymous, by the beginning of the name",
		"a failure: a JSON answer that holds the whole name, which was not in the question",
	},
	Fix: "Deny anonymous access to the product's API, or make the project private there too.",
	NotWhen: "Names of repositories are no secret in your organisation. This way of failing is known from " +
		"advisories and was not reproduced here, so it is reported as low.",
	Severity: finding.Low,
	Control:  "parallel-api",
	Effect:   probe.Read,
	Per:      probe.Once,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		name := t.Repository()
		last := path.Base(name)
		if len(name) < 5 || len(last) < 3 {
			return probe.NotApplicable("the name is too short to be recognised in an answer")
		}
		f := facts{"part": last[:len(last)-1], "first": strings.SplitN(name, "/", 2)[0]}
		var attempts []probe.Attempt
		for _, target := range apis {
			if target, ok := f.fill(target); ok {
				attempts = append(attempts, probe.Attempt{Request: oci.Request{Method: "GET", Kind: oci.Ping}, Change: func(r *wire.Request) { r.Target = target }})
			}
		}
		answers := t.Ask(ctx, attempts...)
		r := probe.Result{Attempts: len(answers), Evidence: answers[0].Trail, Control: answers[0].Trail}
		for _, a := range answers {
			if a.Status != 200 || !a.Whole() || !json.Valid(a.Body) || !tells(a.Body, name) {
				continue
			}
			r.Outcome, r.Evidence, r.Observed, r.Variant = finding.Fail, a.Trail, "allow", "the target "+a.Request.Target
			r.Reason = "the name stands in the answer"
			r.Message = fmt.Sprintf("another API tells strangers of %s: GET %s", name, a.Request.Target)
			return r
		}
		if d := t.Doubt(answers...); d.Outcome != "" {
			return d
		}
		r.Outcome, r.Observed, r.Reason = finding.Pass, "deny", fmt.Sprintf("%d other APIs do not name it", len(answers))
		return r
	},
}

// tells says whether a JSON text holds the name: whole, or after the project
// in a field of its own.
func tells(body []byte, name string) bool {
	return bytes.Contains(body, []byte(`"`+name+`"`)) || bytes.Contains(body, []byte(`"`+strings.ReplaceAll(name, "/", `\/`)+`"`))
}

// apis are listings and searches. No target holds the whole name: an API that
// repeats the question must not be taken for one that answers it.
var apis = []string{
	"/api/v2.0/search?q={part}",
	"/api/v2.0/projects/{first}/repositories",
	"/v2/_zot/ext/search?query=%7BGlobalSearch(query:%22{part}%22)%7BRepos%7BName%7D%7D%7D",
	"/api/v1/repository?public=true",
	"/api/v1/packages/{first}?type=container",
	"/service/rest/v1/search?format=docker&q={part}*",
	"/artifactory/api/search/artifact?name={part}*",
	"/api/v4/projects?search={part}",
}
