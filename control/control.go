// SPDX-License-Identifier: Apache-2.0

// Package control is the catalogue of what a registry should hold: each control
// a sentence that is true when all is well, with the clauses that ask for it.
// It refuses to cite a clause that was not checked against its source.
package control

import "slices"

// Control is one sentence, and what stands behind it.
type Control struct {
	ID    string
	Title string
	// Clauses that ask for it. Every one was compared with its source.
	Clauses []Clause
	// Entries of the failure catalogue (reference/failures.yaml) that it covers.
	Entries []string
}

// Clause is a place in a framework.
type Clause struct{ Framework, ID, Title string }

// The frameworks, with the edition that is cited.
const (
	SP800190 = "NIST SP 800-190"
	CSF2     = "NIST CSF 2.0"
	NHI      = "OWASP NHI Top 10 2025"
	PCI      = "PCI DSS 4.0.1"
	CCM      = "CSA CCM 4"
)

// The clauses that controls cite, each named once.
var (
	authRisk       = Clause{SP800190, "3.2.3", "insufficient authentication and authorization restrictions"}
	authMeasure    = Clause{SP800190, "4.2.3", "registry authentication and authorization"}
	authenticated  = Clause{CSF2, "PR.AA-03", "users, services and hardware are authenticated"}
	leastPrivilege = Clause{CSF2, "PR.AA-05", "access permissions incorporate least privilege"}
	insecureAuth   = Clause{NHI, "NHI4:2025", "Insecure Authentication"}
	cloudConfig    = Clause{NHI, "NHI6:2025", "Insecure Cloud Deployment Configurations"}
	accessModel    = Clause{PCI, "7.2.1", "an access control model is defined"}
	denyAll        = Clause{PCI, "7.3.3", "access control systems deny all by default"}
	ccmLeast       = Clause{CCM, "IAM-05", "Least Privilege"}
	ccmStrong      = Clause{CCM, "IAM-14", "Strong Authentication"}
	connection     = Clause{SP800190, "3.2.1", "insecure connections to registries"}
	encrypted      = Clause{SP800190, "4.2.1", "connections over encrypted channels to trusted endpoints"}
	staleRisk      = Clause{SP800190, "3.2.2", "stale images in registries"}
	inTransit      = Clause{CSF2, "PR.DS-02", "data in transit is protected"}
	maintained     = Clause{CSF2, "PR.PS-02", "software is maintained, replaced and removed"}
	secretLeakage  = Clause{NHI, "NHI2:2025", "Secret Leakage"}
	ccmPasswords   = Clause{CCM, "IAM-15", "Passwords Management"}
)

// read is what every control about reading without credentials cites.
var read = []Clause{authRisk, authMeasure, authenticated, leastPrivilege, insecureAuth, accessModel, denyAll, ccmStrong}

// list is what controls about listings cite.
var list = []Clause{authRisk, authMeasure, leastPrivilege, cloudConfig, denyAll, ccmLeast}

// door is what controls about ways in that nobody meant to be there cite.
var door = []Clause{authRisk, authMeasure, leastPrivilege, cloudConfig, denyAll}

// All lists the catalogue.
func All() []Control {
	return []Control{
		{"manifest-by-tag", "A manifest cannot be read by tag without credentials", read,
			[]string{"anon-open-registry", "anon-ping-only-guard", "anon-read-limit-except", "token-anon-grant-private", "front-bot-filter-hides", "front-ban-hides", "ipv6-only-hole", "backend-direct", "mirror-private-anon", "gitea-private-container-anon"}},
		{"manifest-by-digest", "A manifest cannot be read by digest without credentials", read,
			[]string{"anon-digest-open-tag-guarded", "anon-open-registry"}},
		{"index-child", "The manifests inside an index cannot be read without credentials", read,
			[]string{"anon-digest-open-tag-guarded"}},
		{"config", "An image's config cannot be read without credentials", read,
			[]string{"anon-blob-open-manifest-guarded"}},
		{"layer", "A layer cannot be downloaded without credentials", read,
			[]string{"anon-blob-open-manifest-guarded", "anon-open-registry", "presigned-url-replay"}},
		{"head", "HEAD tells a stranger nothing that GET denies", read,
			[]string{"anon-head-open"}},
		{"tags", "Tags cannot be listed without credentials", list,
			[]string{"tags-list-leak"}},
		{"catalog", "Repositories cannot be listed without credentials", list,
			[]string{"catalog-open"}},
		{"referrers", "What is attached to an image cannot be listed without credentials", list,
			[]string{"referrers-leak"}},
		{"referrers-tag", "Attached signatures and SBOMs cannot be read by their tag without credentials", list,
			[]string{"referrers-leak"}},
		{"upload", "An upload cannot be started without credentials", []Clause{authRisk, authMeasure, authenticated, leastPrivilege, insecureAuth, denyAll, ccmStrong},
			[]string{"upload-anon-start", "anonymous-write-repo"}},
		{"existence", "A denial does not tell whether a repository exists", []Clause{authRisk, leastPrivilege},
			[]string{"repo-existence-oracle"}},
		{"challenge", "A denial says how to authenticate", []Clause{authMeasure, authenticated},
			nil},

		{"path-spelling", "No spelling of the path opens what is denied", read,
			[]string{"path-percent-encoding", "path-dot-slash-normalisation", "path-case"}},
		{"mount-path", "No other path leads to the registry past its guard", read,
			[]string{"front-prefix-without-slash", "v2-mount-path-variants"}},
		{"query", "A query string opens nothing", read,
			[]string{"front-query-exempt", "front-skip-auth-regex"}},
		{"method", "No method opens what GET is denied", read,
			[]string{"anon-method-variants"}},
		{"host", "No Host header opens what is denied", read,
			[]string{"front-host-spelling", "vhost-default-server", "front-absolute-form"}},
		{"server-name", "No TLS server name opens what is denied", slices.Concat(read, []Clause{connection, encrypted}),
			[]string{"front-sni-host-mismatch", "vhost-default-server"}},
		{"protocol", "No version of HTTP and no upgrade opens what is denied", read,
			[]string{"front-upgrade-exempt"}},
		{"client-address", "A client cannot claim an address that is let in", read,
			[]string{"front-xff-ip-allow"}},
		{"original-request", "A client cannot claim that it asked for something else", read,
			[]string{"front-auth-request-uri-trust", "front-url-rewrite-header"}},
		{"identity-header", "A client cannot claim an identity in a header", read,
			[]string{"front-identity-header-trust", "front-mtls-header-trust"}},
		{"authorization", "Only a valid credential opens what is denied", read,
			[]string{"front-authorization-present", "silly-auth"}},
		{"user-agent", "No User-Agent opens what is denied", read,
			[]string{"front-user-agent-exempt"}},
		{"accept", "No Accept header opens what is denied", read,
			[]string{"front-accept-header"}},
		{"conditional", "A conditional request opens nothing", read,
			[]string{"front-conditional-exempt"}},
		{"range", "A range request opens nothing", read,
			nil},
		{"depth", "The guard covers repositories of every depth", read,
			[]string{"front-regex-depth"}},
		{"static-extension", "The guard covers names that end like a static file", read,
			[]string{"front-static-extension"}},
		{"replicas", "Every replica behind one address denies", read,
			[]string{"lb-inconsistent-backends"}},
		{"realm-host", "The token realm does not follow the client's Host header", []Clause{connection, encrypted, insecureAuth},
			[]string{"host-header-realm"}},
		{"location-host", "An upload location does not follow the client's headers", []Clause{connection, encrypted, insecureAuth},
			[]string{"location-host-reflection"}},
		{"cors", "A foreign web page cannot read with a user's credentials", []Clause{authRisk, authMeasure, insecureAuth},
			[]string{"cors-wildcard-credentials"}},
		{"parallel-api", "No other API of the product tells of a private repository", list,
			[]string{"ui-api-parallel-path"}},

		{"cached-content", "A shared cache asks the registry about every stranger", read,
			[]string{"cache-auth-blind-blob", "cache-auth-blind-manifest"}},
		{"cache-key", "A shared cache tells Accept values apart", []Clause{staleRisk},
			[]string{"cache-auth-blind-manifest"}},
		{"stale-tag", "A tag means the same on every way in", []Clause{staleRisk},
			[]string{"cache-stale-tag"}},
		{"revoked-content", "A cache does not serve what the registry no longer does", []Clause{staleRisk, authRisk, leastPrivilege},
			[]string{"cache-survives-revocation"}},

		{"catalog-size", "The size of a catalog page is bounded", []Clause{maintained},
			[]string{"catalog-unbounded"}},
		{"v1-api", "The first registry API is gone", door,
			[]string{"api-v1-leftover"}},
		{"debug", "No debug server is reachable", door,
			[]string{"debug-port"}},
		{"metrics", "Metrics tell strangers nothing", door,
			[]string{"metrics-open"}},
		{"self-registration", "Strangers cannot make themselves an account", []Clause{authRisk, authMeasure, leastPrivilege, ccmLeast},
			[]string{"self-registration"}},
		{"version", "The registry does not tell strangers its version", []Clause{maintained},
			[]string{"version-disclosure"}},
		{"known-vulnerability", "The registry runs no version with a published vulnerability", []Clause{maintained},
			[]string{"known-cve-version", "mirror-realm-exfil"}},
		{"default-credentials", "The vendor's default password is not valid", []Clause{authRisk, authMeasure, authenticated, insecureAuth, ccmPasswords},
			[]string{"default-credentials"}},
		{"doors", "There is no way in that nobody listed", slices.Concat(door, []Clause{connection, encrypted, inTransit}),
			[]string{"alt-plain-http-port", "backend-direct", "ipv6-only-hole"}},
		{"storage", "The storage behind the registry is not public", read,
			[]string{"storage-bucket-public"}},
		{"signed-url", "A signed storage URL is short-lived", []Clause{authRisk, secretLeakage},
			[]string{"presigned-url-replay"}},
		{"client-configuration", "Clients verify the registry and have no other upstream", []Clause{connection, encrypted, inTransit},
			[]string{"insecure-client-config"}},
		{"redirected-port", "Plain HTTP sends clients to https and serves nothing", []Clause{connection, encrypted, inTransit},
			[]string{"alt-plain-http-port"}},
		{"closed-door", "A way in that is meant to be closed is closed", slices.Concat(door, []Clause{connection, encrypted}),
			[]string{"backend-direct"}},
	}
}

// Get finds a control by its id.
func Get(id string) (Control, bool) {
	all := All()
	i := slices.IndexFunc(all, func(c Control) bool { return c.ID == id })
	if i < 0 {
		return Control{}, false
	}
	return all[i], true
}

// Correction says what is wrong with a clause that others cite, "" if nothing
// is known to be.
func Correction(framework, id string) string {
	return corrections[framework+" "+id]
}

// corrections are citations that stand in widely used sources and are wrong.
var corrections = map[string]string{
	"NIST CSF PR.AC-1": "PR.AC-1 is of CSF 1.1; in CSF 2.0 it is PR.AA-01, PR.AA-03 and PR.AA-05",
	"NIST CSF PR.DS-5": "PR.DS-5 is of CSF 1.1; in CSF 2.0 it is PR.DS-01, PR.DS-02 and PR.DS-10",
	"MAESTRO IAM-02":   "MAESTRO has layers and no numbered controls; IAM-02 is of the CSA Cloud Controls Matrix (Strong Password Policy and Procedures)",
	"OWASP NHI NHI-01": "NHI1:2025 is Improper Offboarding; for registry access the nearest are NHI4 and NHI5",
	"OWASP NHI NHI1":   "NHI1:2025 is Improper Offboarding; for registry access the nearest are NHI4 and NHI5",
}
