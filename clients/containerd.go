// SPDX-License-Identifier: Apache-2.0

package clients

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

const (
	containerdConfig = "/etc/containerd/config.toml"
	containerdDropIn = "/etc/containerd/conf.d/*.toml"
	maxImports       = 100
)

// hostsRoots are read if nothing else is named, by nerdctl in any case.
var hostsRoots = []string{"/etc/containerd/certs.d", "/etc/docker/certs.d"}

// quote is as TOML and Go write a string.
func quote(s string) string { return strconv.Quote(s) }

// imageSettings are the registry settings of containerd's CRI plug-in, and where they stand.
type imageSettings struct {
	files    int // config files that were read
	version  int // of the main file
	path     *setting
	pathFile string
	mirrors  map[string]criMirror
	tls      map[string]criTLS // by host of the endpoint
	transfer *setting          // config_path of the transfer service
}

type criMirror struct {
	file      string
	endpoints []*node
}

type criTLS struct {
	file          string
	skip          *setting
	ca, cert, key setting
}

func readContainerd(r *reader, host string) {
	s := r.containerdSettings()
	roots := hostsRoots
	if s.path != nil {
		roots = slices.DeleteFunc(strings.Split(s.path.text, ":"), func(p string) bool { return p == "" })
		if len(s.mirrors) > 0 || len(s.tls) > 0 {
			r.problem(s.pathFile, s.path.line, "config_path stands beside mirrors or configs: containerd does not start its CRI plug-in with both")
		}
		if len(roots) > 1 {
			r.problem(s.pathFile, s.path.line, "config_path names several folders: the transfer service of containerd 2 reads none of them then (containerd issue 12808); name one")
		}
	}
	if s.transfer != nil && (s.path == nil || s.transfer.text != s.path.text) {
		r.hostsFolders([]string{s.transfer.text}, host)
	}
	found := r.hostsFolders(roots, host)
	if found && s.path == nil && s.files > 0 {
		r.problem(containerdConfig, 0, "config_path is not set: containerd 1 and, for its transfer service, containerd 2 do not read %s for Kubernetes then; name the folder", r.shown(roots[0]))
	}
	if r.config != "" { // rootless nerdctl
		r.hostsFolders([]string{r.config + "/containerd/certs.d", r.config + "/docker/certs.d"}, host)
	}
	r.criMirrors(s, host)
	if host != "" && !slices.ContainsFunc(r.result.Doors, func(d Door) bool { return d.Host == host }) {
		r.containerdOrigin(host, "", 0, certs{})
	}
}

// containerdSettings reads config.toml and its imports; a later file overrides an earlier one.
func (r *reader) containerdSettings() imageSettings {
	s := imageSettings{mirrors: map[string]criMirror{}, tls: map[string]criTLS{}}
	pending := []string{containerdConfig}
	if !r.exists(containerdConfig) {
		pending = r.glob(containerdDropIn)
	}
	done := map[string]bool{}
	for len(pending) > 0 && len(done) < maxImports {
		file := pending[0]
		pending = pending[1:]
		if done[file] {
			continue
		}
		done[file] = true
		data, ok := r.file(file)
		if !ok {
			if file != containerdConfig {
				r.problem(file, 0, "it is imported and cannot be read: containerd does not start")
			}
			continue
		}
		root, err := parseTOML(data)
		if err != nil {
			r.refused(file, err, "containerd does not start with it")
			continue
		}
		imports, err := r.containerdFile(&s, file, root)
		if err != nil {
			r.refused(file, err, "containerd does not start its CRI plug-in with it")
		}
		pending = append(pending, imports...)
	}
	return s
}

// glob matches in the last element of a path alone.
func (r *reader) glob(pattern string) []string {
	dir, last := path.Split(pattern)
	if !strings.Contains(last, "*") {
		return []string{pattern}
	}
	if strings.Contains(dir, "*") {
		r.problem(pattern, 0, "a star in the name of a folder is not followed here")
		return nil
	}
	var out []string
	for _, name := range r.dir(path.Clean(dir)) {
		if ok, err := path.Match(last, name); ok && err == nil {
			out = append(out, path.Join(dir, name))
		}
	}
	return out
}

// The plug-ins that hold registry settings, by the version of the file.
const (
	criOld  = "io.containerd.grpc.v1.cri"
	criNew  = "io.containerd.cri.v1.images"
	service = "io.containerd.transfer.v1.local"
)

func (r *reader) containerdFile(s *imageSettings, file string, root *node) (imports []string, err error) {
	f := &form{table: root}
	version := 1
	if n := root.get("version"); n != nil {
		version, _ = strconv.Atoi(n.text)
	}
	s.files++
	if s.files == 1 {
		s.version = version
	}
	list, _ := f.list("imports")
	for _, i := range list {
		p := path.Clean(i.text)
		if !path.IsAbs(p) {
			p = path.Join(path.Dir(file), p)
		}
		imports = append(imports, r.glob(p)...)
	}
	for _, name := range []string{"cri", criOld, criNew} {
		plugin := root.get("plugins", name)
		if plugin == nil {
			continue
		}
		registry := plugin.get("registry")
		if name == criOld && version >= 3 && registry != nil {
			r.problem(file, registry.line, "version 3 reads no registry settings of %s, but those of %s", criOld, criNew)
			continue
		}
		if s.files > 1 && (s.path != nil || len(s.mirrors) > 0 || len(s.tls) > 0) {
			r.problem(file, plugin.line, "an import with the plug-in %s: containerd 1 drops what earlier files say of it, containerd 2 adds to it as it is done here", name)
		}
		if registry != nil {
			r.criRegistry(s, file, registry, f)
		}
	}
	t := &form{table: newTable(0)}
	if n := root.get("plugins", service); n != nil && n.kind == unstable.Table {
		t.table = n
	}
	if text, n := t.text("config_path"); n != nil && text != "" {
		s.transfer = &setting{text, n.line}
	}
	if f.fault == nil {
		f.fault = t.fault
	}
	return imports, f.err()
}

func (r *reader) criRegistry(s *imageSettings, file string, registry *node, outer *form) {
	if registry.kind != unstable.Table {
		outer.wrong(registry, "registry: expected a table")
		return
	}
	f := &form{table: registry}
	if text, n := f.text("config_path"); n != nil && text != "" {
		s.path, s.pathFile = &setting{text, n.line}, file
	}
	mirrors := f.sub("mirrors")
	for _, host := range mirrors.keys {
		m := &form{table: mirrors.fields[host]}
		if list, n := m.list("endpoint"); n != nil {
			s.mirrors[host] = criMirror{file, list}
		}
		if m.fault != nil {
			f.wrong(&node{line: m.fault.line}, "%s", m.fault.text)
		}
	}
	configs := f.sub("configs")
	for _, host := range configs.keys {
		t := configs.fields[host].get("tls")
		if t == nil {
			continue
		}
		if s.version >= 3 {
			r.problem(file, t.line, "containerd 2 has no configs.tls: the settings do nothing")
			continue
		}
		tls := &form{table: t}
		c := criTLS{file: file}
		if on, n := tls.flag("insecure_skip_verify"); on {
			c.skip = &setting{n.written("insecure_skip_verify"), n.line}
		}
		c.ca, c.cert, c.key = tls.path("ca_file"), tls.path("cert_file"), tls.path("key_file")
		if tls.fault != nil {
			f.wrong(&node{line: tls.fault.line}, "%s", tls.fault.text)
		}
		s.tls[host] = c
	}
	if f.fault != nil {
		outer.wrong(&node{line: f.fault.line}, "%s", f.fault.text)
	}
}
