// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// oddity is a token that the issuer's own key signs, and that it would not make.
type oddity struct {
	name     string
	about    string // the claim whose check it is to slip through; "" is none
	payload  []byte
	header   map[string]any
	cause    string
	severity finding.Severity
}

// oddities lists them.
func (m *template) oddities(t *probe.Trial) []oddity {
	const unread = "An expiry that cannot be read is taken for none."
	exp := func(v any) []byte { return m.base.claiming(map[string]any{"exp": v}).payload }
	all := []oddity{
		{name: "signed well, expired in 2001, exp a string", about: "exp", payload: exp("1000000000"), cause: unread},
		{name: "signed well, exp 1e400", about: "exp", payload: exp(json.RawMessage("1e400")), cause: unread},
		{name: "signed well, exp null", about: "exp", payload: exp(json.RawMessage("null")), cause: unread},
		{name: "signed well, exp negative", about: "exp", payload: exp(-1), cause: unread},
		{name: "signed well, with a critical extension that nobody knows", payload: m.base.payload, header: map[string]any{"crit": []string{"regproof"}, "regproof": true}, cause: "An extension that must be understood (RFC 7515 section 4.1.11) is ignored."},
		{name: "signed well, without exp", about: "exp", payload: exp(nil), cause: "A token without an expiry never ends.", severity: finding.Medium},
	}
	for _, w := range m.wrong(t) {
		if _, ok := object(m.base.payload)[w.claim]; ok {
			all = append(all, oddity{
				name: "signed well, " + w.claim + " twice, the last " + w.what, about: w.claim, payload: twice(m.base.payload, w.claim, w.value),
				cause: "Of two claims of one name the first counts.", severity: finding.Medium,
			})
		}
	}
	return all
}

// wrong is a claim with which a token must be refused.
type wrong struct {
	claim, what string
	value       any
	teller      string // the probe of the plain one
}

func (m *template) wrong(t *probe.Trial) []wrong {
	return []wrong{
		{"aud", "another", t.Nonce(), "token/audience"},
		{"exp", "in 2001", 1000000000, "token/expiry"},
		{"iss", "another", t.Nonce(), "token/issuer"},
		{"access", "for another repository", []any{allows(t.Name(t.Nowhere()), "pull")}, "token/repository"},
	}
}

// twice is an object with one more member of a name that it has.
func twice(doc []byte, name string, last any) []byte {
	out := strings.TrimSuffix(string(doc), "}") + "," + string(text(name)) + ":" + string(text(last)) + "}"
	return []byte(out)
}

// odd are the tokens that the given key signs, if what it signs proves anything;
// why says that it does not. A claim that a registry does not look at is another
// probe's to tell, which aside says.
func (m *template) odd(ctx context.Context, t *probe.Trial) (forms []form, why string, aside func(probe.Result) probe.Result) {
	same := func(r probe.Result) probe.Result { return r }
	if t.Signing() == nil {
		return nil, "", same
	}
	if why := m.signs(ctx, t); why != "" {
		return nil, why, same
	}
	blind := m.blind(ctx, t)
	for _, o := range m.oddities(t) {
		if slices.ContainsFunc(blind, func(w wrong) bool { return w.claim == o.about }) {
			continue
		}
		if f, ok := m.signedOver(t, o.name, o.cause, o.payload, o.header); ok {
			f.severity = o.severity
			forms = append(forms, f)
		}
	}
	return forms, "", func(r probe.Result) probe.Result {
		if r.Outcome == finding.Pass {
			for _, w := range blind {
				r.Reason += "; " + w.claim + " is not looked at, which " + w.teller + " tells"
			}
		}
		return r
	}
}

// blind are the claims that a registry does not look at: a token that is plainly
// wrong in one opens the image. Each is one request.
func (m *template) blind(ctx context.Context, t *probe.Trial) []wrong {
	all := m.wrong(t)
	opened := make([]bool, len(all))
	tasks := make([]func(), len(all))
	for i, w := range all {
		tasks[i] = func() {
			if f, ok := m.signed(t, "signed well, "+w.claim+" "+w.what, "", map[string]any{w.claim: w.value}, nil); ok && !t.Planning() {
				t.Hide(f.token)
				opened[i] = opens(ctx, t, f, t.Plain())
			}
		}
	}
	together(tasks...)
	var out []wrong
	for i, w := range all {
		if opened[i] {
			out = append(out, w)
		}
	}
	return out
}
