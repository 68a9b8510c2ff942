// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/policy"
	"github.com/regproof/regproof/probe"
)

// TestGuest: a token service that takes whoever mistypes his password for a guest
// gives a token with a subject. It is not that of the user, and what it is denied
// says nothing of him.
func TestGuest(t *testing.T) {
	l := labtest.Open(t)
	const right = "the password of dev"
	for _, c := range []struct {
		name, password string
		subject        func(claimed string) string // of the token that whoever is unknown gets
		want           finding.Outcome
	}{
		{"mistyped", "mistyped", func(string) string { return "guest" }, finding.Unknown},
		{"mistyped, and the name is believed", "mistyped", func(claimed string) string { return claimed }, finding.Unknown},
		{"right", right, func(string) string { return "guest" }, finding.Pass},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &house{guests: true, refuse: func(h *house, w http.ResponseWriter, r *http.Request, user string) {
				subject := c.subject(user)
				if _, password, _ := r.BasicAuth(); password == right {
					subject = user
				}
				_ = json.NewEncoder(w).Encode(map[string]any{"token": h.issueAs("", subject, "access")})
			}}
			got := h.prove(t, l, func(o *probe.Options) {
				dev := o.Identities[0]
				dev.Name = "dev"
				dev.Secret.Credential = credential.Credential{Username: "dev", Password: credential.NewSecret(c.password)}
				o.Identities = append(o.Identities, dev)
				o.Policy = policy.Policy{Rules: []policy.Rule{
					{Who: []string{"ci"}, Repos: []string{"**"}, Can: []access.Action{access.Pull}},
					{Who: []string{"dev"}, Repos: []string{"team-b/**"}, Can: []access.Action{access.Pull}},
				}}
			}, probes("escalation")...)
			want(t, got, "escalation", c.want, "")
		})
	}
}
