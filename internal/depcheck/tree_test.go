// SPDX-License-Identifier: Apache-2.0

package depcheck_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

const module = "github.com/regproof/regproof"

// file is one source file of the module.
type file struct {
	path    string // from the root of the module
	dir     string // its folder, "." for the root
	test    bool
	first   string // its first line
	syntax  *ast.File
	imports []string
}

// tree is every source file of a module, in order of their paths.
type tree []file

// parse reads a module. Other modules within it, testdata, and folders that
// begin with a dot or an underscore are left out, as the go command does.
func parse(root fs.FS) (tree, error) {
	var t tree
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if p == "." {
				return nil
			}
			_, other := fs.Stat(root, p+"/go.mod")
			if other == nil || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		f, err := parseFile(root, p)
		t = append(t, f)
		return err
	})
	return t, err
}

func parseFile(root fs.FS, p string) (file, error) {
	src, err := fs.ReadFile(root, p)
	if err != nil {
		return file{}, err
	}
	f := file{path: p, dir: path.Dir(p), test: strings.HasSuffix(p, "_test.go")}
	f.first, _, _ = strings.Cut(string(src), "\n")
	f.syntax, err = parser.ParseFile(token.NewFileSet(), p, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return file{}, err
	}
	for _, i := range f.syntax.Imports {
		s, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return file{}, err
		}
		f.imports = append(f.imports, s)
	}
	return f, nil
}

// shipped leaves the tests out.
func (t tree) shipped() tree {
	return slices.DeleteFunc(slices.Clone(t), func(f file) bool { return f.test })
}

// dirs lists the folders that hold a package.
func (t tree) dirs() []string {
	var out []string
	for _, f := range t.shipped() {
		out = append(out, f.dir)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// in is what one folder holds.
func (t tree) in(dir string) tree {
	return slices.DeleteFunc(slices.Clone(t), func(f file) bool { return f.dir != dir })
}
