// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// V1API asks for the API that registries had before 2015.
var V1API = probe.Probe{
	ID:    "exposure/v1-api",
	Title: "The first registry API is gone",
	Why: "The first API (docker-registry 0.x, and a switch in Nexus and Artifactory) lists and " +
		"searches repositories and moves layers that no digest protects. Guards that were written " +
		"for /v2/ do not cover it.",
	How: []string{
		"GET /v1/_ping, /v1/search?q= and /v1/users, anonymous, on every address",
		"a failure is a 2xx with JSON, or with the word true, that a made-up path beside it does not get; an HTML page is the catch-all of a web interface",
	},
	Fix:      "Switch the v1 API off (Nexus: \"Allow clients to use the V1 API\" of each repository), or deny /v1/ at the front.",
	NotWhen:  "Clients older than Docker 1.6 still pull from here.",
	Severity: finding.Low,
	Control:  "v1-api",
	Effect:   probe.Read,
	Per:      probe.Registry,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		return t.Judge(ctx, []probe.Attempt{
			page("/v1/_ping", true, v1Answer),
			page("/v1/search?q=", true, v1Answer),
			page("/v1/users", true, v1Answer),
		})
	},
}

func v1Answer(a probe.Answer) (probe.Verdict, bool) {
	body := strings.TrimSpace(string(a.Body))
	if html(a) || !a.Whole() || body == "" || !json.Valid([]byte(body)) {
		return probe.Verdict{}, false
	}
	return probe.Verdict{
		Reason:  "a JSON answer of the v1 API",
		Message: "the first registry API answers strangers",
	}, true
}
