// SPDX-License-Identifier: Apache-2.0

package depcheck_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
)

// found is one probe.Probe as its source has it.
type found struct {
	name, family, file string
	id, control        string
}

// checkProbes finds probes that are not in their family's list, whose control
// is not in the catalogue, whose id is taken or of another family, and files
// that hold more than one.
func checkProbes(t tree) (faults []string) {
	controls := listedControls(t)
	ids := map[string]string{}
	for _, dir := range t.dirs() {
		if path.Dir(dir) != "probes" {
			continue
		}
		listed, ok := listedProbes(t.in(dir))
		if !ok {
			faults = append(faults, dir+": no func All that returns a list")
		}
		for _, f := range t.in(dir).shipped() {
			probes := probesOf(f)
			if len(probes) > 1 {
				faults = append(faults, fmt.Sprintf("%s: holds %d probes, one probe is one file", f.path, len(probes)))
			}
			for _, p := range probes {
				if !slices.Contains(listed, p.name) {
					faults = append(faults, fmt.Sprintf("%s: %s is not in All", f.path, p.name))
				}
				if !slices.Contains(controls, p.control) {
					faults = append(faults, fmt.Sprintf("%s: %s tests the control %q, which is not in control.All", f.path, p.name, p.control))
				}
				if other, ok := ids[p.id]; ok {
					faults = append(faults, fmt.Sprintf("%s: %s has the id %q of %s", f.path, p.name, p.id, other))
				}
				ids[p.id] = f.path + " " + p.name
				if family, name, _ := strings.Cut(p.id, "/"); family != p.family || name == "" {
					faults = append(faults, fmt.Sprintf("%s: %s has the id %q, expected %s/name", f.path, p.name, p.id, p.family))
				}
			}
		}
	}
	return faults
}

// probesOf lists the exported package-level values of type probe.Probe.
func probesOf(f file) (out []found) {
	for _, d := range f.syntax.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, s := range g.Specs {
			v := s.(*ast.ValueSpec)
			for i, name := range v.Names {
				p := found{name: name.Name, family: path.Base(f.dir), file: f.path}
				is := isProbe(v.Type)
				if i < len(v.Values) {
					value := v.Values[i]
					if u, ok := value.(*ast.UnaryExpr); ok && u.Op == token.AND {
						value = u.X
					}
					if lit, ok := value.(*ast.CompositeLit); ok && isProbe(lit.Type) {
						is = true
						p.id, p.control = text(field(lit, "ID")), text(field(lit, "Control"))
					}
				}
				if is && name.IsExported() {
					out = append(out, p)
				}
			}
		}
	}
	return out
}

func isProbe(e ast.Expr) bool {
	s, ok := e.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && x.Name == "probe" && s.Sel.Name == "Probe"
}

// field is the value of one key of a composite literal, nil if it is not there.
func field(lit *ast.CompositeLit, key string) ast.Expr {
	for _, e := range lit.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if k, ok := kv.Key.(*ast.Ident); ok && k.Name == key {
				return kv.Value
			}
		}
	}
	return nil
}

// text is the value of a string literal, "" of everything else.
func text(e ast.Expr) string {
	if b, ok := e.(*ast.BasicLit); ok && b.Kind == token.STRING {
		s, _ := strconv.Unquote(b.Value)
		return s
	}
	return ""
}

// returned is what a function of a package returns, as it is written.
func returned(t tree, name string) ast.Expr {
	for _, f := range t.shipped() {
		for _, d := range f.syntax.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv != nil || fn.Name.Name != name || fn.Body == nil {
				continue
			}
			for _, s := range fn.Body.List {
				if r, ok := s.(*ast.ReturnStmt); ok && len(r.Results) == 1 {
					return r.Results[0]
				}
			}
		}
	}
	return nil
}

// elements are those of the list that a function returns: its literal, or those
// of the functions that it concatenates.
func elements(t tree, name string) (list []ast.Expr, ok bool) {
	switch e := returned(t, name).(type) {
	case *ast.CompositeLit:
		return e.Elts, true
	case *ast.CallExpr:
		for _, a := range e.Args {
			call, is := a.(*ast.CallExpr)
			if !is {
				return nil, false
			}
			fn, is := call.Fun.(*ast.Ident)
			if !is || fn.Name == name {
				return nil, false
			}
			part, is := elements(t, fn.Name)
			if !is {
				return nil, false
			}
			list = append(list, part...)
		}
		return list, true
	}
	return nil, false
}

// listedProbes are the names in the list of a family.
func listedProbes(family tree) (names []string, ok bool) {
	list, ok := elements(family, "All")
	if !ok {
		return nil, false
	}
	for _, e := range list {
		if id, ok := e.(*ast.Ident); ok {
			names = append(names, id.Name)
		}
	}
	return names, true
}

// listedControls are the ids in the catalogue.
func listedControls(t tree) (ids []string) {
	list, _ := elements(t.in("control"), "All")
	for _, e := range list {
		c, ok := e.(*ast.CompositeLit)
		if !ok || len(c.Elts) == 0 {
			continue
		}
		id := text(c.Elts[0])
		if v := field(c, "ID"); v != nil {
			id = text(v)
		}
		ids = append(ids, id)
	}
	return ids
}
