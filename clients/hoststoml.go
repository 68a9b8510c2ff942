// SPDX-License-Identifier: Apache-2.0

package clients

import (
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// entry is one server of a hosts.toml: the file itself, which is about the
// server that is asked last, or a [host."URL"].
type entry struct {
	role    Role
	written string    // the URL as written, "" if the file names no server
	line    int       // of the URL, or 0
	setting string    // the URL in its line
	scheme  string    // "" with an empty server
	server  string    // host and port
	path    string    // of the API, with /v2
	caps    []string  // nil is all
	skip    *setting  // skip_verify = true
	tls     bool      // something of TLS is set
	ca      []setting // paths
	pairs   [][2]setting
}

// setting is a value and where it stands.
type setting struct {
	text string
	line int
}

var (
	hostKeys = []string{"capabilities", "ca", "client", "skip_verify", "header", "override_path", "dial_timeout"}
	fileKeys = append([]string{"server", "host"}, hostKeys...)
)

// parseHosts reads a hosts.toml as containerd does (parseHostsFile): the hosts in
// the order of their tables, the server last.
func (r *reader) parseHosts(file string, data []byte) ([]entry, error) {
	root, err := parseTOML(data)
	if err != nil {
		return nil, err
	}
	f := &form{table: root}
	r.unknown(file, root, fileKeys...)
	hosts := f.sub("host")
	if f.fault != nil {
		return nil, f.fault
	}
	var entries []entry
	for _, name := range hosts.keys {
		t := hosts.fields[name]
		if t.kind != unstable.Table {
			return nil, &fault{line: t.line, text: "host: expected a table"}
		}
		if !t.header {
			r.problem(file, t.line, "containerd passes over a host that has no [host.\"URL\"] header of its own")
			continue
		}
		r.unknown(file, t, hostKeys...)
		e, err := parseEntry(t, Mirror, name, t.line, "[host."+quote(redact(name))+"]")
		if err != nil {
			return nil, err
		}
		if e.server == "" {
			r.problem(file, e.line, "host: expected https://HOST or http://HOST, containerd cannot ask this one")
			continue
		}
		entries = append(entries, e)
	}
	server, n := f.text("server")
	if f.fault != nil {
		return nil, f.fault
	}
	line, written := 0, ""
	if n != nil {
		line, written = n.line, n.written("server")
	}
	e, err := parseEntry(root, Origin, server, line, written)
	if err != nil {
		return nil, err
	}
	if server != "" && e.server == "" {
		r.problem(file, line, "server: expected https://HOST or http://HOST, containerd cannot ask this one")
		return entries, nil
	}
	if server == "" {
		e.caps = nil // containerd forgets them for a server that the file does not name
	}
	return append(entries, e), nil
}

func parseEntry(t *node, role Role, server string, line int, written string) (entry, error) {
	e := entry{role: role, written: server, line: line, setting: written}
	f := &form{table: t}
	override, _ := f.flag("override_path")
	if server != "" {
		if err := e.address(server, override); err != nil {
			return entry{}, err
		}
	} else if role == Mirror {
		return entry{}, &fault{line: line, text: "host: the URL is empty"}
	}
	if on, n := f.flag("skip_verify"); n != nil {
		e.tls = true
		if on {
			e.skip = &setting{n.written("skip_verify"), n.line}
		}
	}
	caps, _ := f.list("capabilities")
	for _, c := range caps {
		name := strings.ToLower(c.text)
		if !slices.Contains([]string{"pull", "resolve", "push", "referrers"}, name) {
			return entry{}, &fault{line: c.line, text: "capabilities: expected pull, resolve, push or referrers"}
		}
		e.caps = append(e.caps, name)
	}
	e.parseCA(f)
	e.parsePairs(f)
	f.sub("header") // often tokens: names and values stay in the file
	f.text("dial_timeout")
	return e, f.err()
}

// address is parseHostConfig's reading of a URL: https where no scheme is
// written, and /v2 after the path unless override_path says that it is all.
func (e *entry) address(written string, override bool) error {
	if !strings.HasPrefix(written, "http") {
		written = "https://" + written
	}
	u, err := url.Parse(written)
	if err != nil {
		return &fault{line: e.line, text: "the URL of a host or server: expected https://HOST or http://HOST"}
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil // as if there were no server: the caller says so
	}
	e.scheme, e.server = u.Scheme, u.Host
	if u.Path != "" {
		e.path = path.Clean(u.Path)
	}
	if !override && (e.path == "" || !strings.HasSuffix(e.path, "/v2")) {
		e.path += "/v2"
	}
	return nil
}

// parseCA takes a path or a list of them.
func (e *entry) parseCA(f *form) {
	n := f.table.get("ca")
	if n == nil {
		return
	}
	e.tls = true
	if n.kind == unstable.String {
		e.ca = []setting{{n.text, n.line}}
		return
	}
	list, _ := f.list("ca")
	for _, i := range list {
		e.ca = append(e.ca, setting{i.text, i.line})
	}
}

// parsePairs takes a path of a file with both, a list of such, or a list of pairs.
func (e *entry) parsePairs(f *form) {
	n := f.table.get("client")
	if n == nil {
		return
	}
	e.tls = true
	items := []*node{n}
	if n.kind == unstable.Array {
		items = n.items
	}
	for _, i := range items {
		switch {
		case i.kind == unstable.String:
			e.pairs = append(e.pairs, [2]setting{{i.text, i.line}, {"", i.line}})
		case i != n && i.kind == unstable.Array && len(i.items) == 2 && i.items[0].kind == unstable.String && i.items[1].kind == unstable.String:
			e.pairs = append(e.pairs, [2]setting{{i.items[0].text, i.items[0].line}, {i.items[1].text, i.items[1].line}})
		default:
			f.wrong(i, "client: expected a path, a list of paths, or a list of pairs of paths")
		}
	}
}

// certs are the files that an entry names, relative to the folder of hosts.toml.
func (r *reader) certsOf(e entry, dir, file string) certs {
	var c certs
	abs := func(p string) string {
		if path.IsAbs(p) {
			return p
		}
		return path.Join(dir, p)
	}
	for _, ca := range e.ca {
		if real, ok := r.pem(abs(ca.text), file, ca.line); ok {
			c.ca = append(c.ca, real)
		}
	}
	for _, pair := range e.pairs {
		key := pair[1].text
		if key == "" { // the certificate's file holds both
			key = pair[0].text
		}
		r.pair(&c, abs(pair[0].text), abs(key), file, pair[0].line)
	}
	return c
}
