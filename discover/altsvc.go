// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/regproof/regproof/credential"
)

// Alternative is one alternative service of a registry (RFC 7838 section 3).
type Alternative struct {
	Protocol string // the ALPN name, decoded: h2, h3, http/1.1
	Host     string // "" is the registry's own; an IPv6 address without brackets
	Port     uint16
}

// String is the alternative as it stands in the header.
func (a Alternative) String() string {
	host := a.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	var id strings.Builder
	for i := range len(a.Protocol) {
		if c := a.Protocol[i]; c != '%' && tokenByte(c) {
			id.WriteByte(c)
		} else {
			fmt.Fprintf(&id, "%%%02X", c)
		}
	}
	return fmt.Sprintf(`%s="%s:%d"`, id.String(), host, a.Port)
}

// maxAlternatives bounds what is read of one answer.
const maxAlternatives = 32

// ParseAltSvc reads the values of Alt-Svc. A member that cannot be read is
// skipped; "clear" takes back all. Parameters (ma, persist) are read over:
// a door that is no longer announced may still be open.
func ParseAltSvc(values []string) []Alternative {
	var out []Alternative
	for _, v := range values {
		if strings.TrimSpace(v) == "clear" { // in lower case alone
			return nil
		}
		for _, member := range split(v, ',') {
			if len(out) == maxAlternatives {
				return out
			}
			if a, ok := parseAlternative(split(member, ';')[0]); ok {
				out = append(out, a)
			}
		}
	}
	return out
}

// split cuts at a separator that does not stand in a quoted string.
func split(s string, sep byte) []string {
	var out []string
	start, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case !quoted && s[i] == sep:
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:])
}

func parseAlternative(s string) (Alternative, bool) {
	id, value, ok := strings.Cut(strings.Trim(s, " \t"), "=")
	if !ok || id == "" || !token(id) {
		return Alternative{}, false
	}
	protocol, err := url.PathUnescape(id)
	if err != nil {
		return Alternative{}, false
	}
	authority, ok := unquote(value)
	colon := strings.LastIndexByte(authority, ':')
	if !ok || colon < 0 {
		return Alternative{}, false
	}
	host, digits := authority[:colon], authority[colon+1:]
	port, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || port == 0 {
		return Alternative{}, false
	}
	a := Alternative{Protocol: protocol, Port: uint16(port)}
	if host == "" {
		return a, true
	}
	if strings.ContainsAny(host, "/?#@\\") {
		return Alternative{}, false
	}
	origin, err := credential.ParseOrigin("https://" + host + ":" + digits)
	if err != nil {
		return Alternative{}, false
	}
	u, err := url.Parse(string(origin))
	if err != nil {
		return Alternative{}, false
	}
	a.Host = u.Hostname()
	return a, true
}

// unquote reads a quoted-string (RFC 9110 section 5.6.4).
func unquote(s string) (string, bool) {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return "", false
	}
	s = s[1 : len(s)-1]
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '"' {
			return "", false
		}
		if s[i] == '\\' {
			if i++; i == len(s) {
				return "", false
			}
		}
		b.WriteByte(s[i])
	}
	return b.String(), true
}

// token says whether s is a token (RFC 9110 section 5.6.2).
func token(s string) bool {
	for i := range len(s) {
		if !tokenByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func tokenByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}
