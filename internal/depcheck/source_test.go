// SPDX-License-Identifier: Apache-2.0

package depcheck_test

import (
	"fmt"
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strings"
)

// checkLicence finds files that do not begin with the SPDX line.
func checkLicence(t tree) (faults []string) {
	for _, f := range t {
		if f.first != "// SPDX-License-Identifier: Apache-2.0" {
			faults = append(faults, f.path+": does not begin with the SPDX line")
		}
	}
	return faults
}

var sentenceEnd = regexp.MustCompile(`[.!?]["')]?(\s|$)`)

// checkDocs finds packages without a doc comment of two sentences: what the
// package is for, and what it refuses to do.
func checkDocs(t tree) (faults []string) {
	for _, dir := range t.dirs() {
		var doc strings.Builder
		for _, f := range t.in(dir).shipped() {
			doc.WriteString(f.syntax.Doc.Text())
		}
		if n := len(sentenceEnd.FindAllString(doc.String(), -1)); n < 2 {
			faults = append(faults, fmt.Sprintf("%s: the doc comment of the package has %d sentences, two are the least", dir, n))
		}
	}
	return faults
}

// checkInit finds func init: lists are explicit.
func checkInit(t tree) (faults []string) {
	for _, f := range t {
		for _, d := range f.syntax.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				faults = append(faults, f.path+": func init")
			}
		}
	}
	return faults
}

// vague are names that say nothing of what a package holds.
var vague = []string{"pkg", "common", "util", "utils", "helper", "helpers", "manager", "models"}

func checkNames(t tree) (faults []string) {
	for _, f := range t {
		name := strings.TrimSuffix(f.syntax.Name.Name, "_test")
		for _, n := range append(strings.Split(f.dir, "/"), name) {
			if slices.Contains(vague, n) {
				faults = append(faults, fmt.Sprintf("%s: %s is no name for a package", f.path, n))
				break
			}
		}
		if last := path.Base(f.dir); name != "main" && name != last {
			faults = append(faults, fmt.Sprintf("%s: package %s in the folder %s", f.path, name, last))
		}
	}
	return faults
}
