// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// verifier is a front that verifies tokens itself and stands before the open
// registry, as home-grown gates do. The zero flaw is the strict one: distribution
// cannot be told to forget any of this.
type verifier struct {
	keys             *keys
	realm            string
	issuer, audience string // "" is the lab's
	flaws            flaw
	leeway           time.Duration

	trusted   func() []jose.JSONWebKey                           // nil: the lab's
	missing   func(ctx context.Context, kid string) (any, error) // where a key may be that is not trusted yet; no key is no check
	workloads *workloads                                         // whose tokens are taken as they are
	subjects  func(string) bool                                  // who is to be named in the lab's own tokens; nil: anybody
}

// flaw is what a verifier forgets. They combine.
type flaw uint64

const (
	ignoresSignature flaw = 1 << iota // decodes alone
	takesStripped                     // no signature is a good one
	takesNone                         // alg none, in any case
	takesHMAC                         // HS256 with the public key for the secret
	takesEmbedded                     // jwk, if its kid is a trusted one
	takesAnyEmbedded                  // jwk
	fetchesSet                        // jku
	fetchesChain                      // x5u
	takesChain                        // x5c, whoever signed it
	readsKeyFile                      // kid is the path of a secret
	readsAnyFile                      // the same, for a file that is not empty
	checksFirstName                   // of two kids, and reads the file of the last
	selectsKey                        // kid is put into a query of SQL
	ignoresAudience
	comparesPrefix // of the audience
	ignoresIssuer
	ignoresExpiry
	oddExpiryIsNever // a string, or a number that is none
	noExpiryIsNever
	ignoresNotBefore
	takesFirstClaim // of two claims of one name
	takesLastClaim  // the same, which RFC 7519 section 4 allows: no flaw
	checksFirst     // of two members of one name, and uses the last
	checksLast      // and uses the first
	ignoresCritical
	unwraps // takes what is in an envelope for verified
	ignoresRepository
	ignoresDigests // access counts for tags alone
	ignoresAction
	deletesByPush
	forgetsSource // of a mount
	takesIdentity // an id token is as good
)

func (v *verifier) has(f flaw) bool { return v.flaws&f != 0 }

func (v *verifier) before(open http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isAPI(r) {
			open.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
		need, ok := needs(r)
		if !ok {
			deny(w, r, http.StatusBadRequest, "UNSUPPORTED", "the target is no plain one of the API")
			return
		}
		if v.has(forgetsSource) {
			need = need[:min(len(need), 1)]
		}
		token := bearerOf(r)
		if token == "" {
			v.challenge(w, r, need, "")
			return
		}
		c, err := v.claims(r.Context(), token)
		if err == nil && v.subjects != nil && !v.subjects(c.subject) {
			err = errToken
		}
		if u, ok := v.workloads.admits(r.Context(), token); ok && err != nil {
			c, err = claimSet{subject: u.name, rights: u.rights}, nil
		}
		switch {
		case err != nil:
			v.challenge(w, r, need, "invalid_token")
		case !v.allows(c, r, need):
			v.challenge(w, r, need, "insufficient_scope")
		default:
			open.ServeHTTP(w, r)
		}
	})
}

func (v *verifier) challenge(w http.ResponseWriter, r *http.Request, need []grant, problem string) {
	value := fmt.Sprintf("Bearer realm=%q,service=%q", v.realm, service)
	if len(need) > 0 {
		value += fmt.Sprintf(",scope=%q", spell(need))
	}
	if problem != "" {
		value += fmt.Sprintf(",error=%q", problem)
	}
	w.Header().Set("WWW-Authenticate", value)
	deny(w, r, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
}

// bearerOf is the one bearer token of a request, "" when there is none or more
// than one header to take it from.
func bearerOf(r *http.Request) string {
	all := r.Header.Values("Authorization")
	if len(all) != 1 {
		return ""
	}
	scheme, token, _ := strings.Cut(all[0], " ")
	if !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// needs is what a request wants to be allowed, as distribution asks it. ok is
// false for a target that a registry might read otherwise.
func needs(r *http.Request) (need []grant, ok bool) {
	t, p := routeOf(r), strings.TrimSuffix(r.URL.Path, "/")
	if r.URL.RawPath != "" || path.Clean(p) != p || t.kind == other {
		return nil, false
	}
	repository := func(name string, actions ...string) { need = append(need, grant{"repository", name, actions}) }
	switch {
	case t.kind == base:
	case t.kind == catalog:
		need = append(need, grant{"registry", "catalog", []string{"*"}})
	case isRead(r):
		repository(t.repository, "pull")
	case r.Method == http.MethodDelete:
		repository(t.repository, "delete")
	default:
		repository(t.repository, "pull", "push")
	}
	if from := r.URL.Query().Get("from"); from != "" && t.kind == upload {
		repository(from, "pull")
	}
	return need, true
}

// claims are those of a token that is accepted.
func (v *verifier) claims(ctx context.Context, token string) (claimSet, error) {
	if v.has(unwraps) {
		if inner, ok := v.unwrap(token); ok {
			return v.read(inner.payload)
		}
	}
	j, err := parseJWS(token)
	if err != nil {
		return claimSet{}, err
	}
	if err := v.signed(ctx, j); err != nil {
		return claimSet{}, err
	}
	return v.read(j.payload)
}

var errToken = errors.New("invalid token")
