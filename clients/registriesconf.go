// SPDX-License-Identifier: Apache-2.0

package clients

import (
	"strings"
)

// registriesConf is what one or more merged registries.conf say.
type registriesConf struct {
	registries map[string]*registry // by prefix
	search     []*node
	searchNode *node // nil if no file sets it
	searchFile string
	mode       string // short-name-mode
}

// registry is one [[registry]].
type registry struct {
	endpoint
	prefix  string
	file    string
	line    int
	blocked bool
	mirrors []endpoint
}

// endpoint is a location: of the registry, or of one [[registry.mirror]].
type endpoint struct {
	location  string
	line      int
	setting   string
	insecure  *setting // insecure = true
	secure    bool     // insecure is not true
	namespace string
	caps      []string
}

var (
	confKeys     = []string{"unqualified-search-registries", "credential-helpers", "short-name-mode", "additional-layer-store-auth-helper", "aliases", "registry"}
	mirrorKeys   = []string{"location", "insecure", "pull-from-mirror", "namespace-proxy"}
	registryKeys = append([]string{"prefix", "blocked", "mirror", "mirror-by-digest-only"}, mirrorKeys...)
)

// refuses is what podman does with a faulty file, or with one faulty table of it.
const refuses = "podman refuses every registry until it is repaired"

// merge reads one file into c: what it sets replaces what earlier files set, and
// a [[registry]] replaces the one of the same prefix (updateWithConfigurationFrom).
func (r *reader) merge(c *registriesConf, file string) {
	data, ok := r.file(file)
	if !ok {
		return
	}
	root, err := parseTOML(data)
	if err != nil {
		r.refused(file, err, refuses)
		return
	}
	if v1 := root.get("registries"); v1 != nil {
		r.problem(file, v1.line, "the file is in version 1 of the format, which is not read here and which podman 6 refuses: write [[registry]] tables")
		return
	}
	r.unknown(file, root, confKeys...)
	f := &form{table: root}
	if list, n := f.list("unqualified-search-registries"); n != nil {
		c.search, c.searchNode, c.searchFile = list, n, file
	}
	if mode, n := f.text("short-name-mode"); n != nil && mode != "" {
		if mode != "enforcing" && mode != "permissive" && mode != "disabled" {
			f.wrong(n, "short-name-mode: expected enforcing, permissive or disabled")
		}
		c.mode = mode
	}
	own := map[string]*registry{}
	for _, t := range f.tables("registry") {
		reg, err := r.parseRegistry(file, t)
		if err != nil {
			r.refused(file, err, refuses)
			continue
		}
		if first := own[reg.prefix]; first != nil {
			r.problem(file, reg.line, "not used: the prefix is that of line %d, and the first one counts", first.line)
			continue
		}
		if len(c.registries) >= maxEntries {
			r.problem(file, reg.line, "only the first %d tables are read", maxEntries)
			break
		}
		own[reg.prefix] = reg
		r.conflict(own, reg)
		c.registries[reg.prefix] = reg
	}
	if f.fault != nil {
		r.refused(file, f.fault, refuses)
	}
}

// conflict notes two tables for one location that differ in what podman wants alike.
func (r *reader) conflict(own map[string]*registry, reg *registry) {
	for _, prefix := range sorted(own) {
		o := own[prefix]
		if o != reg && o.location == reg.location && reg.location != "" && (o.secure != reg.secure || o.blocked != reg.blocked) {
			r.problem(reg.file, reg.line, "insecure or blocked differs from that of line %d for the same location: %s", o.line, refuses)
		}
	}
}

// parseRegistry checks what podman checks (postProcessRegistries).
func (r *reader) parseRegistry(file string, t *node) (*registry, error) {
	r.unknown(file, t, registryKeys...)
	f := &form{table: t}
	reg := &registry{file: file, line: t.line}
	reg.endpoint = r.parseEndpoint(f, t)
	prefix, n := f.text("prefix")
	reg.prefix = strings.TrimRight(prefix, "/")
	if n != nil && hasScheme(prefix) {
		f.wrong(n, "prefix: a scheme is not allowed")
	}
	wild := strings.HasPrefix(reg.prefix, "*.")
	switch {
	case reg.prefix == "" && reg.location == "":
		f.wrong(t, "neither location nor prefix is set")
	case reg.prefix == "":
		reg.prefix = reg.location
	case wild && strings.ContainsAny(reg.prefix, "/@:"):
		f.wrong(n, "prefix: a wildcard is *.DOMAIN alone")
	case !wild && reg.location == "":
		f.wrong(t, "location is not set, and the prefix is no wildcard")
	}
	if reg.setting == "" && n != nil {
		reg.setting = n.written("prefix")
	}
	reg.blocked, _ = f.flag("blocked")
	digestOnly, _ := f.flag("mirror-by-digest-only")
	if p := t.get("pull-from-mirror"); p != nil {
		f.wrong(p, "pull-from-mirror: it is for mirrors alone")
	}
	if t.get("mirror") == nil {
		return reg, f.err()
	}
	for _, m := range f.tables("mirror") {
		r.unknown(file, m, mirrorKeys...)
		mf := &form{table: m}
		e := r.parseEndpoint(mf, m)
		if e.location == "" {
			mf.wrong(m, "the location of the mirror is not set")
		}
		mode, n := mf.text("pull-from-mirror")
		switch {
		case n != nil && mode != "" && digestOnly:
			mf.wrong(n, "pull-from-mirror: it cannot stand beside mirror-by-digest-only")
		case mode == "digest-only" || digestOnly:
			e.caps = []string{"pull"}
		case mode == "tag-only":
			e.caps = []string{"resolve"}
		case mode == "" || mode == "all":
			e.caps = []string{"pull", "resolve"}
		default:
			mf.wrong(n, "pull-from-mirror: expected all, digest-only or tag-only")
		}
		if mf.fault != nil && f.fault == nil {
			f.fault = mf.fault
		}
		reg.mirrors = append(reg.mirrors, e)
	}
	return reg, f.err()
}

func (r *reader) parseEndpoint(f *form, t *node) endpoint {
	e := endpoint{line: t.line, secure: true}
	location, n := f.text("location")
	if n != nil {
		e.line, e.setting = n.line, n.written("location")
		if hasScheme(location) {
			f.wrong(n, "location: a scheme is not allowed")
		}
	}
	e.location = strings.TrimRight(location, "/")
	if on, n := f.flag("insecure"); on {
		e.insecure, e.secure = &setting{n.written("insecure"), n.line}, false
	}
	e.namespace, _ = f.text("namespace-proxy")
	return e
}

func hasScheme(s string) bool {
	return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://")
}

// matches says whether a table is for a name, HOST or HOST/REPOSITORY
// (refMatchingPrefix). A prefix without a port is for every port: that is how
// podman does it, whatever its manual says.
func (reg *registry) matches(name string) bool {
	_, ok := reg.rest(name)
	return ok
}

// rest is what podman appends to a location: all of the name behind the prefix.
func (reg *registry) rest(name string) (string, bool) {
	suffix, wild := strings.CutPrefix(reg.prefix, "*")
	if !wild {
		rest, ok := strings.CutPrefix(name, reg.prefix)
		return rest, ok && (rest == "" || strings.ContainsRune(":/@", rune(rest[0])))
	}
	host, _, _ := strings.Cut(name, "/")
	i := strings.Index(host, suffix)
	if i < 0 {
		return "", false
	}
	rest := name[i+len(suffix):]
	return rest, rest == "" || strings.ContainsRune(":/@", rune(rest[0]))
}

// cut is the port of a host that the prefix leaves out.
func (reg *registry) cut(host string) string {
	if rest, ok := reg.rest(host); ok {
		return rest
	}
	return ""
}

// find is the table with the longest prefix (FindRegistry), nil if there is none.
func (c *registriesConf) find(name string) *registry {
	var best *registry
	for _, prefix := range sorted(c.registries) {
		if reg := c.registries[prefix]; reg.matches(name) && (best == nil || len(prefix) > len(best.prefix)) {
			best = reg
		}
	}
	return best
}
