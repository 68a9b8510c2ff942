// SPDX-License-Identifier: Apache-2.0

package lab

// weakHeader are the doors whose guard believes a header, and those that tell
// about the registry on another way than its API.
func weakHeader() []entry {
	return []entry{
		{Weakness: weak("forwarded-for-open", "Whoever claims a private address in X-Forwarded-For is let in.",
			"sound-basic", "ingress/client-address", "front-xff-ip-allow"), front: leak(claimsAddress)},
		{Weakness: weak("original-uri-open", "The auth service takes the client's X-Original-URI or X-Forwarded-Uri for what is asked.",
			"sound-basic", "ingress/original-request", "front-auth-request-uri-trust"), front: leak(claimsOriginalURI)},
		{Weakness: weak("rewrite-url-open", "X-Original-URL and X-Rewrite-URL name what is served, behind the guard.",
			"sound-basic", "ingress/original-request", "front-url-rewrite-header"), front: reroute(rewritesURL)},
		{Weakness: weak("identity-header-open", "A user's name in X-WEBAUTH-USER, X-Remote-User or X-Forwarded-User is believed.",
			"sound-basic", "ingress/identity-header", "front-identity-header-trust"), front: leak(claimsIdentity)},
		{Weakness: weak("certificate-header-open", "X-SSL-Client-Verify: SUCCESS is believed.",
			"sound-basic", "ingress/identity-header", "front-mtls-header-trust"), front: leak(claimsCertificate)},
		{Weakness: weak("any-authorization-open", "Any Authorization header that is not empty passes.",
			"sound-basic", "ingress/authorization", "front-authorization-present"), front: leak(anyAuthorization)},
		{Weakness: weak("empty-authorization-open", "An empty Authorization header passes.",
			"sound-basic", "ingress/authorization", "front-authorization-present"), front: leak(emptyAuthorization)},
		{Weakness: needsToken(weak("silly-auth", "distribution with its access controller for development.",
			"sound-token", "ingress/authorization", "silly-auth")), configure: sillyAuth},
		{Weakness: weak("health-agent-open", "Health checks are let in by their User-Agent.",
			"sound-basic", "ingress/user-agent", "front-user-agent-exempt"), front: leak(healthAgent)},
		{Weakness: weak("cors-open", "Every web page may read with its user's credentials.",
			"options-cors", "ingress/cors", "cors-wildcard-credentials"), front: allowOrigin(true)},
		{Weakness: weak("parallel-api-open", "The product's own search tells strangers of private repositories.",
			"harbor-sound", "ingress/parallel-api", "ui-api-parallel-path"), front: harbor{tells: true}.front},
	}
}
