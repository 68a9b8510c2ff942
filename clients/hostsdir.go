// SPDX-License-Identifier: Apache-2.0

package clients

import (
	"path"
	"regexp"
	"strings"
)

const defaultFolder = "_default"

// hostsFolders reads folders of hosts.toml, as config_path names them.
func (r *reader) hostsFolders(roots []string, host string) (found bool) {
	names := map[string]bool{}
	for _, root := range roots {
		for _, name := range r.folders(root) {
			names[hostOfFolder(name)] = true
		}
	}
	if host != "" {
		names[host] = true
	}
	for _, name := range sorted(names) {
		if dir, ok := r.hostFolder(roots, name); ok {
			found = true
			r.hostFolderDoors(dir, name)
		}
	}
	return found
}

var portFolder = regexp.MustCompile(`^(.+)_([0-9]+)_$`)

// hostOfFolder turns registry.example_5000_ into the host; _default is Any.
func hostOfFolder(name string) string {
	if name == defaultFolder {
		return Any
	}
	return portFolder.ReplaceAllString(name, "$1:$2")
}

// hostFolder finds the folder for a host: containerd takes the first one that is
// there, root by root, so the _default of one comes before the host in the next
// (HostDirFromRoot, hostPaths).
func (r *reader) hostFolder(roots []string, host string) (string, bool) {
	names := []string{host, defaultFolder}
	if i := strings.LastIndex(host, ":"); i > 0 {
		names = append([]string{host[:i] + "_" + host[i+1:] + "_"}, names...)
	}
	if host == Any {
		names = []string{defaultFolder}
	}
	var first string
	for _, root := range roots {
		for _, name := range names {
			dir := path.Join(root, name)
			if !r.exists(dir) {
				continue
			}
			switch {
			case first == "":
				first = dir
			case name != defaultFolder:
				r.problem(dir, 0, "not used for %s: %s comes first", host, r.shown(first))
			}
		}
	}
	return first, first != ""
}

// hostFolderDoors reads one folder for one host. As containerd does, it takes the
// certificates in the folder and the registry itself if hosts.toml is not there,
// empty or faulty.
func (r *reader) hostFolderDoors(dir, host string) {
	file := path.Join(dir, "hosts.toml")
	data, ok := r.file(file)
	if ok && len(data) > 0 {
		entries, err := r.parseHosts(file, data)
		if err == nil {
			for _, e := range entries {
				r.entryDoors(e, dir, file, host)
			}
			return
		}
		r.refused(file, err, "containerd passes over the whole file then and asks the registry itself")
	}
	c := r.certFolder(dir, true)
	if host != Any {
		at := dir
		if len(c.ca) == 0 && c.cert == "" {
			at = ""
		}
		r.containerdOrigin(host, at, 0, c)
	}
}

// entryDoors notes the doors and weaknesses of one entry.
func (r *reader) entryDoors(e entry, dir, file, host string) {
	w := Weakness{Client: string(Containerd), Host: host, Server: e.server, File: file, Line: e.line, Setting: e.setting}
	if e.written == "" && host != Any {
		w.Server = serverOf(host)
	}
	if e.skip != nil {
		skip := w
		skip.Kind, skip.Setting, skip.Line = SkipVerify, e.skip.text, e.skip.line
		skip.Fix = "remove skip_verify; if the registry's certificate is from an authority of your own, name it with ca"
		r.weak(skip)
	}
	c := r.certsOf(e, dir, file)
	if e.written == "" {
		if host != Any {
			r.containerdOrigin(host, file, 1, c)
		}
		return
	}
	if e.scheme == "http" {
		plain := w
		plain.Kind, plain.Fix = PlainHTTP, "write https://, and ca for an authority of your own"
		r.weak(plain)
	}
	if public(e.server) && !public(host) {
		fall := w
		fall.Kind, fall.Fix = PublicFallback, "name the private registry or its mirror as server, and give the public registry a folder of its own"
		r.weak(fall)
	}
	d := Door{Host: host, Role: e.role, Capabilities: e.caps, File: file, Line: e.line}.with(c)
	base, prefix, ok := splitAPI(e.path)
	if !ok {
		r.problem(file, e.line, "override_path without /v2 in the path: this door is no registry that could be tested")
		return
	}
	d.Prefix = prefix
	if host != Any && !sameServer(e.server, serverOf(host)) {
		d.Namespace = host
	}
	d.URL = link(e.scheme, e.server, base)
	if e.scheme == "http" && e.tls && port(e.server) != "80" {
		// With something of TLS set containerd tries https first (ConfigureHosts).
		d.URL.Scheme = "https"
		r.door(d)
		d = d.plain()
	}
	r.door(d)
}

// splitAPI parts what comes before the last /v2 of a path from what comes after
// it, which is in front of every repository.
func splitAPI(p string) (base, prefix string, ok bool) {
	p += "/"
	i := strings.LastIndex(p, "/v2/")
	if i < 0 {
		return "", "", false
	}
	return p[:i], p[i+len("/v2/"):], true
}

// containerdOrigin is the registry itself. For a host on loopback containerd
// prefers HTTP, unless the port is that of https.
func (r *reader) containerdOrigin(host, file string, line int, c certs) {
	d := Door{Host: host, Role: Origin, URL: link("https", serverOf(host), ""), File: file, Line: line}.with(c)
	p := port(host)
	switch {
	case !loopback(host) || p == "" || p == "443":
		r.door(d)
	case p == "80" && len(c.ca) == 0 && c.cert == "":
		d.URL.Scheme = "http"
		r.door(d)
	default:
		r.door(d)
		r.door(d.plain())
	}
}
