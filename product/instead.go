// SPDX-License-Identifier: Apache-2.0

package product

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// insteads says what to do where a product has nothing to set for a control.
// The form is described at parseInsteads.
//
//go:embed instead.txt
var insteads string

// instead is a sentence for some controls of some products.
type instead struct {
	products, controls []string
	say                string
}

// Instead says what to do about a control where a product has nothing to set
// for it: what to set elsewhere, and in what. False where nobody has looked,
// which says nothing of the product.
func Instead(control, product string) (string, bool) {
	all, err := parseInsteads(insteads)
	if err != nil {
		return "", false
	}
	for _, i := range all {
		if slices.Contains(i.controls, control) && (slices.Contains(i.products, product) || i.products[0] == "*") {
			return i.say, true
		}
	}
	return "", false
}

// parseInsteads reads sections that begin with a line "-- PRODUCT... --", or
// "-- * --" for every product that no section before it is about. A section
// holds lines "for: CONTROL..." and a sentence.
func parseInsteads(text string) ([]instead, error) {
	var out []instead
	_, sections := split(text)
	for _, s := range sections {
		i := instead{products: strings.Fields(s[0])}
		var say []string
		for line := range strings.SplitSeq(s[1], "\n") {
			if ids, ok := strings.CutPrefix(line, "for: "); ok {
				i.controls = append(i.controls, strings.Fields(ids)...)
			} else {
				say = append(say, strings.Fields(line)...)
			}
		}
		i.say = strings.Join(say, " ")
		if len(i.products) == 0 || len(i.controls) == 0 || i.say == "" {
			return nil, fmt.Errorf("section %q: %w", s[0], errors.New("expected for: CONTROL... and a sentence"))
		}
		out = append(out, i)
	}
	return out, nil
}
