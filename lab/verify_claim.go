// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// leeway is that of distribution.
const leeway = 60 * time.Second

// claimSet is what an accepted token says.
type claimSet struct {
	subject string
	access  []grant
	rights  rights // of an id token's user
}

// read checks issuer, audience and time, and reads the rest.
func (v *verifier) read(payload []byte) (claimSet, error) {
	m, err := parseMembers(payload)
	if err != nil || (m.twice() && !v.has(takesFirstClaim|takesLastClaim)) {
		return claimSet{}, errToken
	}
	if v.has(takesLastClaim) {
		slices.Reverse(m) // the last is the first to be found
	}
	c := claimSet{subject: text(m.first("sub"))}
	if v.has(takesIdentity) && m.first("access") == nil && c.subject != "" {
		if u, ok := v.keys.find(c.subject); ok {
			c.rights = u.rights
		}
	}
	switch {
	case text(m.first("iss")) != cmp.Or(v.issuer, issuer) && !v.has(ignoresIssuer),
		c.rights == nil && !v.addressed(m.first("aud")),
		!v.inTime(m, time.Now()):
		return claimSet{}, errToken
	}
	if raw := m.first("access"); raw != nil {
		err = json.Unmarshal(raw, &c.access)
	}
	return c, err
}

func (v *verifier) addressed(raw json.RawMessage) bool {
	if v.has(ignoresAudience) {
		return true
	}
	var all []string
	if json.Unmarshal(raw, &all) != nil {
		all = []string{text(raw)}
	}
	return slices.ContainsFunc(all, func(a string) bool {
		want := cmp.Or(v.audience, service)
		return a == want || (v.has(comparesPrefix) && strings.HasPrefix(a, want))
	})
}

// inTime checks exp, which must be there, and nbf, which may.
func (v *verifier) inTime(m members, now time.Time) bool {
	exp, err := seconds(m.first("exp"))
	never := err != nil && ((m.first("exp") != nil && v.has(oddExpiryIsNever)) || (m.first("exp") == nil && v.has(noExpiryIsNever)))
	if !v.has(ignoresExpiry) && !never && (err != nil || now.Add(-v.leeway).After(exp)) {
		return false
	}
	if m.first("nbf") == nil || v.has(ignoresNotBefore) {
		return true
	}
	nbf, err := seconds(m.first("nbf"))
	return err == nil && !now.Add(v.leeway).Before(nbf)
}

// seconds reads a NumericDate (RFC 7519 section 2), to the second.
func seconds(raw json.RawMessage) (time.Time, error) {
	f, err := strconv.ParseFloat(string(raw), 64) // of what is JSON already; a string has its quotes
	if err != nil || f < 0 || f > 1e11 {
		return time.Time{}, errToken
	}
	return time.Unix(int64(f), 0), nil
}

// allows tells whether the token's access covers what the request needs.
func (v *verifier) allows(c claimSet, r *http.Request, need []grant) bool {
	if c.rights != nil {
		return c.rights.allow(need)
	}
	if t := routeOf(r); v.has(ignoresDigests) && isRead(r) && t.byDigest() && t.kind != referrer && len(c.access) > 0 {
		return true
	}
	for _, n := range need {
		for _, action := range n.Actions {
			if !slices.ContainsFunc(c.access, func(have grant) bool { return v.covers(have, n, action) }) {
				return false
			}
		}
	}
	return true
}

func (v *verifier) covers(have, want grant, action string) bool {
	return have.Type == want.Type &&
		(have.Name == want.Name || v.has(ignoresRepository)) &&
		(slices.Contains(have.Actions, action) || (v.has(ignoresAction) && len(have.Actions) > 0) ||
			(v.has(deletesByPush) && action == "delete" && slices.Contains(have.Actions, "push")))
}
