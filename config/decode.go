// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net/netip"
	"reflect"
	"strings"
)

// aliasSpare is how many values aliases may add to those written, over the whole file.
const aliasSpare = 10_000

// decoder fills the structs from the tree. It remembers where each field was written, by the field's address, so that
// the checks that follow can be plain code over the structs; a field that was absent or faulty has no place, and is
// not checked again.
type decoder struct {
	*collector
	at      map[any]Position
	given   map[any]bool // every field that was written, faulty or not
	flawed  map[any]bool // structs with an unknown key: what seems to be missing there may be misspelt
	visits  int
	stopped bool
}

func newDecoder(c *collector, root *node) *decoder {
	seen := map[*node]bool{}
	var count func(*node)
	count = func(n *node) {
		if seen[n] {
			return
		}
		seen[n] = true
		for _, item := range n.items {
			count(item)
		}
		for _, p := range n.pairs {
			count(p.value)
		}
	}
	count(root)
	return &decoder{collector: c, at: map[any]Position{}, given: map[any]bool{}, flawed: map[any]bool{}, visits: len(seen) + aliasSpare}
}

// A value with a form of its own decodes itself.
type self interface {
	decode(d *decoder, n *node, label string) bool
}

// A struct with a short form takes a bare string as the value of one key.
type shortForm interface{ short() string }

// An enumeration is a string type that knows its words.
type enumeration interface{ words() []string }

func (d *decoder) decode(root *node, file *File) {
	d.value(root, reflect.ValueOf(file).Elem(), "the file")
}

// value decodes n into v. The label names the value in messages: its key.
func (d *decoder) value(n *node, v reflect.Value, label string) {
	if d.visits--; d.visits < 0 {
		if !d.stopped {
			d.add(n.at, "", "aliases expand to more than %d values", aliasSpare)
		}
		d.stopped = true
		return
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	field := v.Addr().Interface()
	d.given[field] = true
	if n.kind != kindRefused && d.fill(n, v, label) {
		d.at[field] = n.at
	}
}

func (d *decoder) fill(n *node, v reflect.Value, label string) bool {
	switch p := v.Addr().Interface().(type) {
	case self:
		return p.decode(d, n, label)
	case *netip.Addr:
		return d.address(n, p, label)
	}
	switch v.Kind() {
	case reflect.Struct:
		return d.structure(n, v, label)
	case reflect.Slice:
		return d.list(n, v, label)
	case reflect.String:
		s, ok := d.text(n, label)
		if e, is := v.Interface().(enumeration); ok && is {
			ok = d.word(n, s, e.words(), label)
		}
		if ok {
			v.SetString(s)
		}
		return ok
	case reflect.Int:
		i, ok := d.integer(n, label)
		v.SetInt(i)
		return ok
	case reflect.Float64:
		f, ok := d.float(n, label)
		v.SetFloat(f)
		return ok
	case reflect.Bool:
		if n.kind != kindBoolean {
			return d.wrong(n, label, "true or false")
		}
		v.SetBool(strings.EqualFold(n.text, "true"))
		return true
	}
	return false
}

func (d *decoder) list(n *node, v reflect.Value, label string) bool {
	if n.kind != kindList {
		return d.wrong(n, label, "a list")
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.items), len(n.items)))
	for i, item := range n.items {
		d.value(item, v.Index(i), label)
	}
	return true
}

func (d *decoder) structure(n *node, v reflect.Value, label string) bool {
	if s, ok := v.Addr().Interface().(shortForm); ok && n.kind == kindText {
		n = &node{kind: kindMapping, at: n.at, pairs: []pair{{key: s.short(), at: n.at, value: n}}}
	}
	keys := keysOf(v.Type())
	if n.kind != kindMapping {
		return d.wrong(n, label, "a mapping with "+plural("key", keys.names))
	}
	if pos := v.FieldByName("Pos"); pos.IsValid() {
		pos.Set(reflect.ValueOf(n.at))
	}
	given, unfinished := map[string]bool{}, false
	for _, p := range n.pairs {
		if i, ok := keys.index[p.key]; ok {
			given[p.key] = true
			d.field(p.value, v, i, p.key)
			continue
		}
		near, planned := d.unknown(p, v.Type(), keys)
		given[near], unfinished = true, unfinished || planned
		d.flawed[v.Addr().Interface()] = true
	}
	for _, name := range keys.required {
		if !given[name] && !unfinished {
			d.add(n.at, "", "missing key %q%s", name, of(label))
		}
	}
	return true
}

// field decodes one key of a struct and refuses the empty list where that would say nothing.
func (d *decoder) field(n *node, v reflect.Value, i int, key string) {
	d.value(n, v.Field(i), key)
	if n.kind == kindList && len(n.items) == 0 && strings.Contains(v.Type().Field(i).Tag.Get("jsonschema"), "minItems=1") {
		d.add(n.at, "", "%s is an empty list", key)
		delete(d.at, v.Field(i).Addr().Interface())
	}
}

func of(label string) string {
	if label == "the file" {
		return ""
	}
	return " in " + label
}
