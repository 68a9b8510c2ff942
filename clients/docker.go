// SPDX-License-Identifier: Apache-2.0

package clients

import (
	"net/url"
	"path"
)

func readDocker(r *reader, host string) {
	r.daemon("/etc/docker", host)
	if r.config != "" && r.exists(r.config+"/docker/daemon.json") { // rootless
		r.daemon(r.config+"/docker", host)
	}
}

// daemon reads what one dockerd reads: daemon.json and certs.d.
func (r *reader) daemon(dir, host string) {
	file := path.Join(dir, "daemon.json")
	const insecure, mirrors = "insecure-registries", "registry-mirrors"
	lists := map[string][]setting{}
	if data, ok := r.file(file); ok {
		var err error
		if lists, err = r.jsonLists(file, data, insecure, mirrors); err != nil {
			r.refused(file, err, "docker does not start with it")
		}
	}
	d := daemon{r, file, path.Join(dir, "certs.d"), r.insecureList(string(Docker), file, insecure, lists[insecure])}
	hosts := map[string]bool{}
	for h := range d.insecure.hosts {
		hosts[h] = true
	}
	for _, name := range r.folders(d.certs) {
		hosts[name] = true
	}
	if host != "" {
		hosts[host] = true
	} else {
		d.insecure.networks()
	}
	delete(hosts, hub)
	if host == hub || len(lists[mirrors]) > 0 {
		d.mirrors(lists[mirrors])
	}
	for _, h := range sorted(hosts) {
		d.host(h, host)
	}
}

type daemon struct {
	*reader
	file     string
	certs    string
	insecure insecureList
}

// host notes the registry itself: docker has mirrors for Docker Hub alone. Of a
// host that it does not verify it reads no certificates either (newTLSConfig).
func (d daemon) host(host, asked string) {
	door := Door{Host: host, Role: Origin, URL: link("https", host, "")}
	i, weak := d.insecure.has(host)
	if host == asked || asked == "" {
		d.insecure.verify(host, host)
	}
	if weak || loopback(host) {
		if weak {
			door.File, door.Line = d.file, i.line
		}
		d.door(door)
		d.door(door.plain())
		return
	}
	dir := path.Join(d.certs, host)
	if d.exists(dir) {
		door = door.with(d.certFolder(dir, false))
		door.File = dir
	}
	d.door(door)
}

// mirrors notes the doors for Docker Hub: the mirrors, then Docker Hub itself,
// which is always verified.
func (d daemon) mirrors(list []setting) {
	for _, m := range list {
		u, err := url.Parse(m.text)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			d.problem(d.file, m.line, "registry-mirrors: expected https://HOST or http://HOST without a password: docker does not start with it")
			continue
		}
		weak := d.insecure.verify(hub, u.Host)
		if u.Scheme == "http" {
			d.weak(Weakness{
				Client: string(Docker), Host: hub, Server: u.Host, Kind: PlainHTTP, File: d.file, Line: m.line,
				Setting: "registry-mirrors: " + quote(m.text), Fix: "write https:// for the mirror",
			})
		}
		door := Door{
			Host: hub, Role: Mirror, URL: link(u.Scheme, u.Host, u.Path), Capabilities: []string{"pull", "resolve"},
			File: d.file, Line: m.line,
		}
		if dir := path.Join(d.certs, u.Host); !weak && d.exists(dir) {
			door = door.with(d.certFolder(dir, false))
		}
		d.door(door)
	}
	d.door(Door{Host: hub, Role: Origin, URL: link("https", hubServer, "")})
}
