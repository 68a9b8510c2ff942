// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/wire"
)

// CatalogSize asks for a catalog page of a size that patched registries refuse.
var CatalogSize = probe.Probe{
	ID:    "exposure/catalog-size",
	Title: "The size of a catalog page is bounded",
	Why: "distribution before 2.8.2 makes room for as many names as a request asks for " +
		"(CVE-2023-2253): one request of a user who may list can use up the memory of the registry.",
	How: []string{
		"GET /v2/_catalog?n=100000 once, as the identity that may read the images; never a larger n, which could do harm",
		"400 with PAGINATION_NUMBER_INVALID is a pass (distribution 2.8.2 and newer)",
		"200 is a failure only of distribution: its API version header, the Go-like detail in its errors, and no sign of another product; else unknown, since others do not make room by n",
	},
	Fix:      "Update distribution to 2.8.2 or newer, or deny /v2/_catalog at the front.",
	NotWhen:  "Only trusted users may list the catalog.",
	Severity: finding.Low,
	Control:  "catalog-size",
	Effect:   probe.Read,
	Per:      probe.Registry,
	Run:      catalogSize,
}

func catalogSize(ctx context.Context, t *probe.Trial) probe.Result {
	a := t.Entitled(ctx, oci.Request{Method: http.MethodGet, Kind: oci.Catalog, Query: "n=100000"})
	r := probe.Result{Outcome: finding.Unknown, Evidence: a.Trail, Attempts: 1, Address: address(a), Protocol: string(a.Proto)}
	code := ""
	if e := oci.ParseErrors(a.Body); len(e) > 0 {
		code = e[0].Code
	}
	switch {
	case a.NotAsked != "":
		r.Outcome, r.Reason = finding.NotChecked, a.NotAsked
	case a.Problem != "":
		r.Reason = "the login could not be finished: " + a.Problem
	case a.Failure != "":
		r.Reason = "no answer: " + string(a.Failure)
	case a.Status == 0:
		r.Reason = "no credential that may list the catalog was given"
		if t.Way().User != "" {
			r.Reason = "this is a cache, and nobody was seen to read at the registry behind it"
		}
		r.Attempts = 0
	case a.Status == http.StatusBadRequest && code == "PAGINATION_NUMBER_INVALID":
		r.Outcome, r.Observed, r.Control = finding.Pass, "deny", a.Trail
		r.Reason = "400 PAGINATION_NUMBER_INVALID for n=100000"
	case a.Status == http.StatusNotFound || a.Status == http.StatusMethodNotAllowed:
		return probe.NotApplicable(fmt.Sprintf("the registry has no catalog (%d)", a.Status))
	case a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden:
		r.Reason = fmt.Sprintf("the catalog is denied to the entitled too (%d)", a.Status)
	case a.Status != http.StatusOK:
		r.Reason = fmt.Sprintf("%d, which says nothing of a bound", a.Status)
	default:
		return unbounded(ctx, t, a, r)
	}
	return r
}

// unbounded judges a 200.
func unbounded(ctx context.Context, t *probe.Trial, a probe.Answer, r probe.Result) probe.Result {
	ping := t.Ping(a).First.Header
	denied := t.Stranger(ctx, a, "/v2/_catalog?n=100")
	r.Evidence = append(r.Evidence[:len(r.Evidence):len(r.Evidence)], denied.Trail...)
	for _, h := range []wire.Header{ping, a.Header, denied.Header} {
		if p := recognised(h); p != "" {
			r.Reason = fmt.Sprintf("200 for n=100000 from %s, which is not known to make room by n", p)
			return r
		}
	}
	names, ok := oci.ParseCatalog(a.Body)
	switch {
	case !ok:
		r.Reason = "200 for n=100000 with something that is no catalog"
	case !strings.EqualFold(a.Header.Get("Docker-Distribution-Api-Version"), "registry/2.0") || !distribution(ctx, t, denied, &r):
		r.Reason = "200 for n=100000, but whether this is distribution is not to be seen: others do not make room by n"
	default:
		r.Outcome, r.Observed = finding.Fail, "allow"
		r.Reason = "200 for n=100000 from distribution"
		r.Message = fmt.Sprintf("the registry takes a page of 100000 names (it has %d), as distribution does before 2.8.2 (%s)", len(names), advisoryOfCatalog)
	}
	return r
}

const advisoryOfCatalog = "CVE-2023-2253"

// distribution says whether an error has the detail that only distribution
// writes: its own structs, with the names that they have in Go.
func distribution(ctx context.Context, t *probe.Trial, denied probe.Answer, r *probe.Result) bool {
	if bytes.Contains(denied.Body, []byte(`"Type":"registry","Class":"","Name":"catalog","Action":"*"`)) {
		return true
	}
	absent := t.Entitled(ctx, oci.Request{Method: http.MethodGet, Kind: oci.Manifest, Repository: t.Nonce(), Reference: "none", Accept: oci.AcceptManifests()})
	r.Evidence = append(r.Evidence, absent.Trail...)
	return absent.Status == http.StatusNotFound && bytes.Contains(absent.Body, []byte(`"detail":{"Tag":"none"}`))
}

func address(a probe.Answer) string {
	if at := a.Request.Address; at.IsValid() {
		return at.Addr().String()
	}
	return ""
}
