// SPDX-License-Identifier: Apache-2.0

package clients

import (
	"net/netip"
	"strings"
)

// insecureList is a list of hosts and networks that docker and CRI-O do not verify.
type insecureList struct {
	reader *reader
	client string
	file   string
	key    string
	fix    string
	hosts  map[string]setting
	nets   []network
}

type network struct {
	setting
	prefix netip.Prefix
}

func (r *reader) insecureList(client, file, key string, items []setting) insecureList {
	l := insecureList{
		reader: r, client: client, file: file, key: key,
		fix:   "take it out of " + key + "; if the registry's certificate is from an authority of your own, put it into /etc/docker/certs.d/HOST/ca.crt",
		hosts: map[string]setting{},
	}
	for _, i := range items {
		text := i.text
		for _, scheme := range []string{"http://", "https://"} {
			if len(text) >= len(scheme) && strings.EqualFold(text[:len(scheme)], scheme) {
				text = text[len(scheme):] // as docker does, with a warning
			}
		}
		if p, err := netip.ParsePrefix(text); err == nil {
			l.nets = append(l.nets, network{i, p})
			continue
		}
		if text == "index.docker.io" {
			text = hub
		}
		if checkHost(text) != nil || text == "" {
			r.problem(file, i.line, "%s: expected HOST, HOST:PORT or a network", key)
			continue
		}
		l.hosts[text] = i
	}
	return l
}

// has finds the entry for a server. A name is in a network if its address is,
// and to ask for it is not this package's: only a network that holds every
// address is sure to hold a name.
func (l insecureList) has(server string) (setting, bool) {
	if i, ok := l.hosts[server]; ok {
		return i, true
	}
	addr, err := netip.ParseAddr(hostname(server))
	for _, n := range l.nets {
		if n.prefix.Bits() == 0 || err == nil && n.prefix.Contains(addr.Unmap()) {
			return n.setting, true
		}
	}
	return setting{}, false
}

// verify notes a weakness if the server is in the list, and what cannot be told of it.
func (l insecureList) verify(host, server string) (insecure bool) {
	if i, ok := l.has(server); ok {
		l.weak(host, server, i)
		return true
	}
	if _, err := netip.ParseAddr(hostname(server)); err != nil {
		for _, n := range l.nets {
			if !n.prefix.Addr().IsLoopback() {
				l.reader.problem(l.file, n.line, "%s: whether %s is in the network %s depends on its address, which is not looked up here", l.key, server, n.prefix)
			}
		}
	}
	return false
}

func (l insecureList) weak(host, server string, i setting) {
	l.reader.weak(Weakness{
		Client: l.client, Host: host, Server: server, Kind: SkipVerify,
		File: l.file, Line: i.line, Setting: l.key + ": " + quote(redact(i.text)), Fix: l.fix,
	})
}

// networks notes every network as a weakness of its own, where no host was asked for.
func (l insecureList) networks() {
	for _, n := range l.nets {
		if !n.prefix.Addr().IsLoopback() {
			l.weak(n.prefix.String(), n.prefix.String(), n.setting)
		}
	}
}
