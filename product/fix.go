// SPDX-License-Identifier: Apache-2.0

package product

import (
	"embed"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// texts holds one file for each product; adding a fix is adding text to it.
// The form is described at parse.
//
//go:embed fixes/*.txt
var texts embed.FS

// Text is a fix as configuration of one product.
type Text struct {
	Product string // as Fix was asked for it
	Title   string // as its makers write it
	// Say is what to do, in one or two short sentences.
	Say string
	// In is where the snippet goes, like "the server block".
	In string
	// Wrong are lines that the snippet replaces.
	Wrong []string
	// Snippet is what to paste; placeholders are registry.example and
	// 127.0.0.1:5000.
	Snippet string
	// General says that the control has no text of its own for this product:
	// Snippet is the product's sound configuration.
	General bool

	frame string
}

// Whole is the snippet in the least configuration that the product accepts,
// "" where the file of the product has no frame for it.
func (t Text) Whole() string {
	if t.frame == "" {
		return ""
	}
	return strings.Replace(t.frame, placeholder, t.Snippet, 1)
}

// Names lists the products that have fixes, in order.
func Names() []string {
	entries, _ := texts.ReadDir("fixes") // embedded: the folder is there
	var out []string
	for _, e := range entries {
		out = append(out, strings.TrimSuffix(e.Name(), path.Ext(e.Name())))
	}
	slices.Sort(out)
	return out
}

// Fix is the configuration of a product that makes a control hold; false where
// the product has nothing to set for it.
func Fix(control, product string) (Text, bool) {
	f, err := load(product)
	if err != nil || control == guard {
		return Text{}, false
	}
	return f.fix(control, product)
}

// Controls lists the controls that a product has a fix for, in order. The error
// says what is wrong with the product's file.
func Controls(product string) ([]string, error) {
	f, err := load(product)
	if err != nil {
		return nil, err
	}
	ids := append(slices.Collect(maps.Keys(f.fixes)), f.general...)
	slices.Sort(ids)
	return slices.DeleteFunc(slices.Compact(ids), func(id string) bool { return id == guard }), nil
}

// For lists the products that have a fix for a control, in order.
func For(control string) []string {
	return slices.DeleteFunc(Names(), func(name string) bool {
		_, ok := Fix(control, name)
		return !ok
	})
}

func load(product string) (file, error) {
	b, err := texts.ReadFile("fixes/" + product + ".txt")
	if err != nil {
		return file{}, fmt.Errorf("no fixes for the product %q: %w", product, err)
	}
	f, err := parse(string(b))
	if err != nil {
		return file{}, fmt.Errorf("fixes/%s.txt: %w", product, err)
	}
	return f, nil
}

func (f file) fix(control, product string) (Text, bool) {
	s, own := f.fixes[control]
	if !own {
		if !slices.Contains(f.general, control) {
			return Text{}, false
		}
		s = f.fixes[guard]
	}
	if s.snippet == "" { // a sentence of its own about the sound configuration
		s.snippet, s.in = f.fixes[guard].snippet, f.fixes[guard].in
	}
	return Text{
		Product: product, Title: f.title, Say: s.say, In: s.in, Wrong: slices.Clone(s.wrong),
		Snippet: s.snippet, General: !own, frame: f.frames[s.in],
	}, true
}
