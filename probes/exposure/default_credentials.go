// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"context"
	"fmt"

	"github.com/regproof/regproof/advisory"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/wire"
)

// DefaultCredentials tries the password that the vendor ships, once.
var DefaultCredentials = probe.Probe{
	ID:    "exposure/default-credentials",
	Title: "The vendor's default password is not valid",
	Why: "The default password of the administrator is printed in the installation guide. With " +
		"it a stranger reads and overwrites every image.",
	How: []string{
		"only with --try-default-credentials, and only where the product shows by signs of its own at /v2/: Harbor admin/Harbor12345, Nexus admin/admin123, Artifactory admin/password",
		"one login, in the way that /v2/ asks for: Basic, or the token service that it names, if that is on the registry's own host; then GET /v2/ with it",
		"200 is a failure, if a user who does not exist was refused just before; where anybody is let in, nothing is tried",
		"only Harbor's pair was compared with its source (CVE-2026-4404); those of Nexus and Artifactory are from memory",
	},
	Fix:      "Change the administrator's password now, and look into the audit log for who used it.",
	NotWhen:  "Never: a default password is known to everybody.",
	Severity: finding.Critical,
	Control:  "default-credentials",
	Effect:   probe.DefaultCredentials,
	Per:      probe.Registry,
	Run:      tryDefault,
}

// pairs are what vendors ship.
var pairs = map[string][2]string{
	advisory.Harbor:      {"admin", "Harbor12345"},
	advisory.Nexus:       {"admin", "admin123"},
	advisory.Artifactory: {"admin", "password"},
}

func tryDefault(ctx context.Context, t *probe.Trial) probe.Result {
	ping := t.Ping(probe.Answer{})
	name := recognised(ping.First.Header)
	if t.Planning() {
		name = advisory.Harbor // a plan says what would be asked at most
	}
	pair, ok := pairs[name]
	r := probe.Result{Outcome: finding.Unknown, Evidence: ping.Trail, Address: address(ping), Protocol: string(wire.HTTP11)}
	switch {
	case !ok && name == "":
		r.Outcome, r.Reason = finding.NotApplicable, "no product shows that has a default password"
		return r
	case !ok:
		r.Outcome, r.Reason = finding.NotApplicable, fmt.Sprintf("no default password of %s is known", name)
		return r
	case ping.First.Status/100 == 2:
		r.Reason = "/v2/ lets strangers in, so a login proves nothing there"
		return r
	}
	user, password := t.Stray()
	stray := t.Try(ctx, "a made-up user", user, password)
	r.Evidence, r.Attempts = append(r.Evidence[:len(r.Evidence):len(r.Evidence)], stray.Trail...), 1
	if why := undecided(stray); why != "" {
		r.Reason = "a made-up user: " + why
		return r
	}
	if !refused(stray) {
		r.Reason = "a made-up user is let in, so the default password was not tried"
		return r
	}
	got := t.Try(ctx, "the vendor's default", pair[0], pair[1])
	r.Attempts, r.Control = 2, stray.Trail
	r.Evidence = append(r.Evidence, got.Trail...)
	switch why := undecided(got); {
	case why != "":
		r.Reason = why
	case refused(got):
		r.Outcome, r.Observed = finding.Pass, "deny"
		r.Reason = fmt.Sprintf("the default password of %s is refused as that of a made-up user", name)
	default:
		r.Outcome, r.Observed = finding.Fail, "allow"
		r.Reason = fmt.Sprintf("the default password of %s is valid, and a made-up user is refused", name)
		r.Message = fmt.Sprintf("the user %s is let in with the password that %s ships", pair[0], name)
	}
	return r
}

// undecided says why a login came to nothing.
func undecided(a probe.Answer) string {
	switch {
	case a.NotAsked != "":
		return a.NotAsked
	case a.Problem != "":
		return a.Problem
	case a.Grant.Refused || refused(a) || a.Status == 200:
		return ""
	case a.Failure != "":
		return string(a.Failure)
	}
	return fmt.Sprintf("/v2/ answers %d, which is neither a login nor a denial", a.Status)
}

func refused(a probe.Answer) bool {
	return a.Grant.Refused || a.Status == 401 || a.Status == 403
}
