// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// LocationHost looks whether the place of an upload follows the client's headers.
var LocationHost = probe.Probe{
	ID:    "ingress/location-host",
	Title: "An upload location does not follow the client's headers",
	Why: "Clients send the next part of an upload, with their credential, to where the " +
		"registry says. A location made from X-Forwarded-Host or Forwarded is wherever a " +
		"proxy in between says.",
	How: []string{
		"one upload started by who may read the image, with X-Forwarded-Host and Forwarded naming two hosts that nobody serves, and cancelled at once at the true host",
		"a failure: the Location is on one of them, or has become http",
	},
	Fix: "Set the external URL in the registry (distribution: http.host, or " +
		"http.relativeurls), or let the front overwrite X-Forwarded-Host, " +
		"X-Forwarded-Proto and Forwarded.",
	NotWhen:  "No proxy of others stands between your clients and the registry.",
	Severity: finding.Medium,
	Control:  "location-host",
	Effect:   probe.CancelledWrite,
	Per:      probe.Once,
	Needs:    []probe.Need{probe.NeedContent},
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		return t.UploadLocation(ctx, "regproof-"+t.Way().Run+"-x.invalid", "regproof-"+t.Way().Run+"-f.invalid")
	},
}
