// SPDX-License-Identifier: Apache-2.0

package lab

// weakVerify are the fronts that verify tokens and forget something. Each has
// one flaw; some flaws open the way of another, as a key that is not looked at
// cannot be the wrong one.
func weakVerify() []entry {
	flawed := func(name, title, probe, id string, flaws flaw) entry {
		return entry{Weakness: weak(name, title, "verify-sound", probe, id), tokens: forAnyService, verifies: true, flaws: flaws}
	}
	return needsTokens([]entry{
		flawed("verify-no-signature", "A token is decoded, and its signature is not looked at.",
			"token/signature", "jwt-signature-not-checked", ignoresSignature),
		flawed("verify-stripped", "A token whose signature was taken off is accepted.",
			"token/signature", "jwt-alg-none", takesStripped),
		flawed("verify-alg-none", "A token that calls itself unsigned is accepted, in any spelling.",
			"token/algorithm", "jwt-alg-none", takesNone),
		flawed("verify-hs256", "The public key is taken for the secret of HS256.",
			"token/algorithm", "jwt-alg-confusion", takesHMAC),
		flawed("verify-jwk", "The key in a token is used if its name is that of a trusted one.",
			"token/key", "jwt-jwk-header-injection", takesEmbedded),
		flawed("verify-jwk-any", "The key in a token is used.",
			"token/key", "jwt-jwk-header-injection", takesAnyEmbedded),
		flawed("verify-jku", "The keys are fetched from where the token says.",
			"token/key", "jwt-jwk-header-injection", fetchesSet),
		flawed("verify-x5u", "The certificate is fetched from where the token says.",
			"token/key", "jwt-jwk-header-injection", fetchesChain),
		flawed("verify-x5c", "The certificate in a token is used, whoever signed it.",
			"token/key", "jwt-jwk-header-injection", takesChain),
		flawed("verify-kid-path", "The name of the key is the path of a file, and an empty file is an empty secret.",
			"token/key", "jwt-alg-confusion", readsKeyFile),
		flawed("verify-kid-file", "The name of the key is the path of a file, and what is in it the secret, whoever else knows it.",
			"token/key", "jwt-alg-confusion", readsAnyFile),
		flawed("verify-kid-twice", "Of two names of the key the first is checked, and the last is the path of a file.",
			"token/key", "jwt-alg-confusion", checksFirstName),
		flawed("verify-kid-sql", "The name of the key is put into a query of a database.",
			"token/key", "jwt-alg-confusion", selectsKey),
		flawed("verify-no-aud", "The audience is not looked at.",
			"token/audience", "jwt-aud-not-checked", ignoresAudience),
		flawed("verify-aud-prefix", "An audience that begins like the registry's name is accepted.",
			"token/audience", "jwt-aud-not-checked", comparesPrefix),
		flawed("verify-no-iss", "The issuer is not looked at, if the key is a trusted one.",
			"token/issuer", "jwt-iss-not-checked", ignoresIssuer),
		flawed("verify-no-exp", "The expiry is not looked at.",
			"token/expiry", "jwt-expiry-not-enforced", ignoresExpiry),
		flawed("verify-no-nbf", "A token is accepted before its time.",
			"token/expiry", "jwt-expiry-not-enforced", ignoresNotBefore),
		flawed("verify-exp-string", "An expiry that is no number, or too large for one, is never.",
			"token/structure", "jwt-expiry-not-enforced", oddExpiryIsNever),
		flawed("verify-exp-absent", "A token without an expiry never ends.",
			"token/structure", "jwt-expiry-not-enforced", noExpiryIsNever),
		flawed("verify-first-claim", "Of two claims of one name the first counts.",
			"token/structure", "jwt-signature-not-checked", takesFirstClaim),
		flawed("verify-first-key", "Of two algorithms in a header the first is checked and the last is used.",
			"token/structure", "jwt-signature-not-checked", checksFirst),
		flawed("verify-duplicate-keys", "Of two algorithms in a header the last is checked and the first is used.",
			"token/structure", "jwt-signature-not-checked", checksLast),
		flawed("verify-crit", "A critical extension that the verifier does not know is ignored.",
			"token/structure", "jwt-signature-not-checked", ignoresCritical),
		flawed("verify-nested", "What is in an unsigned or encrypted envelope is taken for verified.",
			"token/structure", "jwt-signature-not-checked", unwraps),
		flawed("verify-no-repository", "A token for one repository opens every other.",
			"token/repository", "token-cross-repo", ignoresRepository),
		flawed("verify-tag-only", "What a token allows is checked for tags, and not for digests.",
			"token/repository", "token-cross-repo", ignoresDigests),
		flawed("verify-no-action", "A token to pull allows to push and delete.",
			"token/action", "token-action-confusion", ignoresAction),
		flawed("verify-push-deletes", "A token to push allows to delete.",
			"token/action", "token-action-confusion", deletesByPush),
		flawed("verify-mount-source", "A token for the repository of a mount is asked for, and none for its source.",
			"token/mount", "blob-mount-leak", forgetsSource),
	})
}
