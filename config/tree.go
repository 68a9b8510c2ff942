// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"errors"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// kind is what a node is, in the words of a message.
type kind string

const (
	kindNull    kind = "nothing"
	kindBoolean kind = "a boolean"
	kindNumber  kind = "a number"
	kindText    kind = "a string"
	kindList    kind = "a list"
	kindMapping kind = "a mapping"
	kindRefused kind = "refused" // and reported; it counts as written
)

// node is a value of the file: goccy's tree without its syntax, aliases resolved by sharing.
type node struct {
	kind  kind
	at    Position
	text  string // of a scalar
	lines int    // that a scalar takes
	items []*node
	pairs []pair
}

type pair struct {
	key   string
	at    Position
	value *node
}

const startHint = "write at least\nversion: 1\nregistries:\n  - name: corp\n    url: https://registry.corp.example"

// tree parses the text; nil, with at least one fault, when there is nothing to decode.
func (c *collector) tree(data []byte) *node {
	if !c.readable(data) {
		return nil
	}
	plain := strings.ReplaceAll(string(bytes.TrimPrefix(data, []byte("\ufeff"))), "\r\n", "\n")
	tokens := lexer.Tokenize(plain)
	if !c.shallow(tokens) {
		return nil
	}
	file := c.syntax(tokens)
	if file == nil {
		return nil
	}
	var body ast.Node
	for i, doc := range file.Docs {
		if d, ok := doc.Body.(*ast.DirectiveNode); ok {
			c.add(place(d.GetToken()), "", "YAML directives are not supported")
			return nil
		}
		if i > 0 {
			c.add(place(doc.Start), "", "a second YAML document; the configuration is one document")
			return nil
		}
		body = doc.Body
	}
	if body == nil || body.Type() == ast.NullType {
		c.add(Position{1, 1}, startHint, "the file is empty")
		return nil
	}
	t := &treeBuilder{collector: c, anchors: map[string]*node{}}
	if root := t.node(body, 0); root.kind != kindRefused {
		return root
	}
	return nil
}

// syntax runs goccy's parser. A panic of it would be a fault of this file to its author, not a crash.
func (c *collector) syntax(tokens token.Tokens) (file *ast.File) {
	defer func() {
		if recover() != nil {
			c.add(Position{1, 1}, "", "the YAML parser cannot read this file")
			file = nil
		}
	}()
	// Duplicate keys are found later, all of them.
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err == nil {
		return file
	}
	at, message := Position{1, 1}, "unreadable"
	var located interface {
		error
		GetMessage() string
		GetToken() *token.Token
	}
	if errors.As(err, &located) {
		at, message = place(located.GetToken()), located.GetMessage()
	}
	if c.source.tabBefore(at) {
		message = "a tab cannot indent; use spaces"
	}
	c.add(at, "", "not valid YAML: %s", cut(message))
	return nil
}

// tabBefore tells whether the first tab of a line stands at or before a position, among spaces only.
func (s *source) tabBefore(at Position) bool {
	if at.Line < 1 || at.Line > len(s.lines) {
		return false
	}
	rest := strings.TrimLeft(s.lines[at.Line-1], " ")
	return strings.HasPrefix(rest, "\t")
}

func place(tk *token.Token) Position {
	if tk == nil || tk.Position == nil {
		return Position{1, 1}
	}
	return Position{max(1, tk.Position.Line), max(1, tk.Position.Column)}
}
