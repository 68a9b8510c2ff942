// SPDX-License-Identifier: Apache-2.0

package control

// tokens is what controls about tokens that are made or changed cite.
var tokens = []Clause{authRisk, authMeasure, authenticated, assertions, insecureAuth, ccmStrong}

// scoped is what controls about what a token allows cite.
var scoped = []Clause{authRisk, authMeasure, leastPrivilege, overprivileged, denyAll, ccmLeast}

// guessed is what controls about passwords and names cite.
var guessed = []Clause{authRisk, authMeasure, authenticated, insecureAuth}

// workload is what controls about federated identities cite.
var workload = []Clause{authRisk, authMeasure, bound, assertions, insecureAuth, cloudConfig}

func token() []Control {
	return []Control{
		{"token-stranger", "The token service gives strangers no right to what is private", scoped,
			[]string{"token-anon-grant-private"}},
		{"token-surplus", "A token allows no more than was asked for", scoped,
			[]string{"token-scope-more-than-asked"}},
		{"token-escalation", "Asking for more than one may have gives no more", scoped,
			[]string{"token-scope-escalation"}},
		{"token-scope-syntax", "No spelling of a scope gives more than its plain form", scoped,
			[]string{"token-scope-escalation", "docker-auth-acl-pitfalls"}},
		{"token-repository", "A token of one repository opens no other", scoped,
			[]string{"token-cross-repo", "gitea-token-scope"}},
		{"token-action", "A token allows no other action than those that it names", scoped,
			[]string{"token-action-confusion"}},
		{"token-mount", "A token of one repository mounts no blob of another", scoped,
			[]string{"blob-mount-leak", "token-cross-repo"}},
		{"token-service", "A token service answers for its own services and users alone", tokens,
			[]string{"jwt-aud-not-checked"}},
		{"token-audience", "A token for another audience opens nothing", tokens,
			[]string{"jwt-aud-not-checked"}},
		{"token-issuer", "A token of another issuer opens nothing", tokens,
			[]string{"jwt-iss-not-checked"}},
		{"token-expiry", "A token opens nothing after its time", tokens,
			[]string{"jwt-expiry-not-enforced"}},
		{"token-signature", "A changed or unsigned token opens nothing", tokens,
			[]string{"jwt-signature-not-checked"}},
		{"token-algorithm", "A token cannot choose how it is verified", tokens,
			[]string{"jwt-alg-none", "jwt-alg-confusion"}},
		{"token-key", "A token cannot bring the key that it is verified with", tokens,
			[]string{"jwt-jwk-header-injection"}},
		{"token-structure", "A token of a confusing form opens nothing", tokens,
			[]string{"jwt-signature-not-checked"}},
		{"token-kind", "A refresh token or an id token is no access token", tokens,
			nil},
		{"token-query", "A token in the query string opens nothing", []Clause{authRisk, insecureAuth, secretLeakage},
			nil},
		{"token-lifetime", "Tokens are short-lived", []Clause{authMeasure, managed, longLived},
			[]string{"jwt-long-lived"}},
		{"token-revocation", "A revoked credential opens nothing", []Clause{authRisk, authMeasure, managed, offboarding, revocation},
			[]string{"revoked-cred-token-valid"}},
		{"token-basic", "A password is not accepted beside tokens", guessed,
			[]string{"basic-auth-accepted-everywhere"}},
		{"empty-credential", "An empty user name or password is refused", guessed,
			nil},
		{"password-guessing", "Guessing passwords is slowed down", guessed,
			[]string{"token-endpoint-bruteforce"}},
		{"user-existence", "A refused login does not tell whether the user exists", guessed,
			[]string{"user-enumeration-timing"}},
		{"user-timing", "The time of a refused login does not tell whether the user exists", guessed,
			[]string{"user-enumeration-timing"}},
		{"workload-broker", "The broker of workload identities refuses what policy does not name", workload,
			[]string{"workload-identity-loose"}},
		{"workload-enforcement", "A workload identity that policy does not name opens nothing", workload,
			[]string{"workload-identity-loose"}},
	}
}
