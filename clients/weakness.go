// SPDX-License-Identifier: Apache-2.0

package clients

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

// Kind is a way in which a client's configuration is weak.
type Kind string

// The kinds. SkipVerify: the client takes any certificate. PlainHTTP: it speaks
// HTTP with a server that is not this machine. PublicFallback: it asks a public
// registry for images of a private one. ShortName: it looks for a name without a
// registry in several, or in a public one.
const (
	SkipVerify     Kind = "skip-verify"
	PlainHTTP      Kind = "plain-http"
	PublicFallback Kind = "public-fallback"
	ShortName      Kind = "short-name"
)

// Weakness is a setting by which a client would not notice an impostor, or would
// ask somebody else. A server on this machine's loopback is never one for
// SkipVerify and PlainHTTP: no wire is between.
type Weakness struct {
	Client  string // the program, as containerd; cri-o may stand beside podman
	Host    string // as Door.Host
	Server  string // whom the client does not verify, or asks; "" is whichever registry the image names
	Kind    Kind
	File    string
	Line    int
	Setting string // as written, in one line
	Why     string
	Fix     string
}

// Message is one sentence for a finding.
func (w Weakness) Message() string {
	server := printable(w.Server)
	if server == "" {
		server = hostText(w.Host)
	}
	var s string
	switch w.Kind {
	case SkipVerify:
		s = fmt.Sprintf("%s does not verify %s%s", w.Client, server, w.sake())
	case PlainHTTP:
		s = fmt.Sprintf("%s speaks plain HTTP with %s%s", w.Client, server, w.sake())
	case PublicFallback:
		s = fmt.Sprintf("%s asks %s, a public registry, for images of %s", w.Client, server, hostText(w.Host))
	case ShortName:
		s = fmt.Sprintf("%s looks for names without a registry at %s", w.Client, server)
	default:
		s = fmt.Sprintf("%s: %s", w.Client, w.Kind)
	}
	return fmt.Sprintf("%s (%s)", s, printable(w.Setting))
}

// sake says for which images a mirror is asked.
func (w Weakness) sake() string {
	if w.Server == "" || w.Server == w.Host || w.Server == serverOf(w.Host) {
		return ""
	}
	return ", which it asks for images of " + hostText(w.Host)
}

func hostText(host string) string {
	if host == Any {
		return "any registry without settings of its own"
	}
	return printable(host)
}

// printable quotes what would not be one plain line: names come from the files.
func printable(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}

const (
	whySkip  = "whoever stands between the client and the registry can show any certificate, hand out other images, and read the credential"
	whyPlain = "whoever stands between the client and the registry can hand out other images and read the credential"
	whyFall  = "when the private registry is down or does not have a name, the client takes what anybody has pushed under this name in the public one"
	whyShort = "whoever pushes the same name into a registry that is asked too can have it run in the place of yours"
)

// weak notes a weakness; those that need a wire are none on loopback.
func (r *reader) weak(w Weakness) {
	switch w.Kind {
	case SkipVerify:
		w.Why = whySkip
	case PlainHTTP:
		w.Why = whyPlain
	case PublicFallback:
		w.Why = whyFall
	case ShortName:
		w.Why = whyShort
	}
	if (w.Kind == SkipVerify || w.Kind == PlainHTTP) && loopback(w.Server) {
		return
	}
	w.File = r.shown(w.File)
	if len(r.result.Weaknesses) >= maxResults {
		r.full(w.File)
		return
	}
	r.result.Weaknesses = append(r.result.Weaknesses, w)
}

// door notes a door.
func (r *reader) door(d Door) {
	if name := strings.TrimPrefix(d.Host, "*."); name != Any && checkHost(name) != nil || checkHost(d.URL.Host) != nil {
		r.problem(d.File, d.Line, "%q for %q: expected HOST or HOST:PORT, this is no door", d.URL.Host, d.Host)
		return
	}
	if len(r.result.Doors) >= maxResults {
		r.full(d.File)
		return
	}
	if d.File != "" {
		d.File = r.shown(d.File)
	}
	r.result.Doors = append(r.result.Doors, d)
}

// plain is the door once more over HTTP.
func (d Door) plain() Door {
	d.URL = &url.URL{Scheme: "http", Host: d.URL.Host, Path: d.URL.Path}
	d.Role = Plain
	d.CAFiles, d.CertFile, d.KeyFile = nil, "", ""
	return d
}
