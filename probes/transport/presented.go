// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/wire"
)

// plainManifest is what every attempt asks for: the image's manifest, by a
// stranger without a certificate.
func plainManifest(t *probe.Trial) probe.Attempt {
	a := probe.Attempt{Request: oci.Request{Method: "GET", Kind: oci.Manifest, Repository: t.Repository(), Reference: t.Reference(), Accept: oci.AcceptManifests()}}
	if k := t.Known(); k != nil {
		a.Content = k.Root
	}
	return a
}

// with is the manifest asked for with a certificate and nothing else.
func (s shown) with(plain probe.Attempt) probe.Attempt {
	plain.Variant, plain.Cause, plain.Judge = s.who, s.why, servedTo(s.who, finding.Critical)
	plain.Change = presents(s.cert)
	return plain
}

// login is the same after a login, in which the token service sees the
// certificate, too; id is who logs in beside that.
func (s shown) login(plain probe.Attempt, id login.Identity) probe.Attempt {
	a := s.with(plain)
	a.Variant = s.who + ", and a login"
	id.Cert = s.cert
	if id.Secret.Credential.IsZero() {
		id.Name = "with " + s.who
	} else {
		a.Variant = s.who + ", and the right password"
		a.Judge = servedTo("whoever has the password of "+id.Name+", with "+s.who, finding.High)
	}
	a.Login = &id
	return a
}

// all are the ways to come with a certificate: alone, and where a password or a
// token is needed besides, with that.
func (s shown) all(plain probe.Attempt, c probe.Certificates, tokens bool) []probe.Attempt {
	out := []probe.Attempt{s.with(plain)}
	switch {
	case c.Reader != nil && !c.Only() && !c.Reader.Secret.Credential.IsZero():
		out = append(out, s.login(plain, *c.Reader))
	case tokens:
		out = append(out, s.login(plain, login.Identity{}))
	}
	return out
}

func presents(cert *tls.Certificate) func(*wire.Request) {
	return func(r *wire.Request) { r.Cert = cert }
}

// servedTo judges by content, and says to whom it was served.
func servedTo(who string, severity finding.Severity) func(context.Context, *probe.Trial, probe.Attempt, probe.Answer) probe.Verdict {
	return func(ctx context.Context, t *probe.Trial, a probe.Attempt, answer probe.Answer) probe.Verdict {
		if answer.Status == 0 && answer.Problem != "" {
			return probe.Verdict{Outcome: finding.Pass, Reason: answer.Problem}
		}
		v := probe.JudgeOdd(ctx, t, a, answer)
		if v.Outcome == finding.Fail {
			v.Severity, v.Reason, v.Message = severity, "served to "+who, fmt.Sprintf("%s is served to %s", named(v.Subject), who)
		}
		return v
	}
}

// named names content.
func named(s *finding.Subject) string {
	if s == nil {
		return "the manifest"
	}
	return fmt.Sprintf("the %s %s", s.Kind, oci.Digest(s.Digest).Short())
}

// refused says whether an answer is that of a server which wants another
// certificate, or one at all: an alert, what nginx says, or a front's 403 or 421.
func refused(r wire.Response) bool {
	switch {
	case r.Failure == wire.ClientCert:
		return true
	case r.Status == http.StatusBadRequest, r.Status == http.StatusForbidden, r.Status == http.StatusMisdirectedRequest, r.Status == 495, r.Status == 496:
		return true
	}
	return false
}

// answers says whether an answer is that of a server which looked at the request
// and not at the certificate: content, a redirect, or the question for a
// password. Anything else may be how it refuses.
func answers(r wire.Response) bool {
	return r.Failure == "" && (r.Status/100 == 2 || r.Status/100 == 3 || r.Status == http.StatusUnauthorized)
}

// text is what was answered, in a word or two.
func text(r wire.Response) string {
	if r.Status == 0 {
		if r.Failure == wire.Canceled && r.Err != nil {
			return r.Err.Error()
		}
		return strings.ToLower(string(r.Failure))
	}
	return fmt.Sprint(r.Status)
}

// tokens says whether clients are sent to a token service.
func tokens(places []probe.Place) bool {
	return len(places) > 0 && places[len(places)-1].Token
}

// nobody is the name of made-up certificates: of nobody, and of this run.
func nobody(t *probe.Trial) string { return t.Nonce() }
