// SPDX-License-Identifier: Apache-2.0

package credential

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Origin is scheme, host and port of a URL, as "https://host:443": ASCII lower-case, the
// port always there, IP addresses in their one canonical form, other names as they are
// (no IDNA, and a trailing dot is another host). Make it with [ParseOrigin].
type Origin string

// ParseOrigin takes the origin of an http or https URL; path, query and fragment are
// dropped. User information, an empty host, a zone, a percent sign and anything else
// that two parsers might read differently are errors. Errors quote no part of the URL
// but scheme, host and port, since the others may hold secrets.
func ParseOrigin(rawURL string) (Origin, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Opaque != "" {
		return "", errors.New("not a URL, expected https://HOST or https://HOST:PORT")
	}
	if u.Scheme != "https" && u.Scheme != "http" { // url.Parse lowers the scheme
		return "", fmt.Errorf("scheme %q: expected https://HOST or https://HOST:PORT", u.Scheme)
	}
	if u.User != nil {
		return "", errors.New("a user name or password in the URL: name the credential apart from it")
	}
	host, err := originHost(u.Hostname(), strings.HasPrefix(u.Host, "["))
	if err != nil {
		return "", err
	}
	port, err := originPort(u)
	if err != nil {
		return "", err
	}
	return Origin(u.Scheme + "://" + net.JoinHostPort(host, port)), nil
}

func originHost(host string, bracketed bool) (string, error) {
	if addr, err := netip.ParseAddr(host); err == nil && addr.Zone() == "" && addr.Is6() == bracketed {
		return addr.String(), nil
	}
	if host == "" {
		return "", errors.New("no host, expected https://HOST or https://HOST:PORT")
	}
	if bracketed || !utf8.ValidString(host) {
		return "", fmt.Errorf("host %q: not an address and not a name", host)
	}
	for _, r := range host {
		// Beyond ASCII no punctuation: U+FF0E and its like turn into dots and slashes elsewhere.
		if !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-._", r) {
			return "", fmt.Errorf("host %q: %q cannot stand in a host name", host, r)
		}
	}
	return lower(host), nil
}

func originPort(u *url.URL) (string, error) {
	port := u.Port()
	switch {
	case port == "" && u.Scheme == "http":
		return "80", nil
	case port == "":
		return "443", nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return "", fmt.Errorf("port %q: expected 1 to 65535", port)
	}
	return strconv.FormatUint(n, 10), nil
}

// plain reports whether what is sent there can be read on the way.
func (o Origin) plain() bool { return !strings.HasPrefix(string(o), "https://") }

// loopback reports whether it is this machine: localhost or a loopback address.
func (o Origin) loopback() bool {
	u, err := url.Parse(string(o))
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && addr.IsLoopback()
}
