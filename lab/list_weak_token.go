// SPDX-License-Identifier: Apache-2.0

package lab

import "time"

// weakToken are the doors whose token service gives what it should not, and the
// registries that take for a token what is none.
func weakToken() []entry {
	return needsTokens([]entry{
		{Weakness: weak("token-anonymous-pull", "The token service gives strangers the right to pull everything.",
			"sound-token", "token/stranger", "token-anon-grant-private"), tokens: gives(pullsAnything)},
		{Weakness: weak("token-anonymous-any", "The token service gives strangers whatever they ask for.",
			"sound-token", "token/stranger", "token-anon-grant-private"), tokens: gives(whatever)},
		{Weakness: weak("token-anonymous-post", "A POST without a credential gets what it asks for.",
			"sound-token-oauth", "token/stranger", "token-anon-grant-private"), tokens: oauth(func(s *tokenService) { s.strangersPost = true })},
		{Weakness: weak("token-more-than-asked", "A token allows all that its user may do, and the catalog, whatever was asked for.",
			"sound-token", "token/surplus", "token-scope-more-than-asked"), tokens: func(s *tokenService) { s.surplus = true }},
		{Weakness: weak("token-escalation", "Every user gets the rights that are asked for.",
			"sound-token", "token/escalation", "token-scope-escalation"), tokens: func(s *tokenService) { s.escalates = true }},
		{Weakness: weak("token-form-unchecked", "The rights that a POST asks for are not checked.",
			"sound-token-oauth", "token/escalation", "token-scope-escalation"), tokens: oauth(func(s *tokenService) { s.formUnchecked = true })},
		{Weakness: weak("token-refresh-unchecked", "The rights that are asked for with a refresh token are not checked.",
			"sound-token-oauth", "token/escalation", "token-scope-escalation"), tokens: oauth(func(s *tokenService) { s.refreshUnchecked = true })},
		{Weakness: weak("token-query-beside-body", "The scope in the body of a POST is checked, and that in its query is granted as well.",
			"sound-token-oauth", "token/escalation", "token-scope-escalation"), tokens: oauth(func(s *tokenService) { s.queryBeside = true })},
		{Weakness: weak("token-body-beside-query", "The scope in the query of a POST is checked, and that in its body is granted as well.",
			"sound-token-oauth", "token/escalation", "token-scope-escalation"), tokens: oauth(func(s *tokenService) { s.bodyBeside = true })},
		{Weakness: weak("token-last-scope", "Of several scope parameters the first is checked, and the last is granted.",
			"sound-token", "token/escalation", "token-scope-escalation"), tokens: func(s *tokenService) { s.firstChecked = true }},
		{Weakness: weak("token-all-repositories", "Who asks to pull one repository may pull all that he may with the token.",
			"sound-token", "token/surplus", "token-scope-more-than-asked"), tokens: func(s *tokenService) { s.everywhere = true }},
		{Weakness: weak("token-scope-trim", "The names of a scope are decoded, trimmed and put in lower case after they were checked.",
			"sound-token", "token/scope-syntax", "token-scope-escalation"), tokens: func(s *tokenService) { s.trims = true }},
		{Weakness: weak("token-any-service", "Tokens are made for any service, and the registry takes them all.",
			"verify-sound", "token/service", "jwt-aud-not-checked"), tokens: forAnyService, verifies: true, flaws: ignoresAudience},
		{Weakness: weak("token-last-service", "Of several services the rights are those at the first, where everything is public, and the token is for the last.",
			"sound-token", "token/service", ""), tokens: func(s *tokenService) { s.lastService = true }},
		{Weakness: weak("token-account", "The account parameter says who asks, whatever the credentials are.",
			"sound-token", "token/service", ""), tokens: func(s *tokenService) { s.accountRules = true }},
		{Weakness: weak("token-account-beside-body", "The account in the query of a POST says who asks, whatever the credential in its body is.",
			"sound-token-oauth", "token/service", ""), tokens: oauth(func(s *tokenService) { s.accountBeside = true })},
		{Weakness: weak("token-long-lived", "Tokens are good for a day.",
			"sound-token", "token/lifetime", "jwt-long-lived"), tokens: func(s *tokenService) { s.lifetime = 24 * time.Hour }},
		{Weakness: weak("token-no-throttle", "Passwords can be guessed at the token service as fast as one likes.",
			"token-throttle", "token/throttling", "token-endpoint-bruteforce")},
		{Weakness: weak("token-user-answer", "A refused login tells whether the user exists.",
			"sound-token", "token/user-existence", "user-enumeration-timing"), tokens: func(s *tokenService) { s.tells = true }},
		{Weakness: weak("token-user-timing", "A password is hashed only if its user exists, which takes 60 ms.",
			"token-same-time", "token/user-timing", "user-enumeration-timing"), tokens: func(s *tokenService) { s.looksUpFirst = true }},
		{Weakness: weak("token-empty-user", "Without a user name the token service lets in its own account.",
			"sound-token", "token/empty-credential", ""), tokens: func(s *tokenService) { s.emptyUser = true }},
		{Weakness: weak("token-empty-password", "Without a password the token service lets in its own account, as a directory's unauthenticated bind does.",
			"sound-token", "token/empty-credential", ""), tokens: func(s *tokenService) { s.emptyPassword = true }},
		{Weakness: weak("token-survives-revocation", "A revoked user still gets tokens.",
			"sound-token-oauth", "token/revocation", "revoked-cred-token-valid"), tokens: oauth(func(s *tokenService) { s.survives = true })},
		{Weakness: weak("token-refresh-survives", "The refresh token of a revoked user still gets tokens.",
			"sound-token-oauth", "token/revocation", "revoked-cred-token-valid"), tokens: oauth(func(s *tokenService) { s.refreshSurvives = true })},
		{Weakness: weak("token-in-query", "A token is taken from the query.",
			"sound-token", "token/query", ""), front: tokenFromQuery},
		{Weakness: weak("token-refresh-as-access", "The registry takes a refresh token for an access token.",
			"sound-token-oauth", "token/kind", ""), tokens: oauth(nil), front: letsIn(byRefreshToken)},
		{Weakness: weak("token-id-as-access", "The registry takes an id token, made for a client, for an access token.",
			"sound-token-oauth", "token/kind", ""), tokens: oauth(nil), verifies: true, flaws: takesIdentity},
		{Weakness: weak("token-basic", "The registry takes a password beside tokens.",
			"sound-token", "token/basic", "basic-auth-accepted-everywhere"), front: letsIn(byPassword)},
	})
}

// soundToken are the doors with tokens that hold, each in its way.
func soundToken() []entry {
	return needsTokens([]entry{
		{Weakness: sound("sound-token-oauth", "distribution with tokens from a service that takes POST, too, and gives refresh tokens and id tokens.",
			"token/kind"), tokens: oauth(nil)},
		{Weakness: sound("token-throttle", "After ten wrong passwords the token service refuses a user name with 429 for five seconds.",
			"token/throttling"), tokens: func(s *tokenService) { s.throttle = newThrottle(10, 5*time.Second) }},
		{Weakness: sound("token-same-time", "A password is hashed whether or not its user exists, which takes 60 ms.",
			"token/user-timing"), tokens: func(s *tokenService) { s.looksUpFirst, s.sameDelay = true, true }},
		{Weakness: sound("verify-sound", "A front verifies tokens that are made for any service, and the registry behind it is open.",
			"token/signature"), tokens: forAnyService, verifies: true},
		{Weakness: sound("verify-last-claim", "Of two claims of one name the last counts, as the standard has it.",
			"token/structure"), tokens: forAnyService, verifies: true, flaws: takesLastClaim},
	})
}

func forAnyService(s *tokenService) { s.anyService = true }

// oauth is a token service that takes POST and gives refresh tokens, and what is
// wrong with it beside.
func oauth(also func(*tokenService)) func(*tokenService) {
	return func(s *tokenService) {
		s.oauth = newSessions()
		if also != nil {
			also(s)
		}
	}
}
