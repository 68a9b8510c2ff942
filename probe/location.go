// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/wire"
)

// oddHeaders are what UploadLocation adds to a request.
var oddHeaders = []string{"X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded"}

// UploadLocation starts an upload as the entitled, with forwarding headers that
// name two hosts, and looks on which host it is said to live. The upload is
// cancelled at the door itself, whatever its Location says.
func (t *Trial) UploadLocation(ctx context.Context, byHeader, byForwarded string) Result {
	t.turn(ctx)
	defer t.done(ctx)
	id := t.subject.entitled
	switch {
	case id == nil:
		return Result{Outcome: finding.Unknown, Reason: "no control: " + t.subject.why}
	case t.group.own == nil:
		return Result{Outcome: finding.Unknown, Reason: "no control: " + t.group.ownProblem}
	}
	a := t.ask(ctx, question{
		lane: t.door.first(), id: id, phase: phaseAsk, variant: true, private: true,
		request: oci.Request{Method: http.MethodPost, Kind: oci.UploadStart, Repository: t.Repository()},
		change: made(func(r *wire.Request) {
			r.Header = append(r.Header, [2]string{"X-Forwarded-Host", byHeader}, [2]string{"X-Forwarded-Proto", "http"}, [2]string{"Forwarded", "host=" + byForwarded + ";proto=http"})
		}),
	})
	r := Result{Attempts: 1, Evidence: slices.Clone(a.Trail), Control: a.Trail, Observed: "unknown", Subject: &finding.Subject{Kind: "upload"}}
	switch {
	case a.NotAsked != "":
		r.Outcome, r.Reason = finding.NotChecked, a.NotAsked
		return r
	case a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden || a.Status == http.StatusMethodNotAllowed || a.Grant.Refused || a.Problem != "":
		r.Outcome, r.Reason = finding.NotApplicable, id.Name+" may not start an upload here"
		return r
	case a.Status != http.StatusAccepted:
		r.Outcome, r.Reason = finding.Unknown, fmt.Sprintf("starting an upload was answered %d", a.Status)
		return r
	}
	location, err := t.door.ep.URL.Parse(a.Header.Get("Location"))
	if err != nil {
		r.Outcome, r.Reason = finding.Unknown, "the Location of the upload is no URL"
		return r
	}
	done, trail := t.deleteUpload(ctx, a, location)
	r.Evidence = append(r.Evidence, trail...)
	host := location.Hostname()
	var how string
	switch {
	case strings.EqualFold(host, byHeader):
		how = "X-Forwarded-Host"
	case strings.EqualFold(host, byForwarded):
		how = "Forwarded"
	case t.door.ep.URL.Scheme == "https" && location.Scheme == "http":
		how = "X-Forwarded-Proto: http"
	default:
		r.Outcome, r.Observed, r.Reason = finding.Pass, "the location stays", "the location stays at "+location.Host+"; "+done
		return r
	}
	r.Outcome, r.Observed, r.Variant = finding.Fail, "the location follows", how
	r.Reason = "the Location is " + location.Scheme + "://" + location.Host
	r.Message = fmt.Sprintf("the location of an upload follows the client's %s, so a proxy in between can send the client and its credential elsewhere; %s", how, done)
	return r
}
