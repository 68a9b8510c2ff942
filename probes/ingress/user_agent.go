// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// UserAgent asks as health checkers, browsers and tools call themselves.
var UserAgent = probe.Probe{
	ID:    "ingress/user-agent",
	Title: "No User-Agent opens what is denied",
	Why: "Health checks are often exempt from authentication by their User-Agent, which " +
		"anybody can send.",
	How: []string{
		"the manifest as health checkers of clouds and clusters, monitors, browsers, crawlers and other registries",
		"container clients are part of the core trials",
	},
	Fix:      "Exempt a health check by its exact path and source address, never by its User-Agent.",
	NotWhen:  "The image is meant to be public: say so with a rule in policy.rules.",
	Severity: finding.Critical,
	Control:  "user-agent",
	Effect:   probe.Read,
	Per:      probe.Once,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		var rows []row
		for _, agent := range agents {
			rows = append(rows, row{set: [][2]string{{"User-Agent", agent}}, cause: "Requests of this User-Agent are exempt from the guard."})
		}
		return vary(ctx, t, rows)
	},
}

var agents = []string{
	"GoogleHC/1.0", "kube-probe/1.30", "ELB-HealthChecker/2.0", "Amazon-Route53-Health-Check-Service (ref x)", "Envoy/HC", "Consul Health Check",
	"Prometheus/2.53.0", "Blackbox-Exporter",
	"curl/8.5.0", "Wget/1.21.4", "Go-http-client/1.1",
	"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Mozilla/5.0 (compatible; Googlebot/2.1)",
	"harbor-registry-client", "Artifactory/7.90.0", "Nexus/3.70.0", "trivy/0.60.0",
}
