// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/wire"
)

// denial judges an answer that holds no content.
func (t *Trial) denial(ctx context.Context, a Attempt, answer Answer) Verdict {
	switch {
	case answer.Failure == wire.ClientCert:
		return t.denied(a, inHandshake, false)
	case answer.Failure == wire.NoRoute:
		t.door.run.unroutable(answer.Request.Address.Addr())
		return Verdict{Outcome: finding.NotChecked, Reason: "no route to " + answer.Request.Address.Addr().String() + " from here", noRoute: true}
	case answer.Failure != "":
		return Verdict{Outcome: finding.Unknown, Reason: silence(answer.Response)}
	}
	if mark := wafMark(answer.Response); mark != "" {
		return Verdict{Outcome: finding.Unknown, Reason: fmt.Sprintf("%d from a bot filter (%s): that is no access control", answer.Status, mark)}
	}
	v := t.refused(ctx, a, answer)
	v.signed = v.Outcome == finding.Pass && signed(answer.First)
	if !t.attributable(answer.Response) {
		v.unsure = true
	}
	return v
}

// inHandshake is how those are denied who show no certificate, or not the right one.
const inHandshake = "the TLS handshake asks for a client certificate"

// mend says what helps the run where a certificate does not verify.
func mend(problem string) string {
	if strings.Contains(problem, "insecure algorithm") { // which no authority makes good
		return "issue it anew, signed with SHA-256; --insecure goes on all the same"
	}
	if strings.Contains(problem, "unknown authority") {
		return "pass --ca-file, or tls.ca in the file"
	}
	return "--insecure goes on all the same"
}

// silence says why there is no answer, and what would help.
func silence(resp wire.Response) string {
	if resp.TLS != nil && resp.TLS.Problem != "" {
		return fmt.Sprintf("%s: %s (%s)", resp.Request.Address, resp.TLS.Problem, mend(resp.TLS.Problem))
	}
	if resp.Failure == wire.ClientCert && resp.Request.Cert == nil {
		return fmt.Sprintf("%s requires a client certificate: pass --cert-file and --key-file, or name one in the file", resp.Request.Address)
	}
	return fmt.Sprintf("%s does not answer: %s", resp.Request.Address, resp.Failure)
}

// refused judges a status.
func (t *Trial) refused(ctx context.Context, a Attempt, answer Answer) Verdict {
	what := fmt.Sprintf("%d%s", answer.Status, errorCode(answer.Response))
	if answer.Grant.Refused {
		what = "the token service refuses"
	}
	if answer.Problem != "" {
		return Verdict{Outcome: finding.Unknown, Reason: "the login could not be finished: " + answer.Problem}
	}
	switch answer.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return t.denied(a, what, false)
	case http.StatusNotFound:
		return t.denied(a, what, true)
	case http.StatusMethodNotAllowed:
		if a.Request.Method != http.MethodGet {
			return t.denied(a, what, true)
		}
	case http.StatusBadRequest, 495, 496:
		if a.Request.Method == http.MethodHead || int64(len(answer.Body)) != answer.Size { // the reason was not kept
			whole := a.Request
			whole.Method = http.MethodGet
			answer.Response = t.ask(ctx, question{lane: laneOf(answer), id: anonymous, phase: a.phase(), request: whole, change: a.Change, variant: true, lent: t.lend(a)}).Response
		}
		if answer.WantsCertificate() {
			return t.denied(a, what+": a client certificate is required", false)
		}
	}
	if a.Class == Variant && answer.Status/100 == 4 && answer.Status != http.StatusTooManyRequests {
		return t.denied(a, what, true)
	}
	return Verdict{Outcome: finding.Unknown, Reason: what + ", which is neither content nor a denial"}
}

// attributable says whether a denial is that of access control, and not of a
// rate limit or a ban: it carries the mark of a registry or of an
// authentication, or it is how the first request was denied, which the
// sentinels watch.
func (t *Trial) attributable(resp wire.Response) bool {
	if resp.Status != http.StatusForbidden {
		return true
	}
	return signed(resp) || t.firstStatus(resp.Request.Address) == resp.Status
}

// denied is a pass if a control shows that there was something to deny. A 404
// needs one of this very endpoint: elsewhere something else may be stored.
func (t *Trial) denied(a Attempt, what string, needsOwn bool) Verdict {
	control, kind := t.control(a)
	if kind == "" || (needsOwn && kind == sibling) {
		return Verdict{Outcome: finding.Unknown, Reason: t.noControl(what, kind, a.Content)}
	}
	return Verdict{Outcome: finding.Pass, Reason: what + ", " + kind, Control: control}
}

// The kinds of control.
const (
	own     = "own control"
	sibling = "sibling control"
)

// control finds the exchange in which an entitled identity got what the
// attempt was denied: here, or at another endpoint of the same registry.
func (t *Trial) control(a Attempt) ([]string, string) {
	if len(a.Control) > 0 && a.Elsewhere {
		return a.Control, sibling
	}
	if len(a.Control) > 0 {
		return a.Control, own
	}
	if t.group.own != nil {
		if c := pick(t.group.own, a.Content); c != nil && c.Verified {
			return c.Evidence, own
		}
	}
	if k := t.Known(); k != nil && t.subject.byEntitled() {
		if c := pick(k, a.Content); c != nil && c.Verified {
			return c.Evidence, sibling
		}
	}
	return nil, ""
}

// pick is the same content in another walk; without one it is the root.
func pick(k *image.Known, c *image.Content) *image.Content {
	if c == nil {
		return k.Root
	}
	return k.Find(c.Digest)
}

func (t *Trial) controlOf(c *image.Content) []string {
	if t.group.own != nil {
		if o := pick(t.group.own, c); o != nil {
			return o.Evidence
		}
	}
	return nil
}

// noControl says why a denial proves nothing, and what would decide it.
func (t *Trial) noControl(what, kind string, c *image.Content) string {
	if kind == sibling {
		return fmt.Sprintf("no control: %s, and the entitled got nothing here either (%s)", what, t.group.ownProblem)
	}
	return fmt.Sprintf("no control: %s, but %s", what, t.subject.whyUnknown(t.group, c))
}

// redirect judges a 3xx to anonymous: the registry may have authorised it, may
// ask for a login, or may only clean the path.
func (t *Trial) redirect(ctx context.Context, a Attempt, answer Answer) Verdict {
	location := answer.Header.Get("Location")
	base := image.StripQuery(location)
	if c := a.Content; c != nil && ((c.Redirect != "" && base == c.Redirect) || storageSignature(location)) {
		return t.authorised(ctx, a, answer, c)
	}
	resp, followed, why := t.follow(ctx, question{lane: laneOf(answer), id: anonymous, request: a.Request, lent: t.lend(a)}, answer.Response, answer.Trail)
	next := answer
	next.Response, next.First, next.Trail = resp, resp, followed
	if why == "" && (resp.Status/100 == 2 && !html(resp) || t.matches(a, resp) != nil) {
		if v := Content(ctx, t, a, next); v.Outcome == finding.Fail {
			v.Evidence = followed
			return v
		}
	}
	elsewhere := strings.Contains(mask(base, answer), "TARGET") || t.digestIn(base) // the same path at another place is no login page
	if same, trail := t.sameForRandom(ctx, a, answer, func(r Answer) bool {
		return !elsewhere && r.Status == answer.Status && mask(image.StripQuery(r.Header.Get("Location")), r) == mask(base, answer)
	}); same {
		v := t.denied(a, fmt.Sprintf("%d to a login page", answer.Status), true)
		v.Evidence = append(followed, trail...)
		return v
	}
	switch {
	case why != "":
		return Verdict{Outcome: finding.Unknown, Reason: fmt.Sprintf("%d: %s", answer.Status, why), Evidence: followed}
	case resp.Status/100 == 3:
		return Verdict{Outcome: finding.Unknown, Reason: "more redirects than are followed", Evidence: followed}
	case !strings.HasPrefix(resp.Request.Target, "/v2/"):
		// An error of a storage host is not the registry's denial.
		return Verdict{Outcome: finding.Unknown, Reason: fmt.Sprintf("%d to a place outside the API, which answered %d", answer.Status, resp.Status), Evidence: followed}
	}
	v := Content(ctx, t, a, next)
	v.Evidence = followed
	return v
}

// digestIn says whether a URL names content of the image.
func (t *Trial) digestIn(location string) bool {
	for _, d := range t.digests() {
		if strings.Contains(location, d.Encoded()) {
			return true
		}
	}
	return false
}

// authorised: the registry sent a stranger to where it sends the entitled. It
// is critical when the bytes follow; an error of the storage is no denial.
func (t *Trial) authorised(ctx context.Context, a Attempt, answer Answer, c *image.Content) Verdict {
	v := t.leaked(a, answer, c, "authorised by a signed redirect")
	v.Severity = finding.High
	resp, trail, why := t.follow(ctx, question{lane: laneOf(answer), id: anonymous, request: a.Request, lent: t.lend(a)}, answer.Response, answer.Trail)
	v.Evidence = trail
	switch {
	case why != "":
		v.Reason = "the registry authorised it; the bytes were not fetched: " + why
	case t.matches(a, resp) != nil || (resp.Status == 206 && t.partial(a, Answer{Response: resp}).Outcome == finding.Fail):
		v.Severity = finding.Critical
		v.Reason = "the registry authorised it, and the storage served the bytes"
	default:
		v.Reason = fmt.Sprintf("the registry authorised it; the storage answered %d", resp.Status)
	}
	return v
}

// storageSignature says whether a URL carries the signature of an object store
// or CDN: S3 and its kin, Google, Azure, CloudFront. A signed request for single
// sign-on (SAML) has a Signature too.
func storageSignature(location string) bool {
	_, query, _ := strings.Cut(location, "?")
	if q := strings.ToLower("&" + query); strings.Contains(q, "&samlrequest=") || strings.Contains(q, "&samlresponse=") {
		return false
	}
	for pair := range strings.SplitSeq(query, "&") {
		k, v, _ := strings.Cut(pair, "=")
		switch strings.ToLower(k) {
		case "x-amz-signature", "x-goog-signature", "signature", "sig", "x-oss-signature":
			return v != ""
		}
	}
	return false
}

// htmlDenial: a page with status 200 is a denial when a name that does not
// exist gets the same page, and nothing known stands in it.
func (t *Trial) htmlDenial(ctx context.Context, a Attempt, answer Answer) Verdict {
	if int64(len(answer.Body)) != answer.Size { // only a part of a layer was kept
		answer = t.ask(ctx, question{lane: laneOf(answer), id: anonymous, phase: a.phase(), request: a.Request, change: a.Change, variant: true, lent: t.lend(a)})
		a.Limits = image.Limits{}
	}
	if name := t.namedIn(answer); name != "" {
		return Verdict{Outcome: finding.Unknown, Reason: fmt.Sprintf("200 with a page that holds %q", name)}
	}
	same, trail := t.sameForRandom(ctx, a, answer, func(r Answer) bool {
		return r.Status == answer.Status && nonce.ReplaceAllString(string(r.Body), "NONCE") == nonce.ReplaceAllString(string(answer.Body), "NONCE")
	})
	v := Verdict{Outcome: finding.Unknown, Reason: "200 with an HTML page that is not the same for every name"}
	if same {
		v = t.denied(a, "200 with the login page that every name gets", true)
	}
	v.Evidence = append(answer.Trail, trail...)
	return v
}

// namedIn finds the repository, reference or a digest in a body.
func (t *Trial) namedIn(answer Answer) string {
	body := string(answer.Body)
	if name := t.Repository(); len(name) > 5 && strings.Contains(body, name) {
		return name
	}
	for _, c := range t.digests() {
		if strings.Contains(body, c.Encoded()) {
			return c.Short()
		}
	}
	return ""
}

func (t *Trial) digests() []oci.Digest {
	var out []oci.Digest
	if k := t.Known(); k != nil {
		for _, c := range k.All() {
			out = append(out, c.Digest)
		}
	}
	return out
}

// sameForRandom repeats the attempt for a repository that does not exist and
// compares.
func (t *Trial) sameForRandom(ctx context.Context, a Attempt, answer Answer, same func(Answer) bool) (bool, []string) {
	r := a.Request
	r.Repository = t.door.run.randomName(t.Repository())
	other := t.ask(ctx, question{lane: laneOf(answer), id: anonymous, phase: a.phase(), request: r, change: a.Change, limits: a.Limits, variant: true, lent: t.lend(a)})
	return same(other), other.Trail
}

// nonce matches what a page makes new each time: long words of letters and
// digits, as in csrf fields and scripts.
var nonce = regexp.MustCompile(`[A-Za-z0-9+_=-]{16,}|\d{6,}`)

// mask removes from a Location what may differ between two askings: the path
// that was asked for, and nonces.
func mask(location string, a Answer) string {
	target, _, _ := strings.Cut(a.Request.Target, "?")
	return nonce.ReplaceAllString(strings.ReplaceAll(location, target, "TARGET"), "NONCE")
}

func errorCode(resp wire.Response) string {
	if e := oci.ParseErrors(resp.Body); len(e) > 0 && e[0].Code != "" {
		code := e[0].Code
		if len(code) > 40 || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") != "" {
			return ""
		}
		return " " + code
	}
	return ""
}

// wafMark finds the marks of bot filters and of rate limits in a 403 or 503.
func wafMark(resp wire.Response) string {
	if resp.Status != http.StatusForbidden && resp.Status != http.StatusServiceUnavailable {
		return ""
	}
	for _, name := range []string{"Cf-Mitigated", "X-Amzn-Waf-Action", "Retry-After"} {
		if resp.Header.Has(name) {
			return name
		}
	}
	if strings.Contains(resp.Header.Get("Server"), "AkamaiGHost") {
		return "AkamaiGHost"
	}
	for _, script := range []string{"challenge-platform", "/cdn-cgi/challenge", "captcha"} {
		if strings.Contains(strings.ToLower(string(resp.Body)), script) {
			return "a challenge script"
		}
	}
	return ""
}

// signed says whether a denial carries the mark of an authentication or of a
// registry: a challenge, or the specification's error body. The API version
// header is no mark, since fronts are told to add it to every answer.
func signed(r wire.Response) bool {
	if r.Status != http.StatusUnauthorized && r.Status != http.StatusForbidden {
		return false
	}
	code := errorCode(r)
	return r.Header.Has("Www-Authenticate") || (code != "" && code != " TOOMANYREQUESTS")
}
