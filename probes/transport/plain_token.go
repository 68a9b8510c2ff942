// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/netip"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/wire"
)

// givesPlainly judges what plain HTTP at one port answers to who asks for a token.
// What a token service is there is told by a token, or by the same refusal as over
// https.
func givesPlainly(ctx context.Context, t *probe.Trial, p probe.Place, at netip.AddrPort, a probe.Answer) probe.Verdict {
	v := probe.Verdict{Outcome: finding.Pass, Evidence: a.Trail, Control: a.Trail}
	if to := sentAway(a); to != "" {
		v.Reason = fmt.Sprintf("%s answers %d to %s", origin(a), a.Status, to)
		return v
	}
	says := "gives a token"
	if !token(a.Response) {
		over := t.At(ctx, p, nil)
		v.Control = ids(over)
		switch {
		case over.Status == 0 && at == p.At() && a.Status == http.StatusBadRequest:
			// How a port for TLS puts it; one for both would have got as far as a token.
			v.Reason = fmt.Sprintf("%s answers %d, as a port for https does", origin(a), a.Status)
			return v
		case over.Status == 0:
			v.Outcome, v.Reason = finding.Unknown, fmt.Sprintf("%s answers %d, and %s does not answer, which would tell what that is", origin(a), a.Status, p.Origin)
			return v
		case !alike(a.Response, over):
			v.Reason = fmt.Sprintf("%s answers %d, and gives no token", origin(a), a.Status)
			return v
		case a.Status != http.StatusUnauthorized || !inTheSameWords(a.Response, over):
			v.Outcome, v.Reason = finding.Unknown, fmt.Sprintf("%s answers %d as over https, which does not tell whether tokens are given there", origin(a), a.Status)
			return v
		}
		says = "refuses strangers as over https"
	}
	again := t.TokenInClear(ctx, at, p, true)
	v.Evidence = append(v.Evidence, again.Trail...)
	if again.Status != a.Status || token(again.Response) != token(a.Response) {
		v.Outcome, v.Reason = finding.Unknown, fmt.Sprintf("%s answers %d as a token service, and then not again", origin(a), a.Status)
		return v
	}
	v.Outcome, v.Reason = finding.Fail, fmt.Sprintf("%s answers %d as a token service: it %s", origin(a), a.Status, says)
	v.Message = fmt.Sprintf("tokens are given over plain http at %s (%d: it %s)", origin(a), a.Status, says)
	return v
}

// token says whether an answer holds a token.
func token(r wire.Response) bool {
	if r.Status != http.StatusOK {
		return false
	}
	reply, err := login.ReadReply(r.Body)
	return err == nil && reply.Token != ""
}

// alike says whether plain HTTP is answered as https is, with something that may
// be a token service's: a 404 is everybody's.
func alike(a, over wire.Response) bool {
	if a.Status != over.Status || a.Status == http.StatusNotFound || a.Status/100 == 3 {
		return false
	}
	return a.Status == http.StatusUnauthorized || inTheSameWords(a, over)
}

// inTheSameWords says whether two answers ask for a credential in the same words,
// or where neither asks for any have the same body.
func inTheSameWords(a, b wire.Response) bool {
	asked := a.Header.Get("Www-Authenticate")
	if asked != b.Header.Get("Www-Authenticate") {
		return false
	}
	return asked != "" || len(a.Body) > 0 && bytes.Equal(a.Body, b.Body)
}
