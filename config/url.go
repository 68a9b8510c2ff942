// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// hostShape is a host name of letters, digits, hyphens and, for the networks of containers, underscores.
var hostShape = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$`)

// numberShape is a last label that makes a host an IPv4 address in one of its odd spellings (127.1, 0x7f.1), which
// resolvers and guards read differently.
var numberShape = regexp.MustCompile(`(^|\.)([0-9]+|0x[0-9a-f]*)$`)

// errInline is told apart because nothing of such a URL may be repeated.
var errInline = errors.New("carries a user name or password; secrets never stand inline")

// origin parses scheme://host[:port] and normalises it: lower case, no default port, no path. Its errors repeat nothing
// that may be secret.
func origin(s string) (*url.URL, error) {
	if strings.Contains(s, "@") {
		return nil, errInline
	}
	scheme, _, ok := strings.Cut(s, "://")
	scheme = strings.ToLower(scheme)
	if !ok || scheme != "https" && scheme != "http" {
		return nil, errors.New("must begin with https:// or http://")
	}
	u, err := url.Parse(s)
	switch {
	case strings.Contains(s, "?"):
		return nil, errors.New("has a query; write scheme://host[:port] alone")
	case strings.Contains(s, "#"):
		return nil, errors.New("has a fragment; write scheme://host[:port] alone")
	case err != nil || u.Opaque != "" || u.Host == "":
		return nil, errors.New("is not a URL of the form scheme://host[:port]")
	case u.Path != "" && u.Path != "/":
		return nil, errors.New("has a path; write scheme://host[:port] alone")
	}
	host, err := hostport(u.Host, map[string]string{"https": "443", "http": "80"}[scheme])
	if err != nil {
		return nil, err
	}
	return &url.URL{Scheme: scheme, Host: host}, nil
}

// hostport normalises host[:port].
func hostport(s, defaultPort string) (string, error) {
	host, port, hasPort := s, "", false
	if i := strings.LastIndexByte(s, ':'); i > strings.LastIndexByte(s, ']') {
		host, port, hasPort = s[:i], s[i+1:], true
	}
	host, err := hostOf(host)
	if err != nil || !hasPort {
		return host, err
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || port[0] == '0' {
		return "", errors.New("has a port that is not between 1 and 65535")
	}
	if port == defaultPort {
		return host, nil
	}
	return host + ":" + port, nil
}

// hostOf normalises a host name, an IPv4 address or an IPv6 address in brackets.
func hostOf(s string) (string, error) {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		inner, closed := strings.CutSuffix(inner, "]")
		addr, err := netip.ParseAddr(inner)
		if !closed || err != nil || !addr.Is6() || addr.Zone() != "" {
			return "", errors.New("has a host in brackets that is not an IPv6 address")
		}
		return "[" + addr.String() + "]", nil
	}
	host := strings.ToLower(s)
	if addr, err := netip.ParseAddr(host); err == nil && addr.Is4() {
		return host, nil
	}
	switch {
	case strings.ContainsFunc(host, func(r rune) bool { return r > 0x7f }):
		return "", errors.New("has a host that is not ASCII; write its xn-- form")
	case len(host) > 253 || !hostShape.MatchString(host):
		return "", errors.New("has a host that is not a host name or an IP address")
	case numberShape.MatchString(host):
		return "", errors.New("has a host that is a number but not an IPv4 address in its usual form")
	}
	return host, nil
}

// loopback tells whether an origin is on this machine.
func loopback(u *url.URL) bool {
	host := u.Hostname()
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().IsLoopback()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
