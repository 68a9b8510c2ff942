// SPDX-License-Identifier: Apache-2.0

package evidence

import (
	"net"
	"net/netip"
	"slices"
	"strings"
)

// Curl is a command that repeats the exchange, a line an option, for a
// shell. A secret is written $REGPROOF_TOKEN or -u; caFile may be "".
func Curl(x Exchange, caFile string) []string {
	scheme, port := "http", "80"
	if x.TLS != nil {
		scheme, port = "https", "443"
	}
	lines := []string{"curl -sS -D- -o /dev/null"}
	switch {
	case x.Method == "HEAD":
		lines[0] = "curl -sSI"
	case x.Method != "GET":
		lines[0] += " -X " + quote(x.Method)
	}
	if caFile != "" {
		lines = append(lines, "--cacert "+quote(caFile))
	}
	host, p, err := net.SplitHostPort(x.Host)
	if err != nil {
		host, p = x.Host, port
	}
	if a, err := netip.ParseAddrPort(x.Address); err == nil && strings.Trim(host, "[]") != a.Addr().String() {
		lines = append(lines, "--resolve "+quote(host+":"+p+":"+a.Addr().String()))
	}
	if !slices.ContainsFunc(x.RequestHeaders, func(h [2]string) bool { return strings.EqualFold(h[0], "user-agent") }) {
		lines = append(lines, "-H 'User-Agent:'")
	}
	for _, h := range x.RequestHeaders {
		if line := curlHeader(x, h); line != "" {
			lines = append(lines, line)
		}
	}
	if x.Protocol == "HTTP/1.1" && x.TLS != nil {
		lines = append(lines, "--http1.1")
	}
	return append(lines, quote(scheme+"://"+x.Host+x.Target))
}

func curlHeader(x Exchange, h [2]string) string {
	switch strings.ToLower(h[0]) {
	case "host", "user-agent", "x-regproof-run", "accept-encoding", "connection", "content-length":
		if !strings.EqualFold(h[0], "user-agent") || strings.HasPrefix(h[1], "regproof/") {
			return ""
		}
	case "authorization":
		if strings.HasPrefix(h[1], "Basic ") {
			return "-u \"$REGPROOF_USER:$REGPROOF_PASSWORD\""
		}
		return "-H \"Authorization: Bearer $REGPROOF_TOKEN\""
	case "accept":
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

// quote makes one word for a POSIX shell.
func quote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+=,-[]") == "" && !strings.ContainsAny(s, "[]") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
