// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/wire"
)

// CORS asks as a foreign web page would.
var CORS = probe.Probe{
	ID:    "ingress/cors",
	Title: "A foreign web page cannot read with a user's credentials",
	Why: "A registry that allows any origin to read with credentials gives every web page " +
		"that a logged-in user visits what the user may read.",
	How: []string{
		"GET of the manifest and of /v2/, and a preflight, with the Origin of a page that nobody serves",
		"where a client certificate is required, that of who may read the image is shown, as the user's browser would",
		"a failure: the answer allows that very origin together with credentials; a * without credentials is none",
	},
	Fix: "Allow the origin of your own user interface by name, and send " +
		"Access-Control-Allow-Credentials for it alone.",
	NotWhen:  "Never, for a registry that people log in to with a browser.",
	Severity: finding.Medium,
	Control:  "cors",
	Effect:   probe.Read,
	Per:      probe.Once,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		origin := "https://regproof-" + t.Way().Run + ".invalid"
		manifest := oci.Request{Method: http.MethodGet, Kind: oci.Manifest, Repository: t.Repository(), Reference: t.Reference(), Accept: oci.AcceptManifests()}
		preflight := manifest
		preflight.Method, preflight.Accept = http.MethodOptions, nil
		with := func(r oci.Request, more ...[2]string) probe.Attempt {
			return probe.Attempt{Request: r, Lent: true, Change: func(w *wire.Request) {
				w.Header = append(append(w.Header, [2]string{"Origin", origin}), more...)
			}}
		}
		answers := t.Ask(ctx, with(manifest), with(oci.Request{Method: http.MethodGet, Kind: oci.Ping}),
			with(preflight, [2]string{"Access-Control-Request-Method", "GET"}, [2]string{"Access-Control-Request-Headers", "authorization"}))
		r := probe.Result{Attempts: len(answers), Evidence: answers[0].Trail, Control: answers[0].Trail}
		for _, a := range answers {
			allowed := a.Header.Get("Access-Control-Allow-Origin")
			if allowed != origin || a.Header.Get("Access-Control-Allow-Credentials") != "true" {
				continue
			}
			r.Outcome, r.Evidence, r.Observed = finding.Fail, a.Trail, "allow"
			r.Variant = "Origin: " + origin
			r.Reason = "any origin is allowed, with credentials"
			r.Message = fmt.Sprintf("any web page may read with a user's credentials: %s of a foreign page is answered with that origin and Allow-Credentials: true", a.Request.Method)
			return r
		}
		if d := t.Doubt(answers...); d.Outcome != "" {
			return d
		}
		if slices.ContainsFunc(answers, func(a probe.Answer) bool { return a.WantsCertificate() }) {
			r.Outcome, r.Reason = finding.Unknown, "no control: a client certificate is required, which a user's browser would show, and nobody who may read the image has one"
			return r
		}
		r.Outcome, r.Observed, r.Reason = finding.Pass, "deny", "a foreign origin is not allowed to read with credentials"
		return r
	},
}
