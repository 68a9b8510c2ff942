// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/evidence"
)

// Kind says what is looked for at a door.
type Kind string

// The kinds.
const (
	Registry Kind = "registry"
	Debug    Kind = "debug pages"
)

// Candidate is a door that may be there. Its Address is not valid as long as
// the name of its host was not resolved.
type Candidate struct {
	Kind    Kind
	URL     *url.URL // scheme, host and port
	Address netip.AddrPort
	Host    string // who is asked for there, when that is not the host of URL (Alt-Svc)
	Why     string
}

const (
	maxNames = 10 // of a certificate, of realms and redirects, of Alt-Svc: each
	maxShown = 100
)

// Candidates lists the doors that Scan would look at, the most promising
// first, and says what it leaves out and why. It asks nobody, not even DNS.
func Candidates(w Want) ([]Candidate, []string) {
	l := &list{want: w, seen: map[string]bool{}}
	if w.URL == nil {
		return nil, nil
	}
	l.altSvc()
	l.addresses()
	l.names()
	l.hosts()
	l.ports()
	return l.out, l.notes
}

// list gathers candidates, each once.
type list struct {
	want  Want
	seen  map[string]bool
	out   []Candidate
	notes []string
}

func (l *list) add(c Candidate) {
	if key := c.key(); !l.seen[key] && !l.want.known(c) {
		l.seen[key] = true
		l.out = append(l.out, c)
	}
}

func (l *list) note(format string, args ...any) {
	l.notes = append(l.notes, fmt.Sprintf(format, args...))
}

// key tells candidates apart.
func (c Candidate) key() string {
	return fmt.Sprint(c.Kind, " ", c.URL, " ", c.Address, " ", c.Host)
}

// authority is what the Host header says.
func (c Candidate) authority() string {
	if c.Host != "" {
		return c.Host
	}
	return c.URL.Host
}

// name is what the certificate should be for.
func (c Candidate) name() string {
	return (&url.URL{Host: c.authority()}).Hostname()
}

// altSvc adds alternative services. They are asked for the registry's own name
// (RFC 7838 section 2.1), wherever they are.
func (l *list) altSvc() {
	n := 0
	for _, a := range ParseAltSvc(l.want.AltSvc) {
		scheme := l.want.URL.Scheme
		switch {
		case a.Protocol == "h2":
			scheme = "https"
		case a.Protocol == "h2c":
			scheme = "http"
		case a.Protocol == "http/1.1":
		default:
			l.note("Alt-Svc names %s on port %d, which is not asked", evidence.Printable(a.Protocol, maxShown), a.Port)
			continue
		}
		if n++; n > maxNames {
			l.note("Alt-Svc names more than %d alternatives", maxNames)
			return
		}
		own := l.want.URL.Hostname()
		if a.Host == "" || strings.EqualFold(a.Host, own) {
			l.everywhere(Registry, scheme, a.Port, "Alt-Svc")
			continue
		}
		l.add(Candidate{Kind: Registry, URL: place(scheme, a.Host, a.Port), Host: l.want.URL.Host, Why: "Alt-Svc"})
	}
}

// everywhere adds a port of every address of the registry's host.
func (l *list) everywhere(kind Kind, scheme string, port uint16, why string) {
	for _, at := range l.want.Addresses {
		l.add(Candidate{Kind: kind, URL: place(scheme, l.want.URL.Hostname(), port), Address: netip.AddrPortFrom(at.Addr().Unmap(), port), Why: why})
	}
}

// addresses adds the registry's own port on every address of its host.
func (l *list) addresses() {
	l.everywhere(Registry, l.want.URL.Scheme, portOf(l.want.URL), "another address of the host")
}

// names adds what the certificate is for: on 443 and on the registry's port.
func (l *list) names() {
	n := 0
	for _, name := range l.want.Names {
		name = strings.ToLower(name)
		shown := evidence.Printable(name, maxShown)
		addr, err := netip.ParseAddr(name)
		switch {
		case err == nil && l.want.own(addr), strings.EqualFold(name, l.want.URL.Hostname()):
			continue
		case err == nil:
			l.note("the certificate is also for the address %s, which is not asked", shown)
			continue
		case strings.HasPrefix(name, "*."):
			l.note("the certificate is also for %s: names of that kind may be doors too", shown)
			continue
		}
		if _, err := credential.ParseOrigin("https://" + name); err != nil || strings.ContainsAny(name, ":/?#%") {
			l.note("the certificate is also for %q, which is no name of a host", shown)
			continue
		}
		if n++; n > maxNames {
			l.note("the certificate holds more than %d other names", maxNames)
			return
		}
		l.add(Candidate{Kind: Registry, URL: place("https", name, 443), Why: "name in the certificate"})
		if l.want.URL.Scheme == "https" {
			l.add(Candidate{Kind: Registry, URL: place("https", name, portOf(l.want.URL)), Why: "name in the certificate"})
		}
	}
}

// hosts adds where realms and redirects led.
func (l *list) hosts() {
	n := 0
	for _, h := range l.want.Hosts {
		raw := h
		if !strings.Contains(raw, "://") {
			raw = "https://" + raw
		}
		origin, err := credential.ParseOrigin(raw)
		if err != nil {
			l.note("a realm or a redirect names %s, which is no host", evidence.Target(evidence.Printable(h, maxShown)))
			continue
		}
		if n++; n > maxNames {
			l.note("realms and redirects name more than %d hosts", maxNames)
			return
		}
		u, _ := url.Parse(string(origin)) // an origin is a URL
		l.add(Candidate{Kind: Registry, URL: place(u.Scheme, u.Hostname(), portOf(u)), Why: "named by a realm or a redirect"})
	}
}

// ports adds the usual ports of every address of the host.
func (l *list) ports() {
	p := l.want.Ports
	if p == nil {
		usual := UsualPorts()
		p = &usual
	}
	for _, x := range []struct {
		kind   Kind
		scheme string
		ports  []uint16
		why    string
	}{
		{Registry, "https", p.HTTPS, "usual port"},
		{Registry, "http", p.HTTP, "usual port"},
		{Debug, "http", p.Debug, "usual port of debug pages"},
	} {
		for _, port := range x.ports {
			l.everywhere(x.kind, x.scheme, port, x.why)
		}
	}
}

// place is the URL of a door, without the port that its scheme implies.
func place(scheme, host string, port uint16) *url.URL {
	host = strings.ToLower(host)
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	u := &url.URL{Scheme: scheme, Host: host}
	if port != portOf(u) {
		u.Host += ":" + strconv.Itoa(int(port))
	}
	return u
}

func portOf(u *url.URL) uint16 {
	if n, err := strconv.ParseUint(u.Port(), 10, 16); err == nil {
		return uint16(n)
	}
	if u.Scheme == "http" {
		return 80
	}
	return 443
}

// other is the same place in the other scheme.
func (c Candidate) other() Candidate {
	scheme, why := "https", "its port speaks TLS"
	if c.URL.Scheme == "https" {
		scheme, why = "http", "its port speaks no TLS"
	}
	c.URL, c.Why = place(scheme, c.URL.Hostname(), portOf(c.URL)), why
	return c
}

// sorted puts doors in an order that does not depend on who answered first.
func sorted(doors []Door) []Door {
	slices.SortFunc(doors, func(a, b Door) int {
		if a.Kind != b.Kind {
			return -strings.Compare(string(a.Kind), string(b.Kind)) // the registry first
		}
		if n := strings.Compare(a.URL.Hostname(), b.URL.Hostname()); n != 0 {
			return n
		}
		if n := int(portOf(a.URL)) - int(portOf(b.URL)); n != 0 {
			return n
		}
		if n := strings.Compare(a.URL.Scheme, b.URL.Scheme); n != 0 {
			return n
		}
		if n := a.Address.Compare(b.Address); n != 0 {
			return n
		}
		return strings.Compare(a.Host, b.Host)
	})
	return doors
}
