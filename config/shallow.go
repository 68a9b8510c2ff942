// SPDX-License-Identifier: Apache-2.0

package config

import "github.com/goccy/go-yaml/token"

const (
	maxDepth = 32  // of nesting; the deepest valid value stands at depth 7
	maxKeys  = 500 // in one mapping; no mapping has more than ten
)

// shallow refuses, before goccy's parser sees them, the spellings that make it recurse far: nesting without new lines,
// and a block mapping of very many keys, which it reads by one recursion and one copy for each.
func (c *collector) shallow(tokens token.Tokens) bool {
	var flow, dashes, line int
	var blocks counter
	for _, tk := range tokens {
		switch tk.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow--
		case token.SequenceEntryType:
			if tk.Position.Line != line {
				dashes, line = 0, tk.Position.Line
			}
			dashes++
			blocks.leave(tk.Position.Column)
		case token.MappingValueType:
			if flow == 0 && tk.Prev != nil && blocks.count(tk.Prev.Position.Column) > maxKeys {
				c.add(place(tk.Prev), "", "a mapping of more than %d keys", maxKeys)
				return false
			}
		case token.MappingKeyType:
			c.add(place(tk), "", `a key after "? " is not supported; write key: value`)
			return false
		}
		if flow > maxDepth || dashes > maxDepth {
			c.add(place(tk), "", "nested deeper than %d levels", maxDepth)
			return false
		}
	}
	return true
}

// counter counts the keys of the block mappings that are open, which differ by their column.
type counter struct{ columns, keys []int }

// leave closes the mappings to the right of a column.
func (c *counter) leave(column int) {
	for n := len(c.columns); n > 0 && c.columns[n-1] > column; n-- {
		c.columns, c.keys = c.columns[:n-1], c.keys[:n-1]
	}
}

func (c *counter) count(column int) int {
	c.leave(column)
	if n := len(c.columns); n == 0 || c.columns[n-1] < column {
		c.columns, c.keys = append(c.columns, column), append(c.keys, 0)
	}
	c.keys[len(c.keys)-1]++
	return c.keys[len(c.keys)-1]
}
