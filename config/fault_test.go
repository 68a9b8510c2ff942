// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/regproof/regproof/config"
)

const (
	reg   = "version: 1\nregistries:\n  - name: corp\n    url: https://r.example\n" // 4 lines
	two   = reg + "  - {name: lab, url: 'https://l.example'}\n"                     // 5 lines
	ident = minimal + "identities: [{name: ci, groups: [builders], from: {env: [U, P]}}]\n"
)

// faults lists files with the faults they have. JSON Schema sees those marked.
var faults = []struct {
	name, text string
	want       []string
	schema     bool
}{
	// The text.
	{"empty", "", w("1:1 the file is empty"), false},
	{"only a comment", "# nothing\n", w("1:1 the file is empty"), false},
	{"only null", "~\n", w("1:1 the file is empty"), false},
	{"not UTF-8", "version: 1\nab\xff: 2\n", w(`2:3 byte \xff is not UTF-8`), false},
	{"escape character", "version: 1 # \x1b[2J\n", w("1:14 control character U+001B in the file"), false},
	{"lone carriage return", "version: 1\rx: 2\n", w("1:11 control character U+000D in the file"), false},
	{"bidirectional override", minimal + "# \u202e\n", w("3:3 control character U+202E in the file"), false},
	{"syntax", "version: 1\na: [1, 2\nb: 3\n", w("3:1 not valid YAML: ',' or ']' must be specified"), false},
	{"tab", "version: 1\nregistries:\n\t- name: corp\n", w("3:1 not valid YAML: a tab cannot indent; use spaces"), false},
	{"two documents", minimal + "---\nversion: 1\n", w("3:1 a second YAML document; the configuration is one document"), false},
	{"directive", "%YAML 1.2\n---\n" + minimal, w("1:1 YAML directives are not supported"), false},
	{"question mark key", minimal + "? check\n: {}\n", w(`3:1 a key after "? " is not supported; write key: value`), false},
	{"deep flow", "a: " + strings.Repeat("[", 5000), w("1:36 nested deeper than 32 levels"), false},
	{"deep dashes", strings.Repeat("- ", 5000), w("1:65 nested deeper than 32 levels"), false},
	{"deep mixture", strings.Repeat("- [", 20), w("1:60 not valid YAML: sequence end token ']' not found"), false},
	{"deep blocks", deep(40), w(`1:1 unknown key "a"; valid here: version, registries, identities, policy, images, check`, `1:1 missing key "version"`, `1:1 missing key "registries"`, "34:35 nested deeper than 32 levels"), false},
	{"too many keys", minimal + "check:\n" + strings.Repeat("  a: 1\n", 100000), w("504:3 a mapping of more than 500 keys"), false},
	{"a list", "- version: 1\n", w("1:1 the file is a list, expected a mapping with keys version, registries, identities, policy, images, check"), true},
	{"a string", "version\n", w(`1:1 the file is a string, expected a mapping with keys version, registries, identities, policy, images, check`), true},

	// What YAML offers and a configuration should not use.
	{"merge key", reg + "check: &c {}\n<<: *c\n", w("6:1 merge keys (<<) are not supported"), false},
	{"tag", minimal + "images: [{repository: a, reference: !!str 1.4}]\n", w("3:37 YAML tags are not supported: !!str"), false},
	{"alias without anchor", minimal + "images: *nowhere\n", w("3:9 alias *nowhere has no anchor"), false},
	{"alias of itself", minimal + "images: &a [*a]\n", w("3:13 alias *a has no anchor"), false},
	{"number as a key", minimal + "1: x\n", w(`3:1 a key must be a word, not "1"`), false},
	{"duplicate key", reg + "version: 1\n", w(`5:1 duplicate key "version", first on line 1`), false},
	{"duplicate key in flow", minimal + "check: {budget: {denied: 1, denied: 2}}\n", w(`3:29 duplicate key "denied", first on line 3`), false},
	{"alias bomb", bomb(), w("3:243 aliases expand to more than 10000 values"), false},

	// Keys.
	{"unknown key, near", minimal + "images: [{repositery: a, reference: b}]\n", w(`3:11 unknown key "repositery", did you mean "repository"?`), true},
	{"unknown key, other case", minimal + "identities: [{name: a, plain_http: true, from: {env: [U, P]}}]\n", w(`3:24 unknown key "plain_http", did you mean "plainHTTP"?`), true},
	{"unknown key, far", minimal + "colour: red\n", w(`3:1 unknown key "colour"; valid here: version, registries, identities, policy, images, check`), true},
	{"swapped letters", minimal + "identities: [{name: a, form: {env: [U, P]}}]\n", w(`3:24 unknown key "form", did you mean "from"?`), true},
	{"short key near to nothing", "version: 1\nregistries: [{name: corp, url: 'https://r', tls: {xy: c.pem}}]\n", w(`2:51 unknown key "xy"; valid here: ca, minVersion, mutual`), true},
	{"later: waivers", minimal + "waivers: []\n", w(`3:1 key "waivers" is not built yet in this version`), true},
	{"later: all of the top", minimal + "directories: []\ngate: {}\nsources: []\nwatch: {}\n", w(
		`3:1 key "directories" is not built yet in this version`, `4:1 key "gate" is not built yet in this version`,
		`5:1 key "sources" is not built yet in this version`, `6:1 key "watch" is not built yet in this version`), true},
	{"a TLS version that there is not", "version: 1\nregistries: [{name: corp, url: 'https://r', tls: {minVersion: '1.4'}}]\n", w(
		`2:63 minVersion: "1.4" is not one of 1.0, 1.1, 1.2, 1.3; did you mean "1.0"?`), true},
	{"a TLS version that is a number", "version: 1\nregistries: [{name: corp, url: 'https://r', tls: {minVersion: 1.2}}]\n", w(`2:63 minVersion: 1.2 is a number; quote it: "1.2"`), true},
	{"later: policy", minimal + "policy: {images: [], upstreams: [], cedar: []}\n", w(
		`3:10 key "images" is not built yet in this version`, `3:22 key "upstreams" is not built yet in this version`, `3:37 key "cedar" is not built yet in this version`), true},
	{"later: rule", minimal + "policy: {rules: [{who: [anonymous], repos: ['**'], deny: [push], why: x, when: {}, registries: [corp]}]}\n", w(
		`3:52 key "deny" is not built yet in this version`, `3:66 key "why" is not built yet in this version`,
		`3:74 key "when" is not built yet in this version`, `3:84 key "registries" is not built yet in this version`), true},
	{"revoke", ident + "check: {revoke: {identity: cj, command: [], restore: x, within: 5}}\n", w(
		`4:28 identity: identity "cj" is not defined, did you mean "ci"?`, "4:41 command is an empty list", "4:54 restore is a string, expected a list: [x]", `4:65 within: 5 is a number; quote it: "5"`), true},
	{"revoke without a command", ident + "check: {revoke: {}}\n", w(`4:17 missing key "identity" in revoke`, `4:17 missing key "command" in revoke`), true},
	{"revoke within", ident + "check: {revoke: {identity: ci, command: [x], within: 0s}}\n", w(`4:54 within: "0s" is no time span above 0: write 90s, 5m or 1h30m`), false},
	{"revoke within parts of a second", ident + "check: {revoke: {identity: ci, command: [x], within: 500ms}}\n", w(`4:54 within: "500ms" is no time span above 0: write 90s, 5m or 1h30m`), true},
	{"revoke with a misspelling", ident + "check: {revoke: {identity: ci, comand: [x]}}\n", w(`4:32 unknown key "comand", did you mean "command"?`), true},
	{"sandbox", minimal + "check: {sandbox: Not/A/Repo}\n", w(`3:18 sandbox: "Not/A/Repo" is not a repository: lower-case components with a slash between them`), true},
	{"upstream that is no address", minimal + "check: {upstream: {listen: localhost}}\n", w(`3:28 listen: "localhost" is not an IP address with a port, like 127.0.0.1:5999`), false},
	{"upstream without a place", minimal + "check: {upstream: {url: 'http://u:1'}}\n", w(`3:19 missing key "listen" in upstream`), true},
	{"upstream everywhere", minimal + "check: {upstream: {listen: '0.0.0.0:5999'}}\n", w(`3:19 upstream: url is needed with listen: 0.0.0.0:5999, which is every address`), false},
	{"upstream with one name", minimal + "check: {upstream: {listen: '10.0.0.1:5999'}}\n", w(`3:28 upstream: realm is needed: another host than that of url, for the same listener`), false},
	{"upstream whose realm is its own", minimal + "check: {upstream: {listen: '10.0.0.1:5999', url: 'http://u.example:5999', realm: 'http://U.example:6000'}}\n", w(`3:82 realm: "u.example" is the host of url: a token service there is not foreign`), false},
	{"upstream with a bad URL", minimal + "check: {upstream: {listen: '10.0.0.1:5999', url: 'u.example'}}\n", w(`3:50 url: "u.example" must begin with https:// or http://`), true},
	{"redirect of https", reg + "    endpoints: [{url: 'https://x', expect: redirect}]\n", w(`5:44 expect: redirect is for http, which should send everybody to https`), false},
	{"missing at the top", "check: {}\n", w(`1:1 missing key "version"`, `1:1 missing key "registries"`), true},
	{"missing in a registry", "version: 1\nregistries:\n  - type: auto\n", w(`3:5 missing key "name" in registries`, `3:5 missing key "url" in registries`), true},
	{"missing in an endpoint", reg + "    endpoints: [{role: cache}]\n", w(`5:17 missing key "url" in endpoints`), true},
	{"missing in an identity", minimal + "identities: [{from: {env: [U, P]}}]\n", w(`3:14 missing key "name" in identities`), true},
	{"missing in a source", minimal + "identities: [{name: a, from: {file: {}}}, {name: b, from: {dockerConfig: {}}}, {name: c, from: {credentialHelper: {}}}]\n", w(
		`3:37 missing key "username" in file`, `3:37 missing key "password" in file`, `3:74 missing key "path" in dockerConfig`, `3:115 missing key "name" in credentialHelper`), true},
	{"missing in a certificate", minimal + "identities: [{name: a, cert: {cert: c}}]\n", w(`3:30 missing key "key" in cert`), true},
	{"missing in a test authority", minimal + "identities: [{name: a, cert: {cert: c, key: k, ca: {cert: c}}}]\n", w(`3:52 missing key "key" in ca`), true},
	{"a test authority that is a file", minimal + "identities: [{name: a, cert: {cert: c, key: k, ca: c.pem}}]\n", w(`3:52 ca is a string, expected a mapping with keys cert, key`), true},
	{"other realms", "version: 1\nregistries: [{name: corp, url: 'https://r', tokens: {otherRealms: ['https://a/token', 'auth/token', 'https://a/t?x=1', 'https://u:p@a/t', 'https://a b/t'], keyID: k}}]\n", w(
		`2:87 otherRealms must begin with https:// or http://`, `2:101 otherRealms has a query; write scheme://host[:port] alone`,
		`2:120 otherRealms carries a user name or password; secrets never stand inline`, `2:139 otherRealms is not a URL of the form scheme://host[:port]`, `2:164 keyID: there is no signingKey that it could name`), false},
	{"mutual without TLS", "version: 1\nregistries: [{name: corp, url: 'http://127.0.0.1', endpoints: ['http://127.0.0.1:5000'], tls: {mutual: true}}]\n", w(`2:104 mutual: no way in of this registry is https`), false},
	{"mutual of a wrong type", "version: 1\nregistries: [{name: corp, url: 'https://r', tls: {mutual: required}}]\n", w(`2:59 mutual is a string, expected true or false`), true},
	{"missing in a policy", minimal + "policy: {}\n", w(`3:9 missing key "rules" in policy`), true},
	{"missing in a rule", minimal + "policy: {rules: [{}]}\n", w(`3:18 missing key "who" in rules`, `3:18 missing key "repos" in rules`, `3:18 missing key "can" in rules`), true},
	{"missing in an image", minimal + "images: [{}]\n", w(`3:10 missing key "repository" in images`, `3:10 missing key "reference" in images`), true},

	// Types.
	{"float for a string", minimal + "images:\n  - repository: a\n    reference: 1.4\n", w(`5:16 reference: 1.4 is a number; quote it: "1.4"`), true},
	{"integer for a string", minimal + "images: [{repository: a, reference: 2024}]\n", w(`3:37 reference: 2024 is a number; quote it: "2024"`), true},
	{"boolean for a string", minimal + "images: [{repository: a, reference: true}]\n", w(`3:37 reference: true is a boolean; quote it: "true"`), true},
	{"null for a string", minimal + "images:\n  - repository: a\n    reference:\n", w("5:5 reference has no value, expected a string"), true},
	{"mapping for a string", minimal + "images: [{repository: a, reference: {tag: b}}]\n", w("3:37 reference is a mapping, expected a string"), true},
	{"number in a list", minimal + "policy: {rules: [{who: [anonymous], repos: [7], can: [pull]}]}\n", w(`3:45 repos: 7 is a number; quote it: "7"`), true},
	{"string for a list", minimal + "policy: {rules: [{who: anonymous, repos: ['**'], can: [pull]}]}\n", w("3:24 who is a string, expected a list: [anonymous]"), true},
	{"string for a mapping", minimal + "check: x\n", w("3:8 check is a string, expected a mapping with keys require, sandbox, budget, decoy, revoke, upstream"), true},
	{"number for a mapping", "version: 1\nregistries: [{name: corp, url: 'https://r', tls: 5}]\n", w("2:50 tls: 5 is a number, expected a mapping with keys ca, minVersion, mutual"), true},
	{"nothing for a section", minimal + "policy:\n", w("3:1 policy has no value, expected a mapping with key rules"), true},
	{"string for a number", minimal + "check: {budget: {requests: '5'}}\n", w("3:28 requests is a string, expected a whole number"), true},
	{"float for a whole number", minimal + "check: {budget: {requests: 1.5}}\n", w("3:28 requests: 1.5 is not a plain whole number"), true},
	{"octal", minimal + "check: {budget: {requests: 010}}\n", w("3:28 requests: 010 is not a plain whole number"), false},
	{"too large", minimal + "check: {budget: {requests: 99999999999999999999}}\n", w("3:28 requests: 99999999999999999999 is not a plain whole number"), false},
	{"infinite rate", reg + "    rate: {perSecond: .inf}\n", w("5:23 perSecond: .inf is not a plain number"), false},
	{"word for a boolean", minimal + "identities: [{name: a, plainHTTP: yes, from: {env: [U, P]}}]\n", w("3:35 plainHTTP is a string, expected true or false"), true},
	{"empty string", minimal + "images: [{repository: '', reference: b}]\n", w("3:23 repository is empty"), true},
	{"control character in a string", minimal + "images: [{repository: a, reference: \"b\\u001b\"}]\n", w(`3:37 reference holds a control character: "b\x1b"`), true},
	{"version", "version: 2\nregistries: [{name: corp, url: 'https://r'}]\n", w("1:10 version 2 is not known; write version: 1"), true},
	{"no registries", "version: 1\nregistries: []\n", w("2:13 registries is an empty list"), true},
	{"empty lists", minimal + "policy: {rules: [{who: [], repos: [], can: []}]}\n", w("3:24 who is an empty list", "3:35 repos is an empty list", "3:44 can is an empty list"), true},
	{"for nothing", minimal + "identities: [{name: a, for: [], from: {env: [U, P]}}]\n", w("3:29 for is an empty list"), true},

	// Registries.
	{"name", "version: 1\nregistries: [{name: Corp, url: 'https://r'}]\n", w(`2:21 name: "Corp" is not a name: lower-case letters, digits and . _ - after a letter or digit`), true},
	{"registry twice", reg + "  - {name: corp, url: 'https://x'}\n", w(`5:12 registry "corp" is defined twice, first on line 3`), false},
	{"type", reg + "    type: habor\n", w(`5:11 type: "habor" is not one of auto, distribution, harbor, zot, gitlab, quay, ecr, acr, gar, ghcr, dockerhub, nexus, artifactory, gitea, gate; did you mean "harbor"?`), true},
	{"no scheme", "version: 1\nregistries: [{name: corp, url: r.example}]\n", w(`2:32 url: "r.example" must begin with https:// or http://`), true},
	{"other scheme", "version: 1\nregistries: [{name: corp, url: 'oci://r'}]\n", w(`2:32 url: "oci://r" must begin with https:// or http://`), false},
	{"userinfo", "version: 1\nregistries: [{name: corp, url: 'https://ci:hunter2@r'}]\n", w("2:32 url carries a user name or password; secrets never stand inline"), true},
	{"query", "version: 1\nregistries: [{name: corp, url: 'https://r?t=1'}]\n", w("2:32 url has a query; write scheme://host[:port] alone"), true},
	{"fragment", "version: 1\nregistries: [{name: corp, url: 'https://r#x'}]\n", w(`2:32 url: "https://r#x" has a fragment; write scheme://host[:port] alone`), true},
	{"path", "version: 1\nregistries: [{name: corp, url: 'https://r/v2/'}]\n", w(`2:32 url: "https://r/v2/" has a path; write scheme://host[:port] alone`), true},
	{"port", "version: 1\nregistries: [{name: corp, url: 'https://r:70000'}]\n", w(`2:32 url: "https://r:70000" has a port that is not between 1 and 65535`), false},
	{"odd IPv4 address", "version: 1\nregistries: [{name: corp, url: 'https://127.1'}]\n", w(`2:32 url: "https://127.1" has a host that is a number but not an IPv4 address in its usual form`), false},
	{"IPv6 without brackets", "version: 1\nregistries: [{name: corp, url: 'https://fd00::1'}]\n", w(`2:32 url: "https://fd00::1" is not a URL of the form scheme://host[:port]`), false},
	{"host in Unicode", "version: 1\nregistries: [{name: corp, url: 'https://bücher.example'}]\n", w(`2:32 url: "https://bücher.example" has a host that is not ASCII; write its xn-- form`), false},
	{"endpoint", reg + "    endpoints: [mirror.example]\n", w(`5:17 url: "mirror.example" must begin with https:// or http://`), true},
	{"endpoint type", reg + "    endpoints: [5]\n", w(`5:17 endpoints: 5 is a number, expected a mapping with keys url, address, role, prefix, expect`), true},
	{"endpoint twice", reg + "    endpoints: ['https://R.example:443']\n", w("5:17 this way in is listed twice, first on line 4"), false},
	{"address", reg + "    endpoints: [{url: 'https://x', address: host}]\n", w(`5:45 address: "host" is not an IP address`), false},
	{"address with a port", reg + "    endpoints: [{url: 'https://x', address: '10.0.4.8:443'}]\n", w(`5:45 address: "10.0.4.8:443" has a port; write the address alone`), false},
	{"address of nobody", reg + "    endpoints: [{url: 'https://x', address: 0.0.0.0}]\n", w(`5:45 address: "0.0.0.0" is not the address of a host`), false},
	{"role", reg + "    endpoints: [{url: 'https://x', role: proxy}]\n", w(`5:42 role: "proxy" is not one of alias, mirror, cache, backend, plain`), true},
	{"prefix", reg + "    endpoints: [{url: 'https://x', prefix: dockerproxy}]\n", w(`5:44 prefix: "dockerproxy" is not repository path components with a slash after each`), true},
	{"expect", reg + "    endpoints: [{url: 'https://x', expect: publik}]\n", w(`5:44 expect: "publik" is not one of same, closed, redirect, public; did you mean "public"?`), true},
	{"rate", reg + "    rate: {perSecond: -1, concurrent: 257}\n", w("5:23 perSecond: -1 is negative; 0 is no limit but an adaptive one", "5:39 concurrent: 257 is not between 1 and 256"), true},
	{"no concurrency", reg + "    rate: {concurrent: 0}\n", w("5:24 concurrent: 0 is not between 1 and 256"), true},
	{"redirects", reg + "    redirects: ['https://s3.example', '*.example', '[::1']\n", w("5:17 redirects: write host or host:port, not a URL", `5:39 redirects: "*.example" has a host that is not a host name or an IP address`, `5:52 redirects: "[::1" has a host in brackets that is not an IPv6 address`), false},
	{"home of another", reg + "    tls: {ca: ~root/ca.pem}\n", w("5:15 ca: only ~/ is expanded, not the home of another user"), false},

	// Identities.
	{"identity twice", minimal + "identities: [{name: a, from: {env: [U, P]}}, {name: a, from: {env: [U, P]}}]\n", w(`3:53 identity "a" is defined twice, first on line 3`), false},
	{"anonymous", minimal + "identities: [{name: anonymous, from: {env: [U, P]}}]\n", w("3:21 the identity anonymous cannot be configured"), false},
	{"for an unknown registry", minimal + "identities: [{name: a, for: [crop], from: {env: [U, P]}}]\n", w(`3:30 for: registry "crop" is not defined, did you mean "corp"?`), false},
	{"for, with several registries", two + "identities: [{name: a, from: {env: [U, P]}}]\n", w(`6:14 missing key "for": there are several registries`), false},
	{"for of a wrong type", two + "identities: [{name: a, for: corp, from: {env: [U, P]}}]\n", w(`6:29 for is a string, expected a list: [corp]`), true},
	{"neither from nor cert", minimal + "identities: [{name: a}]\n", w("3:14 the identity has neither from nor cert"), true},
	{"two sources", minimal + "identities: [{name: a, from: {env: [U, P], dockerConfig: {path: x}}}]\n", w("3:30 from names 2 sources (dockerConfig, env); one secret has one source"), true},
	{"no source", minimal + "identities: [{name: a, from: {}}]\n", w("3:30 from names no source: env, dockerConfig, credentialHelper, file or oidc"), true},
	{"env with one", minimal + "identities: [{name: a, from: {env: [U]}}]\n", w("3:36 env must be [USER_VARIABLE, PASSWORD_VARIABLE] or {token: VARIABLE}"), true},
	{"env holds the secret", minimal + "identities: [{name: a, from: {env: [U, 's3cr3t!']}}]\n", w("3:40 env: not the name of an environment variable"), true},
	{"token holds the secret", minimal + "identities: [{name: a, from: {env: {token: 's3cr3t!'}}}]\n", w("3:44 env: not the name of an environment variable"), true},
	{"inline secret", minimal + "identities: [{name: a, from: {password: hunter2}}]\n", w(`3:31 unknown key "password"; valid here: env, dockerConfig, credentialHelper, file, oidc`), true},
	{"origin over http", minimal + "identities: [{name: a, origins: ['http://m.example'], realms: ['http://localhost:1', 'http://t.example:5001'], from: {env: [U, P]}}]\n", w(
		"3:34 origins: the secret would go over plain http to m.example", "3:86 realms: the secret would go over plain http to t.example:5001"), false},
	{"realm with a path", minimal + "identities: [{name: a, realms: ['https://t.example/token'], from: {env: [U, P]}}]\n", w(`3:33 realms: "https://t.example/token" has a path; write scheme://host[:port] alone`), true},
	{"group name", minimal + "identities: [{name: a, groups: ['a b'], from: {env: [U, P]}}]\n", w(`3:33 groups: "a b" is not a group name: letters, digits and . _ - after a letter or digit`), true},
	{"helper is a path", minimal + "identities: [{name: a, from: {credentialHelper: {name: ../x}}}]\n", w(`3:56 name: "../x" is not the name of a credential helper`), false},
	{"oidc without an audience", oidc("source: github"), w(`3:37 missing key "audience" in oidc`), true},
	{"oidc of an unknown source", oidc("source: jenkins, audience: r"), w(`3:46 source: "jenkins" is not one of github, gitlab, kubernetes, file`), true},
	{"oidc of gitlab", oidc("source: gitlab, audience: r"), w(`3:37 missing key "variable" in oidc: gitlab puts the token into one`), false},
	{"oidc of a file", oidc("source: file, audience: r"), w(`3:37 missing key "path" in oidc: the file that holds the token`), false},
	{"oidc of github with a file", oidc("source: github, audience: r, path: x"), w("3:73 path: only kubernetes and file have one"), false},
	{"oidc of a pod with a variable", oidc("source: kubernetes, audience: r, variable: X"), w("3:81 variable: only gitlab has one"), false},
	{"oidc that holds the secret", oidc("source: gitlab, audience: r, variable: 's3cr3t!'"), w("3:77 variable: not the name of an environment variable"), true},
	{"oidc exchanged in an unknown way", oidc("source: github, audience: r, exchange: jwt"), w(`3:77 exchange: "jwt" is not one of bearer, basic, token-exchange`), true},
	{"oidc as a password of nobody", oidc("source: github, audience: r, exchange: basic"), w(`3:37 missing key "user" in oidc: exchange: basic needs a user name`), false},
	{"oidc as it is, of somebody", oidc("source: github, audience: r, user: u"), w("3:73 user: only exchange: basic has one"), false},
	{"oidc exchanged, of somebody", oidc("source: github, audience: r, exchange: token-exchange, user: u"), w("3:99 user: only exchange: basic has one"), false},

	// Policy, images, check.
	{"who", ident + "policy: {rules: [{who: [c1, '*', 'group:bilders', builders, anonymus], repos: ['**'], can: [pull]}]}\n", w(
		`4:25 who: identity "c1" is not defined, did you mean "ci"?`, `4:29 who: "*" is not an identity`,
		`4:34 who: no identity is in "group:bilders", did you mean "group:builders"?`, `4:51 who: "builders" is a group; write "group:builders"`,
		`4:61 who: identity "anonymus" is not defined, did you mean "anonymous"?`), false},
	{"can", minimal + "policy: {rules: [{who: [anonymous], repos: ['**'], can: [pul, write]}]}\n", w(
		`3:58 can: "pul" is not one of pull, push, delete, list, catalog; did you mean "pull"?`,
		`3:63 can: "write" is not one of pull, push, delete, list, catalog`), true},
	{"repos", minimal + "policy: {rules: [{who: [anonymous], repos: ['a/**b', /a, 'a//b', A, 'a?'], can: [pull]}]}\n", w(
		`3:45 repos: "a/**b" has ** beside other characters; it stands for whole path components`, `3:54 repos: "/a" has an empty path component`,
		`3:58 repos: "a//b" has an empty path component`, `3:66 repos: "A" has capital letters, which no repository has`,
		`3:69 repos: "a?" has characters that are neither a repository's nor * or **`), true},
	{"repository", minimal + "images:\n" + images("r.example:5000/a", "a:1", "Team/a", "a//b", "a_-b", strings.Repeat("a", 256)), w(
		`4:18 repository: "r.example:5000/a" begins with a host; the host belongs to the registry's url`,
		`5:18 repository: "a:1" carries a tag or digest; that belongs to reference`, `6:18 repository: "Team/a" has capital letters, which no repository has`,
		`7:18 repository: "a//b" is not a repository name`, `8:18 repository: "a_-b" is not a repository name`,
		`9:18 repository: "`+strings.Repeat("a", 59)+`…" is longer than 255 characters`), true},
	{"bad tag", minimal + "images: [{repository: a, reference: '-x'}]\n", w(`3:37 reference: "-x" is not a tag or digest`), true},
	{"long tag", minimal + "images: [{repository: a, reference: " + strings.Repeat("x", 129) + "}]\n", w(`3:37 reference: "` + strings.Repeat("x", 59) + `…" is not a tag or digest`), true},
	{"tag and digest", minimal + "images: [{repository: a, reference: 'b@sha256:00'}]\n", w(`3:37 reference: "b@sha256:00" is a tag and a digest; list the image twice`), true},
	{"digest", minimal + "images: [{repository: a, reference: 'sha256:00'}]\n", w(`3:37 reference: "sha256:00" is not a sha256 digest: its hex is the wrong length or alphabet`), false},
	{"image of an unknown registry", minimal + "images: [{registry: lab, repository: a, reference: b}]\n", w(`3:21 registry: registry "lab" is not defined; defined: corp`), false},
	{"image without a registry", two + "images: [{repository: a, reference: b}]\n", w(`6:10 missing key "registry": there are several registries`), false},
	{"image with a registry of a wrong type", two + "images: [{registry: 1, repository: a, reference: b}]\n", w(`6:21 registry: 1 is a number; quote it: "1"`), true},
	{"image twice", minimal + "images:\n  - {repository: a, reference: b}\n  - {registry: corp, repository: a, reference: b}\n", w("5:5 this image is listed twice, first on line 4"), false},
	{"control", ident + "images: [{repository: a, reference: b, control: anonymous}]\n", w(`4:49 control: identity "anonymous" is not defined; defined: ci`), false},
	{"control for others", two + "identities: [{name: ci, for: [lab], from: {env: [U, P]}}]\nimages: [{registry: corp, repository: a, reference: b, control: ci}]\n", w(`7:65 control: identity "ci" is not for the registry "corp"`), false},
	{"budget", minimal + "check: {budget: {requests: 0, denied: -1}}\n", w("3:28 requests: 0 is less than 1", "3:39 denied: -1 is less than 1"), true},

	{"elements of a wrong type", "version: 1\nregistries: [1, {name: corp, url: 'https://r', endpoints: [[], ~]}]\nidentities: [2]\npolicy: {rules: [3]}\nimages: [4, !!map {}]\n", w(
		"2:14 registries: 1 is a number, expected a mapping with keys name, url, type, endpoints, tokens, tls, rate, redirects",
		"2:60 endpoints is a list, expected a mapping with keys url, address, role, prefix, expect", "2:64 endpoints has no value, expected a mapping with keys url, address, role, prefix, expect",
		"3:14 identities: 2 is a number, expected a mapping with keys name, for, origins, realms, plainHTTP, from, cert, groups",
		"4:18 rules: 3 is a number, expected a mapping with keys who, repos, can",
		"5:10 images: 4 is a number, expected a mapping with keys registry, repository, reference, control", "5:13 YAML tags are not supported: !!map"), false},
	{"several at once", "version: 1\nregistries:\n  - nmae: corp\n    url: r.example\n    rate: {concurrent: many}\nimages:\n  - {repository: A, reference: 1.4}\npolicy:\n  rules: [{who: [ci], repos: [], can: [pull]}]\nwaivers: []\n", w(
		`3:5 unknown key "nmae", did you mean "name"?`, `4:10 url: "r.example" must begin with https:// or http://`, "5:24 concurrent is a string, expected a whole number",
		`7:18 repository: "A" has capital letters, which no repository has`, `7:32 reference: 1.4 is a number; quote it: "1.4"`,
		`9:18 who: identity "ci" is not defined; defined: anonymous`, "9:30 repos is an empty list", `10:1 key "waivers" is not built yet in this version`), true},
}

func TestFaults(t *testing.T) {
	seen := map[string]bool{}
	for _, tt := range faults {
		if seen[tt.name] {
			t.Errorf("two cases are named %q", tt.name)
		}
		seen[tt.name] = true
		t.Run(tt.name, func(t *testing.T) {
			f, err := config.Parse("regproof.yaml", []byte(tt.text))
			if f != nil {
				t.Errorf("got a file besides the error")
			}
			if diff := cmp.Diff(tt.want, messages(t, err)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestTooLarge(t *testing.T) {
	_, err := config.Parse("big.yaml", []byte(minimal+strings.Repeat("#\n", 1<<19)))
	if err == nil || err.Error() != "big.yaml the file is larger than 1024 KiB" {
		t.Errorf("got %v", err)
	}
}

func TestFaultsAreBounded(t *testing.T) {
	_, err := config.Parse("regproof.yaml", []byte(minimal+"images:\n"+strings.Repeat("- {repository: A, reference: -}\n", 30000)))
	var faults config.Faults
	if !errors.As(err, &faults) || len(faults) != 1001 {
		t.Fatalf("got %d faults, want 1000 and one that counts the rest", len(faults))
	}
	if last := faults[1000].Message; !strings.HasPrefix(last, "and ") {
		t.Errorf("last fault is %q", last)
	}
}

func w(messages ...string) []string { return messages }

// messages are the faults as "line:column message", in order.
func messages(t *testing.T, err error) []string {
	t.Helper()
	var faults config.Faults
	if !errors.As(err, &faults) {
		t.Fatalf("got error %v (%T), want Faults", err, err)
	}
	var out []string
	for _, f := range faults {
		out = append(out, fmt.Sprintf("%d:%d %s", f.Line, f.Column, f.Message))
	}
	return out
}

func deep(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func images(repositories ...string) string {
	var b strings.Builder
	for _, r := range repositories {
		fmt.Fprintf(&b, "  - {repository: %q, reference: x}\n", r)
	}
	return b.String()
}

// bomb is a file whose lists hold each other by alias, a hundred million names in a few lines.
func bomb() string {
	return minimal + "identities: [{name: a, groups: &g [" + strings.Repeat("b, ", 100) + "b], from: {env: [U, P]}}" +
		strings.Repeat(", {name: a, groups: *g, from: {env: [U, P]}}", 200) + "]\n"
}

// oidc is a file with one workload.
func oidc(text string) string {
	return minimal + "identities: [{name: a, from: {oidc: {" + text + "}}}]\n"
}
