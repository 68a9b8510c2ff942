// SPDX-License-Identifier: Apache-2.0

package clients

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// form reads a table whose keys are known, and remembers the first thing wrong.
type form struct {
	table *node
	fault *fault
}

func (f *form) wrong(n *node, format string, args ...any) {
	if f.fault == nil {
		f.fault = &fault{line: n.line, text: fmt.Sprintf(format, args...)}
	}
}

// err is nil or the first fault.
func (f *form) err() error {
	if f.fault == nil {
		return nil
	}
	return f.fault
}

func (f *form) text(key string) (string, *node) {
	n := f.table.get(key)
	if n == nil {
		return "", nil
	}
	if n.kind != unstable.String {
		f.wrong(n, "%s: expected a string", key)
		return "", nil
	}
	return n.text, n
}

// path is a string with its line, empty if it is not set.
func (f *form) path(key string) setting {
	if text, n := f.text(key); n != nil {
		return setting{text, n.line}
	}
	return setting{}
}

func (f *form) flag(key string) (bool, *node) {
	n := f.table.get(key)
	if n == nil {
		return false, nil
	}
	if n.kind != unstable.Bool {
		f.wrong(n, "%s: expected true or false", key)
		return false, nil
	}
	return n.text == "true", n
}

func (f *form) list(key string) ([]*node, *node) {
	n := f.table.get(key)
	if n == nil {
		return nil, nil
	}
	if n.kind != unstable.Array {
		f.wrong(n, "%s: expected a list of strings", key)
		return nil, nil
	}
	f.bound(n, key)
	for _, i := range n.items {
		if i.kind != unstable.String {
			f.wrong(i, "%s: expected a list of strings", key)
			return nil, nil
		}
	}
	return n.items, n
}

func (f *form) tables(key string) []*node {
	n := f.table.get(key)
	if n == nil {
		return nil
	}
	if n.kind == unstable.Array {
		f.bound(n, key)
		for _, i := range n.items {
			if i.kind != unstable.Table {
				f.wrong(i, "%s: expected tables", key)
				return nil
			}
		}
		return n.items
	}
	f.wrong(n, "%s: expected [[%s]]", key, key)
	return nil
}

// sub is the table under a key, an empty one if there is none.
func (f *form) sub(key string) *node {
	n := f.table.get(key)
	if n != nil && n.kind == unstable.Table {
		f.bound(n, key)
		return n
	}
	if n != nil {
		f.wrong(n, "%s: expected a table", key)
	}
	return newTable(0)
}

// bound leaves the first entries of a list or table that is too long.
func (f *form) bound(n *node, key string) {
	if len(n.items) > maxEntries || len(n.keys) > maxEntries {
		if f.fault == nil {
			f.fault = &fault{n.line, fmt.Sprintf("%s: more than %d entries, which is not read here", key, maxEntries), true}
		}
		n.items, n.keys = n.items[:min(len(n.items), maxEntries)], n.keys[:min(len(n.keys), maxEntries)]
	}
}

// unknown notes the keys that are not among the known ones: a misspelled setting does nothing.
func (r *reader) unknown(file string, table *node, known ...string) {
	for _, key := range table.keys {
		if !contains(known, key) {
			r.problem(file, table.fields[key].line, "%q is not a setting that is known here", key)
		}
	}
}

func contains(list []string, key string) bool {
	return slices.ContainsFunc(list, func(k string) bool { return strings.EqualFold(k, key) })
}

// refused notes what the error of a file is, with what the client does then.
func (r *reader) refused(file string, err error, then string) {
	line := 0
	if f, ok := errors.AsType[*fault](err); ok {
		line = f.line
		if f.ours {
			r.problem(file, line, "%v", err)
			return
		}
	}
	r.problem(file, line, "%v: %s", err, then)
}
