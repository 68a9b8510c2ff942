// SPDX-License-Identifier: Apache-2.0

package config

import (
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

var numeric = regexp.MustCompile(`^[-+]?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?$`)

var refused = &node{kind: kindRefused}

// treeBuilder turns goccy's tree into ours and refuses what would make a file say more than it shows.
type treeBuilder struct {
	*collector
	anchors map[string]*node
}

// node converts one value. What is refused becomes a node that says so, with a fault.
func (t *treeBuilder) node(n ast.Node, depth int) *node {
	at := place(n.GetToken())
	if depth > maxDepth {
		t.add(at, "", "nested deeper than %d levels", maxDepth)
		return refused
	}
	switch n := n.(type) {
	case *ast.AnchorNode:
		value := t.node(n.Value, depth+1)
		// Named after its value is complete, so that no value can contain itself.
		t.anchors[n.Name.GetToken().Value] = value
		return value
	case *ast.AliasNode:
		name := n.Value.GetToken().Value
		value, ok := t.anchors[name]
		if !ok {
			t.add(at, "an anchor, &name, stands before its aliases", "alias *%s has no anchor", cut(name))
			return refused
		}
		return value
	case *ast.TagNode:
		t.add(at, "quote the value if it is a string", "YAML tags are not supported: %s", cut(n.Start.Value))
		return refused
	case *ast.MappingNode:
		return t.mapping(n.Values, n.IsFlowStyle, at, depth)
	case *ast.MappingValueNode:
		return t.mapping([]*ast.MappingValueNode{n}, false, at, depth)
	case *ast.SequenceNode:
		out := &node{kind: kindList, at: at}
		for _, v := range n.Values {
			out.items = append(out.items, t.node(v, depth+1))
		}
		return out
	case *ast.LiteralNode:
		return &node{kind: kindText, at: at, text: n.Value.Value, lines: 1 + strings.Count(n.Value.GetToken().Origin, "\n")}
	}
	return t.scalar(n, at)
}

func (t *treeBuilder) scalar(n ast.Node, at Position) *node {
	out := &node{at: at, text: n.GetToken().Value, lines: 1 + strings.Count(strings.Trim(n.GetToken().Origin, " \n"), "\n")}
	switch n := n.(type) {
	case *ast.StringNode:
		out.kind, out.text = kindText, n.Value
		// goccy makes a string of a number too large for it, which every other reader takes for a number.
		if n.Token.Type == token.StringType && numeric.MatchString(n.Value) {
			out.kind = kindNumber
		}
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		out.kind = kindNumber
	case *ast.BoolNode:
		out.kind = kindBoolean
	case *ast.NullNode:
		out.kind = kindNull
	default:
		t.add(at, "", "this YAML is not supported here")
		return refused
	}
	return out
}

func (t *treeBuilder) mapping(values []*ast.MappingValueNode, flow bool, at Position, depth int) *node {
	out := &node{kind: kindMapping, at: at}
	first := map[string]Position{}
	for i, v := range values {
		key, keyAt, ok := t.key(v.Key)
		if i == 0 && !flow {
			// goccy places a block mapping at its first colon.
			out.at = keyAt
		}
		value := t.node(v.Value, depth+1)
		if !ok {
			continue
		}
		if before, twice := first[key]; twice {
			t.add(keyAt, "", "duplicate key %s, first on line %d", quote(key), before.Line)
			continue
		}
		first[key] = keyAt
		if value.kind == kindNull {
			// Nothing has no place of its own, except the key's. A copy, for an alias shares it.
			value = &node{kind: kindNull, at: keyAt}
		}
		out.pairs = append(out.pairs, pair{key: key, at: keyAt, value: value})
	}
	return out
}

func (t *treeBuilder) key(k ast.MapKeyNode) (string, Position, bool) {
	at := place(k.GetToken())
	switch k := k.(type) {
	case *ast.StringNode:
		return k.Value, at, true
	case *ast.MergeKeyNode:
		t.add(at, "write the keys out", "merge keys (<<) are not supported")
	default:
		t.add(at, "", "a key must be a word, not %s", quote(k.GetToken().Value))
	}
	return "", at, false
}
