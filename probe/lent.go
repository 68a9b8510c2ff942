// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"crypto/tls"
	"net/http"
	"slices"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/wire"
)

// loan is the certificate of who may read the image, shown by a stranger who has
// nothing else of him. Where a registry requires a certificate, nobody without one
// gets to what comes after it: the check of a token, or the web page of another.
type loan struct {
	of   string // whose it is
	cert *tls.Certificate
}

// lent is nil where strangers get further than a certificate: the server asks for
// none, or asks them for a login at /v2/. A 401 that asks for nothing may be for
// the want of the certificate.
func (t *Trial) lent() *loan {
	d, id := t.door, t.subject.entitled
	if id == nil || id.Cert == nil {
		return nil
	}
	d.mu.Lock()
	asked := d.asksCert
	d.mu.Unlock()
	switch ping := d.pings[d.first().Address].First; {
	case !asked, ping.Status == 0 && ping.Failure != wire.ClientCert:
		return nil
	case ping.Status == http.StatusUnauthorized && ping.Header.Has("Www-Authenticate"):
		return nil
	case ping.Status/100 == 2, ping.Status == http.StatusTooManyRequests, ping.Status >= 500:
		return nil
	}
	return &loan{of: id.Name, cert: id.Cert}
}

// lend is the loan of an attempt, nil when it shows no certificate.
func (t *Trial) lend(a Attempt) *loan {
	if !a.Lent {
		return nil
	}
	return t.lent()
}

// name is who asks, for the record.
func (l *loan) name() string { return "a stranger with the certificate of " + l.of }

// and is what a stranger shows beside, for a finding.
func (l *loan) and(what string) string {
	if l == nil {
		return what
	}
	return what + " and the certificate of " + l.of
}

// alone is what a stranger shows who shows nothing, for a finding.
func (l *loan) alone() string {
	if l == nil {
		return "without credentials"
	}
	return "to the certificate of " + l.of + " alone"
}

// show puts the certificate into a request. It goes to the endpoint and nowhere else.
func (l *loan) show(d *door, r *wire.Request) {
	if l == nil || r.Scheme != "https" || !slices.Contains(d.addresses, r.Address) || r.Host != d.ep.URL.Host {
		return
	}
	if r.Cert = l.cert; r.Identity == anonymous.Name {
		r.Identity = l.name()
	}
}

// at is who asks a token service: with the certificate, if that is the endpoint
// itself.
func (l *loan) at(d *door, realm string) login.Identity {
	u, err := d.ep.URL.Parse(realm)
	if l == nil || err != nil || u.Scheme != "https" || !strings.EqualFold(u.Host, d.ep.URL.Host) {
		return *anonymous
	}
	return login.Identity{Name: l.name(), Cert: l.cert}
}

// stranger is who makes the token flow of a question that is a stranger's.
func (d *door) stranger(q question, challenges []login.Challenge) login.Identity {
	for _, c := range challenges {
		if c.Scheme == "bearer" && c.Params["realm"] != "" {
			return q.lent.at(d, c.Params["realm"])
		}
	}
	return *q.id
}

// CertificateOnly says why there is no token or password to be tried here: where a
// certificate is required, and is all that the entitled have. The zero Result is
// that there is one.
func (t *Trial) CertificateOnly() Result {
	if t.lent() != nil && t.Certificates().Only() {
		return NotApplicable("the certificate is the only credential")
	}
	return Result{}
}

// refusesLoan: a certificate that is refused where the entitled get by with it
// proves nothing of what comes after it.
func (t *Trial) refusesLoan(a Attempt, answer Answer) (Verdict, bool) {
	l := t.lend(a)
	if l == nil || !answer.WantsCertificate() {
		return Verdict{}, false
	}
	return Verdict{Outcome: finding.Unknown, Reason: "no control: the certificate of " + l.of + " is refused"}, true
}
