// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// longest is how long a signed URL may live: what distribution signs for.
const longest = 20 * time.Minute

// slack is how far clocks may be apart before a lifetime is accused.
const slack = time.Minute

// SignedURL looks how long the URL lives that the entitled are sent to.
var SignedURL = probe.Probe{
	ID:    "exposure/signed-url",
	Title: "A signed storage URL is short-lived",
	Why: "The URL to which a registry sends clients for a layer is a password in itself: it " +
		"works for anyone, from anywhere, and it lands in the logs of proxies. All that limits " +
		"it is when it expires.",
	How: []string{
		"the Location that the entitled get for a layer of the first private image, once per endpoint; it is read, not used",
		"its lifetime: X-Amz-Expires, X-Goog-Expires, X-Oss-Expires, Azure's se and st, Expires and the Policy of CloudFront, against the Date of the answer",
		"more than 20 minutes, or no end at all, is a failure; low, since the URL is meant to be used by whoever holds it",
		"the signature stays out of the report",
	},
	Fix:      "Let the registry sign for 20 minutes or less (distribution's default), and keep query strings out of the logs of proxies.",
	NotWhen:  "Layers are so large, or clients so slow, that they need the time.",
	Severity: finding.Low,
	Control:  "signed-url",
	Effect:   probe.Read,
	Per:      probe.Repository,
	Needs:    []probe.Need{probe.NeedContent},
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		c, a, r := redirected(ctx, t)
		if c == nil {
			return r
		}
		location := a.Header.Get("Location")
		if !signed(location) {
			return probe.NotApplicable("the redirect carries no signature that is known")
		}
		now := time.Now()
		if date, err := http.ParseTime(a.Header.Get("Date")); err == nil {
			now = date
		}
		life, ends, err := lifetime(location, now)
		switch {
		case err != nil:
			r.Reason = "when the URL expires cannot be read: " + err.Error()
		case !ends:
			r.Outcome, r.Observed = finding.Fail, "no end"
			r.Reason = "a signature without an end"
			r.Message = "the registry hands out storage URLs that never expire"
		case life < -slack:
			r.Reason = "the URL expired before it was sent: the clocks of registry and storage differ"
		case life > longest+slack:
			r.Outcome, r.Observed = finding.Fail, life.String()
			r.Reason = fmt.Sprintf("valid for %s, more than %s", life, longest)
			r.Message = fmt.Sprintf("a storage URL that the registry hands out is valid for %s, for whoever gets hold of it", life)
		default:
			r.Outcome, r.Observed = finding.Pass, life.String()
			r.Reason = fmt.Sprintf("valid for %s", life)
		}
		return r
	},
}
