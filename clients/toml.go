// SPDX-License-Identifier: Apache-2.0

package clients

import (
	"errors"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// node is one value of a TOML document with its line; decoding into structs
// would lose the lines and the order of tables, on which containerd relies.
type node struct {
	line   int
	kind   unstable.Kind // Table for all tables, Array for all lists
	text   string        // of a scalar
	items  []*node
	keys   []string // of a table, in the order of the file
	fields map[string]*node
	header bool // a table that a [header] names, itself or through one of its own
}

func newTable(line int) *node {
	return &node{line: line, kind: unstable.Table, fields: map[string]*node{}}
}

// fault is what is wrong with a line of a file.
type fault struct {
	line int
	text string
	ours bool // the client would take it
}

func (f *fault) Error() string { return f.text }

// parseTOML reads a document. The texts of faults never quote a value: it may be a secret.
func parseTOML(data []byte) (*node, error) {
	if !utf8.Valid(data) {
		return nil, &fault{text: "not UTF-8"}
	}
	var discard map[string]any
	if err := toml.Unmarshal(data, &discard); err != nil {
		f := &fault{text: "not valid TOML"}
		if d, ok := errors.AsType[*toml.DecodeError](err); ok {
			f.line, _ = d.Position()
		}
		return nil, f
	}
	b := builder{lines: lineStarts(data), root: newTable(1)}
	b.parser.Reset(data)
	here := b.root
	for b.parser.NextExpression() {
		e := b.parser.Expression()
		switch e.Kind {
		case unstable.Table:
			here = b.open(b.root, e, false)
		case unstable.ArrayTable:
			here = b.open(b.root, e, true)
		case unstable.KeyValue:
			b.set(here, e)
		}
	}
	return b.root, nil
}

type builder struct {
	parser unstable.Parser
	lines  []int
	root   *node
}

func lineStarts(data []byte) []int {
	starts := []int{0}
	for i, c := range data {
		if c == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

func (b *builder) line(n *unstable.Node) int { return b.lineAt(int(n.Raw.Offset)) }

func (b *builder) lineAt(offset int) int {
	return sort.Search(len(b.lines), func(i int) bool { return b.lines[i] > offset })
}

// open finds or makes the table of a header.
func (b *builder) open(t *node, e *unstable.Node, list bool) *node {
	for it := e.Key(); it.Next(); {
		key := it.Node()
		name, line := string(key.Data), b.line(key)
		if list && it.IsLast() {
			child := t.fields[name]
			if child == nil {
				child = &node{line: line, kind: unstable.Array}
				t.put(name, child)
			}
			child.items = append(child.items, newTable(line))
			return child.items[len(child.items)-1]
		}
		t = t.child(name, line)
		t.header = true
		if it.IsLast() {
			t.line = line
		}
	}
	return t
}

// set puts a value under its key, which may have dots.
func (b *builder) set(t *node, e *unstable.Node) {
	for it := e.Key(); it.Next(); {
		key := it.Node()
		if it.IsLast() {
			t.put(string(key.Data), b.value(e.Value(), b.line(key)))
			return
		}
		t = t.child(string(key.Data), b.line(key))
	}
}

func (b *builder) value(v *unstable.Node, line int) *node {
	if v.Raw.Length > 0 {
		line = b.line(v)
	}
	switch v.Kind {
	case unstable.InlineTable:
		t := newTable(line)
		for it := v.Children(); it.Next(); {
			b.set(t, it.Node())
		}
		return t
	case unstable.Array:
		n := &node{line: line, kind: v.Kind}
		for it := v.Children(); it.Next(); {
			if it.Node().Kind != unstable.Comment {
				n.items = append(n.items, b.value(it.Node(), line))
			}
		}
		return n
	}
	return &node{line: line, kind: v.Kind, text: string(v.Data)}
}

func (n *node) put(key string, v *node) {
	if n.fields == nil { // not a table; the document was found valid, so this cannot be reached
		n.fields = map[string]*node{}
	}
	if n.fields[key] == nil {
		n.keys = append(n.keys, key)
	}
	n.fields[key] = v
}

// child is the table under a key, the last one of an array of tables.
func (n *node) child(key string, line int) *node {
	c := n.fields[key]
	if c != nil && c.kind == unstable.Array && len(c.items) > 0 {
		return c.items[len(c.items)-1]
	}
	if c == nil {
		c = newTable(line)
		n.put(key, c)
	}
	return c
}

// get follows a path of keys, nil where it ends early. Both TOML libraries of the
// clients take a key in other letter cases where no exact one is there.
func (n *node) get(path ...string) *node {
	for _, key := range path {
		if n == nil {
			return nil
		}
		n = n.field(key)
	}
	return n
}

func (n *node) field(key string) *node {
	if v := n.fields[key]; v != nil {
		return v
	}
	for _, k := range n.keys {
		if strings.EqualFold(k, key) {
			return n.fields[k]
		}
	}
	return nil
}

// written is key = value in one line; a table is its name alone.
func (n *node) written(key string) string {
	if n.kind == unstable.Table {
		return key
	}
	return key + " = " + n.render()
}

func (n *node) render() string {
	switch n.kind {
	case unstable.String:
		return strconv.Quote(redact(n.text))
	case unstable.Array:
		var parts []string
		for _, i := range n.items[:min(len(n.items), 10)] {
			parts = append(parts, i.render())
		}
		if len(n.items) > 10 {
			parts = append(parts, "...")
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case unstable.Table:
		return "{...}"
	}
	return n.text
}

// redact takes a user name and password out of a URL.
func redact(s string) string {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		scheme, rest = "", s
	} else {
		scheme += "://"
	}
	authority, path, slash := strings.Cut(rest, "/")
	if i := strings.LastIndex(authority, "@"); i >= 0 {
		authority = "..." + authority[i:]
	}
	if slash {
		path = "/" + path
	}
	return scheme + authority + path
}
