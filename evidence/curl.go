// SPDX-License-Identifier: Apache-2.0

package evidence

import (
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// Curl is a command that repeats the exchange, a word an option, for a POSIX
// shell and curl since 7.55. What decides an answer is sent as it was: the
// request line byte by byte, the Host headers, the TLS server name, every
// header that a probe made up. Left out are the run's id and the uncompressed
// Accept-Encoding; of a list in Accept the type that was served is enough.
//
// A secret is written $REGPROOF_TOKEN or -u, and what else was redacted
// $REGPROOF_VALUE, but for the account of a token request. A client certificate is the file $REGPROOF_CERT, with its key
// in it. A request body is not repeated, nor is a session resumed. caFile may be
// "". A handshake is repeated by openssl instead.
func Curl(x Exchange, caFile string) []string {
	if x.Offer != nil {
		return openssl(x, caFile)
	}
	c := newCall(x)
	lines := []string{"curl -sS -D- -o /dev/null"}
	switch {
	case x.Method == "HEAD":
		lines[0] = "curl -sSI"
	case x.Method != "GET":
		lines[0] += " -X " + quote(x.Method)
	}
	switch {
	case x.TLS != nil && !x.TLS.Verified && x.Status != 0:
		lines = append(lines, "-k") // it went on all the same
	case caFile != "" && c.scheme == "https":
		lines = append(lines, "--cacert "+quote(caFile))
	}
	if x.TLS != nil && x.TLS.Presented != "" {
		lines = append(lines, `--cert "$REGPROOF_CERT"`)
	}
	if place := c.place(); place != "" {
		lines = append(lines, place)
	}
	if host := c.hostHeader(); host != "" {
		lines = append(lines, "-H "+host)
	}
	lines = append(lines, curlHeaders(x)...)
	switch sent := x.sent(); {
	case sent == "HTTP/1.0" && c.scheme == "https": // or it is offered in ALPN, which ends the handshake
		lines = append(lines, "--http1.0 --no-alpn")
	case sent == "HTTP/1.0":
		lines = append(lines, "--http1.0")
	case sent == "HTTP/1.1" && c.scheme == "https":
		lines = append(lines, "--http1.1")
	}
	if plainTarget.MatchString(redactedValue.ReplaceAllString(x.Target, "")) && !dots.MatchString(x.Target) {
		return append(lines, quote(c.origin()+x.Target))
	}
	return append(lines, "--request-target", quote(x.Target), quote(c.origin()+"/"))
}

// most is how many bytes of a body CurlBody shows.
const most = "4000"

// CurlBody is Curl, which throws the body away, with the first 4,000 bytes of it
// where they are what was found: a list, a page, an error's code, a token
// service's answer. Of an image the headers say enough.
func CurlBody(x Exchange, caFile string) []string {
	lines := Curl(x, caFile)
	if !strings.Contains(lines[0], discard) || !x.tells() {
		return lines
	}
	lines[0] = strings.Replace(lines[0], discard, "", 1)
	return append(lines, "| head -c "+most)
}

// CurlTimed is Curl, with the time that the answer took after its headers.
func CurlTimed(x Exchange, caFile string) []string {
	lines := Curl(x, caFile)
	if !strings.Contains(lines[0], discard) {
		return lines
	}
	return slices.Insert(lines, 1, `-w '%{time_total} s\n'`)
}

const discard = " -o /dev/null"

// tells says whether the body is a text that shows what was found.
func (x Exchange) tells() bool {
	if x.BodySize == 0 {
		return false
	}
	if x.Status >= 400 || strings.Contains(x.Target, "/referrers/") {
		return true
	}
	kind, _, _ := strings.Cut(strings.ToLower(x.served()), ";")
	image := strings.Contains(x.Target, "/blobs/") || strings.Contains(x.Target, "/manifests/")
	return !image && (strings.TrimSpace(kind) == "application/json" || strings.HasPrefix(kind, "text/"))
}

// plainTarget is what curl sends as it stands when it is part of a URL, and
// dots are what it resolves.
var (
	plainTarget = regexp.MustCompile(`^(/[A-Za-z0-9._~:@+,=-]+)*/?(\?[A-Za-z0-9._~:@+,=&/-]+)?$`)
	dots        = regexp.MustCompile(`/\.\.?(/|\?|$)`)
)

// redactedValue finds what hidden has left of a value.
var redactedValue = regexp.MustCompile(`\[\d+ bytes, sha256 [0-9a-f]{8}\]`)

// sent is the protocol of the request.
func (x Exchange) sent() string {
	if x.Sent != "" {
		return x.Sent
	}
	return x.Protocol
}

// call is where a command connects to: a URL's scheme, host and port, and the
// address behind it.
type call struct {
	scheme, host, port string
	address            string // IP address, "" when it is not known
	hosts              []string
}

func newCall(x Exchange) call {
	c := call{scheme: "http", port: "80"}
	if x.TLS != nil || x.SNI != "" {
		c.scheme, c.port = "https", "443"
	}
	usual := c.port
	if x.Host != "" {
		c.hosts = []string{x.Host}
	}
	for _, h := range x.RequestHeaders {
		if strings.EqualFold(h[0], "host") {
			c.hosts = append(c.hosts, h[1])
		}
	}
	host, port, err := net.SplitHostPort(x.Host)
	if err != nil {
		host, port = strings.Trim(x.Host, "[]"), usual
	}
	if port != "" {
		c.port = port
	}
	if a, err := netip.ParseAddrPort(x.Address); err == nil {
		c.address = a.Addr().String()
		_, c.port, _ = net.SplitHostPort(x.Address)
	}
	switch name := strings.TrimSuffix(strings.Trim(x.SNI, "[]"), "."); {
	case name != "":
		c.host = name // which curl takes the server name from
	case c.address == "":
		c.host = host
	case c.scheme == "http" && port == c.port && c.resolves(host):
		c.host = host
	default:
		c.host = c.address // to which curl sends no server name
	}
	return c
}

// resolves says whether curl can be told the address of a host, and sends its
// name as it is.
func (c call) resolves(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return host == c.address
	}
	return host != "" && host != "localhost" && !strings.HasSuffix(host, ".") && strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789.-_") == ""
}

// place tells curl the address, where the URL has a name or another one.
func (c call) place() string {
	_, err := netip.ParseAddr(c.host)
	switch {
	case c.address == "" || c.address == c.host:
		return ""
	case err == nil:
		return "--connect-to " + quote("::"+net.JoinHostPort(c.address, c.port))
	}
	address := c.address
	if strings.Contains(address, ":") {
		address = "[" + address + "]"
	}
	return "--resolve " + quote(c.host+":"+c.port+":"+address)
}

// authority is host and port as curl writes them into a Host header.
func (c call) authority() string {
	host := c.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if c.port == map[string]string{"http": "80", "https": "443"}[c.scheme] {
		return host
	}
	return host + ":" + c.port
}

func (c call) origin() string { return c.scheme + "://" + c.authority() }

// hostHeader is what -H needs to send the Host headers, "" when curl does so by
// itself. It sends one only; the others go in the lines after it.
func (c call) hostHeader() string {
	switch {
	case len(c.hosts) == 0:
		return "Host:" // none
	case len(c.hosts) == 1 && c.hosts[0] == c.authority():
		return ""
	case len(c.hosts) == 1 && c.hosts[0] == "":
		return "'Host;'"
	}
	out := quote("Host: " + c.hosts[0])
	if len(c.hosts) > 1 {
		more := make([]string, len(c.hosts)-1)
		for i, h := range c.hosts[1:] {
			more[i] = quote(h)
		}
		out += `"$(printf '\r\nHost: %s' ` + strings.Join(more, " ") + `)"`
	}
	return out
}

// curlHeaders are the options for all headers but Host, also for those that
// curl would send by itself and were not sent.
func curlHeaders(x Exchange) []string {
	var lines []string
	for _, name := range []string{"User-Agent", "Accept"} {
		if !slices.ContainsFunc(x.RequestHeaders, func(h [2]string) bool { return strings.EqualFold(h[0], name) }) {
			lines = append(lines, "-H "+name+":")
		}
	}
	for _, h := range x.RequestHeaders {
		if line := curlHeader(x, h); line != "" {
			lines = append(lines, line)
		}
	}
	framed := slices.ContainsFunc(x.RequestHeaders, func(h [2]string) bool {
		return strings.EqualFold(h[0], "content-length") || strings.EqualFold(h[0], "transfer-encoding")
	})
	if !framed && slices.Contains([]string{"POST", "PUT", "PATCH"}, x.Method) {
		lines = append(lines, "-H 'Content-Length: 0'")
	}
	return lines
}

func curlHeader(x Exchange, h [2]string) string {
	secret := redactedValue.MatchString(h[1])
	switch name := strings.ToLower(h[0]); {
	case name == "host" || name == "x-regproof-run" || (name == "accept-encoding" && h[1] == "identity"):
		return ""
	case name == "content-length" && h[1] != "0": // there is no body to send
		return ""
	case name == "user-agent" && strings.HasPrefix(h[1], "regproof/"):
		return "-A regproof" // bot filters know curl
	case name == "authorization" && secret && strings.HasPrefix(h[1], "Basic "):
		return `-u "$REGPROOF_USER:$REGPROOF_PASSWORD"`
	case name == "authorization" && secret:
		return `-H "Authorization: Bearer $REGPROOF_TOKEN"`
	case h[1] == "":
		return "-H " + quote(h[0]+";") // how curl spells an empty one
	case name == "accept":
		// The whole list was offered; the type that was served is enough.
		served := x.served()
		if strings.Contains(h[1], ",") && strings.Contains(h[1], served) && served != "" {
			return "-H " + quote("Accept: "+served)
		}
	}
	return "-H " + quote(h[0]+": "+h[1])
}

func (x Exchange) served() string {
	i := slices.IndexFunc(x.ResponseHeaders, func(h [2]string) bool { return strings.EqualFold(h[0], "content-type") })
	if i < 0 {
		return ""
	}
	return x.ResponseHeaders[i][1]
}

// quote makes one word for a POSIX shell. What was redacted is a variable in it.
func quote(s string) string {
	at := redactedValue.FindStringIndex(s)
	if at == nil {
		return literal(s)
	}
	out := `"$REGPROOF_VALUE"`
	if strings.HasSuffix(s[:at[0]], "account=") { // of a token request: who asks
		out = `"$REGPROOF_USER"`
	}
	if at[0] > 0 {
		out = literal(s[:at[0]]) + out
	}
	if at[1] < len(s) {
		out += quote(s[at[1]:])
	}
	return out
}

func literal(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+=,-") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
