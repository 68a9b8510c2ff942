// SPDX-License-Identifier: Apache-2.0

package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
)

// shownQuery are the query keys whose values carry no secret.
var shownQuery = set("n", "last", "scope", "service", "digest", "artifactType", "ns")

// shownHeaders are the headers whose values carry no secret, in lower case.
var shownHeaders = set(
	// requests
	"accept", "accept-encoding", "connection", "content-length", "content-type", "expect", "host", "if-none-match",
	"if-match", "if-modified-since", "range", "te", "transfer-encoding", "upgrade", "user-agent", "x-regproof-run",
	// answers
	"accept-ranges", "age", "allow", "alt-svc", "cache-control", "cf-cache-status", "cf-mitigated", "content-encoding",
	"content-range", "date", "docker-content-digest", "docker-distribution-api-version", "docker-upload-uuid", "etag",
	"oci-filters-applied", "oci-subject", "oci-tag", "retry-after", "server", "strict-transport-security", "trailer",
	"vary", "via", "warning", "www-authenticate", "x-cache", "x-content-type-options", "x-powered-by", "x-served-by",
	"x-ratelimit-limit", "x-ratelimit-remaining", "ratelimit-limit", "ratelimit-remaining", "x-amzn-waf-action",
)

// urlHeaders hold a URL: its query values are redacted one by one.
var urlHeaders = set("location", "link", "content-location", "refresh")

// maxShown is how much of one header value is kept, in bytes.
const maxShown = 2048

// Header redacts one header. The name is always kept.
func Header(name, value string) [2]string {
	key := strings.ToLower(name)
	switch {
	case shownHeaders[key]:
		return [2]string{Printable(name, 128), Printable(value, maxShown)}
	case urlHeaders[key]:
		return [2]string{name, Printable(redactURL(value), maxShown)}
	case key == "authorization" || key == "proxy-authorization":
		scheme, _, secret := strings.Cut(strings.TrimSpace(value), " ")
		if !secret {
			scheme = ""
		}
		return [2]string{name, strings.TrimSpace(Printable(scheme, 32) + " " + hidden(value))}
	}
	return [2]string{Printable(name, 128), hidden(value)}
}

// Target redacts the query values of a request target or a URL.
func Target(target string) string { return Printable(redactURL(target), maxShown) }

// redactURL hides userinfo, and the value of every query key that is not
// known to be harmless. It works on text: what a server sends need not parse.
func redactURL(s string) string {
	s = userinfo.ReplaceAllStringFunc(s, func(m string) string { return "//" + hidden(m[2:len(m)-1]) + "@" })
	fragment := ""
	if i := strings.IndexByte(s, '#'); i >= 0 && s[i+1:] != "" {
		s, fragment = s[:i], "#"+hidden(s[i+1:])
	}
	path, query, ok := strings.Cut(s, "?")
	if !ok {
		return s + fragment
	}
	var out []string
	for pair := range strings.SplitSeq(query, "&") {
		k, v, has := strings.Cut(pair, "=")
		end := ""
		if i := strings.IndexByte(v, '>'); i >= 0 { // the end of a Link's target
			v, end = v[:i], v[i:]
		}
		if i := strings.IndexByte(v, ';'); i >= 0 { // which some read as another &
			v = v[:i+1] + hidden(v[i+1:])
		}
		if !has && len(k) > 8 { // a bare token
			k = hidden(k)
		}
		if has && v != "" && !shownQuery[k] {
			v = hidden(v)
		}
		if has {
			k += "="
		}
		out = append(out, k+v+end)
	}
	return path + "?" + strings.Join(out, "&") + fragment
}

// userinfo finds a user name and password before a host.
var userinfo = regexp.MustCompile(`//[^/?#\s<>"]+@`)

// hidden stands for a value: its length, and a hash that lets two exchanges
// be compared without telling what it was.
func hidden(v string) string {
	if v == "" {
		return ""
	}
	s := sha256.Sum256([]byte(v))
	return fmt.Sprintf("[%d bytes, sha256 %s]", len(v), hex.EncodeToString(s[:4]))
}

func set(keys ...string) map[string]bool {
	m := make(map[string]bool, len(keys))
	for _, k := range keys {
		m[k] = true
	}
	return m
}
