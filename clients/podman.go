// SPDX-License-Identifier: Apache-2.0

package clients

import (
	"path"
	"slices"
	"strings"
)

func readPodman(r *reader, host string) {
	c := r.podmanConf()
	p := podman{r, c}
	hosts := map[string]bool{}
	for prefix := range c.registries {
		h, _ := splitName(prefix)
		hosts[h] = true
	}
	for _, root := range p.certRoots() {
		for _, name := range r.folders(root) {
			hosts[name] = true
		}
	}
	if host != "" {
		hosts[host] = true
	}
	for _, h := range sorted(hosts) {
		p.host(h)
	}
	p.search(host)
	readCrio(r, host)
}

// podmanConf finds the files (containers-registries.conf.d(5)): the user's main
// file comes in the place of the system's and of its drop-ins.
func (r *reader) podmanConf() *registriesConf {
	c := &registriesConf{registries: map[string]*registry{}}
	const system, vendor = "/etc/containers/registries.conf", "/usr/share/containers/registries.conf"
	user := ""
	if r.config != "" {
		user = r.config + "/containers/registries.conf"
	}
	var drops []string
	switch {
	case user != "" && r.exists(user):
		r.merge(c, user)
		if len(r.confs(system+".d")) > 0 {
			r.problem(system+".d", 0, "not read: %s is there, and podman before 6 reads no drop-ins of the system then", r.shown(user))
		}
	case r.exists(system):
		r.merge(c, system)
		drops = []string{system + ".d"}
	default: // podman 6
		r.merge(c, vendor)
		drops = []string{vendor + ".d", system + ".d"}
	}
	if user != "" {
		drops = append(drops, user+".d")
	}
	for _, dir := range drops {
		for _, file := range r.confs(dir) {
			r.merge(c, file)
		}
	}
	return c
}

// confs lists the drop-ins of a folder in their order.
func (r *reader) confs(dir string) (files []string) {
	for _, name := range r.dir(dir) {
		if strings.HasSuffix(name, ".conf") {
			files = append(files, path.Join(dir, name))
		}
	}
	return files
}

type podman struct {
	*reader
	conf *registriesConf
}

// host notes what podman does for one host, or for the wildcard of one table.
func (p podman) host(host string) {
	for _, prefix := range sorted(p.conf.registries) {
		if h, rest := splitName(prefix); h == host && rest != "" {
			p.table(host, rest, p.conf.registries[prefix])
		}
	}
	reg := p.conf.registries[host]
	if reg == nil && !strings.HasPrefix(host, "*.") {
		reg = p.conf.find(host)
	}
	if reg == nil {
		dir, c := p.certs(host)
		p.door(Door{Host: host, Role: Origin, URL: link("https", serverOf(host), ""), File: dir}.with(c))
		return
	}
	p.table(host, "", reg)
}

// table notes the doors of one [[registry]] for the names of host below scope.
func (p podman) table(host, scope string, reg *registry) {
	for _, m := range reg.mirrors {
		m.location += reg.cut(host)
		p.at(host, scope, reg, m, Mirror)
	}
	origin := reg.endpoint
	own := host + strings.TrimSuffix("/"+scope, "/")
	if origin.location == "" || origin.location == reg.prefix {
		origin.location = own // as it is written: the host may have a port or a name before what the prefix has
	} else {
		origin.location += reg.cut(host)
	}
	if strings.HasPrefix(host, "*.") && reg.location == "" {
		if reg.blocked {
			return
		}
		p.insecure(host, "", reg, origin)
		return
	}
	if origin.location != own {
		origin.caps = []string{"pull", "resolve"}
		if reg.blocked && !p.blocked(origin.location) {
			p.problem(reg.file, reg.line, "blocked does not forbid to pull from %s: podman asks it of the location, not of the prefix", origin.location)
		}
		if !strings.HasPrefix(host, "*.") { // names are rewritten for reading alone
			push := origin
			push.location, push.caps = own, []string{"push"}
			p.at(host, scope, reg, push, Origin)
		}
	}
	p.at(host, scope, reg, origin, Origin)
}

// blocked says whether podman refuses a location. It looks for the table of the
// name that it is about to ask, not of the one that the user wrote (newDockerClient).
func (p podman) blocked(location string) bool {
	reg := p.conf.find(location)
	return reg != nil && reg.blocked
}

// at notes one location.
func (p podman) at(host, scope string, reg *registry, e endpoint, role Role) {
	if p.blocked(e.location) {
		return
	}
	name, prefix := splitName(e.location)
	if strings.Contains(prefix, ":") {
		p.problem(reg.file, e.line, "podman puts the port of %s behind this location: not a door", host)
		return
	}
	server := serverOf(name)
	p.insecure(host, server, reg, e)
	if public(server) && !public(host) {
		p.weak(Weakness{
			Client: string(Podman), Host: host, Server: server, Kind: PublicFallback, File: reg.file, Line: e.line, Setting: e.setting,
			Fix: "take the public registry out of the table of the private one",
		})
	}
	_, c := p.certs(name)
	d := Door{
		Host: host, URL: link("https", server, ""), Scope: scope, Prefix: prefix, Namespace: e.namespace,
		Role: role, Capabilities: e.caps, File: reg.file, Line: e.line,
	}.with(c)
	p.door(d)
	if e.insecure != nil {
		p.door(d.plain())
	}
}

func (p podman) insecure(host, server string, reg *registry, e endpoint) {
	if e.insecure == nil {
		return
	}
	p.weak(Weakness{
		Client: string(Podman), Host: host, Server: server, Kind: SkipVerify, File: reg.file, Line: e.insecure.line, Setting: e.insecure.text,
		Fix: "remove insecure; if the registry's certificate is from an authority of your own, put it into /etc/containers/certs.d/HOST/ca.crt",
	})
}

// search notes that short names are looked for in several registries, or in a
// public one. With short-name-mode = enforcing podman asks a person which of
// several is meant, and fails where there is none.
func (p podman) search(host string) {
	c := p.conf
	w := Weakness{Client: string(Podman), Host: Any, Kind: ShortName, Fix: "leave the private registry alone in the list, or write names with their registry and short-name-mode = \"enforcing\""}
	if c.searchNode == nil {
		return
	}
	w.File, w.Line, w.Setting = c.searchFile, c.searchNode.line, c.searchNode.written("unqualified-search-registries")
	var others []string
	mine := host == ""
	for _, n := range c.search {
		switch {
		case host != "" && sameServer(n.text, host):
			mine, w.Host = true, host
		case host != "" || public(n.text) || len(c.search) > 1:
			others = append(others, n.text)
		}
	}
	if !mine || len(others) == 0 || c.mode == "enforcing" && len(c.search) > 1 {
		return
	}
	w.Server = strings.Join(others, ", ")
	p.weak(w)
}

// certRoots are the folders with one for each registry, the first in which it
// is counts (dockerCertDir).
func (p podman) certRoots() []string {
	roots := []string{"/etc/containers/certs.d", "/etc/docker/certs.d"}
	if p.config != "" {
		roots = slices.Insert(roots, 0, p.config+"/containers/certs.d")
	}
	return roots
}

func (p podman) certs(host string) (string, certs) {
	for _, root := range p.certRoots() {
		dir := path.Join(root, host)
		if !strings.HasPrefix(host, "*.") && host != "" && p.exists(dir) {
			return dir, p.certFolder(dir, false)
		}
	}
	return "", certs{}
}

// splitName parts the host of a location from the rest, which gets a slash at
// its end; a tag or digest, which a prefix may have, is cut off.
func splitName(name string) (host, rest string) {
	host, rest, _ = strings.Cut(name, "/")
	rest, _, _ = strings.Cut(rest, "@")
	if i := strings.LastIndex(rest, ":"); i > strings.LastIndex(rest, "/") {
		rest = rest[:i]
	}
	if rest != "" {
		rest += "/"
	}
	return host, rest
}
