// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"context"
	"fmt"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// Version looks for a version that strangers are told.
var Version = probe.Probe{
	ID:    "exposure/version",
	Title: "The registry does not tell strangers its version",
	Why: "A version tells at a glance which published weaknesses are open, and lets anyone " +
		"search for all registries that have one. It hides nothing from who tries them all.",
	How: []string{
		"the headers of /v2/ (Nexus, Artifactory), and GET of /api/v2.0/systeminfo (Harbor), /v2/_zot/ext/mgmt and /metrics (zot), /api/v1/version (Gitea, Forgejo), /api/v4/version (GitLab), /artifactory/api/system/version, anonymous, on every address",
		"a version counts where the page holds the fields of its product, and a made-up path beside it does not",
		"the version of a front (Server: nginx/1.22.1) is noted and no failure",
	},
	Fix:      "Deny those paths to anonymous at the front, drop Server and X-JFrog-Version there, or update: Harbor tells its version only to users since 2.13.",
	NotWhen:  "The registry is updated as soon as a fix is out, so that its version is no news.",
	Severity: finding.Low,
	Control:  "version",
	Effect:   probe.Read,
	Per:      probe.Registry,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		return t.Judge(ctx, tellings(t, func(v told) probe.Verdict {
			m := fmt.Sprintf("strangers are told that this is %s %s", v.product, v.version)
			if !v.sure {
				m = fmt.Sprintf("strangers are told the version %s, in the way of %s", v.version, v.product)
			}
			return probe.Verdict{Outcome: finding.Fail, Reason: "told without credentials", Message: m}
		}))
	},
}

// headers reads the version in the headers of /v2/, under whatever status.
func headers(read func(told) probe.Verdict) judge {
	return func(_ context.Context, t *probe.Trial, _ probe.Attempt, answer probe.Answer) probe.Verdict {
		if got, ok := said(answer.Header); ok && answer.Failure == "" {
			v := read(got)
			if v.Outcome == finding.Pass {
				v.Control = answer.Trail
			}
			return v
		}
		if v, ok := t.NotServed(answer); ok && v.Outcome != finding.Pass {
			return v
		}
		v := t.Closed(answer, "no version in the headers of /v2/")
		if f := front(answer.Header); f != "" {
			v.Reason += "; the front calls itself " + f
		}
		return v
	}
}
