// SPDX-License-Identifier: Apache-2.0

package depcheck_test

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

// checks are the house rules, by name.
var checks = map[string]func(tree) []string{
	"floors":  func(t tree) []string { return checkFloors(t, floors) },
	"only":    func(t tree) []string { return checkOnly(t, only) },
	"licence": checkLicence,
	"docs":    checkDocs,
	"init":    checkInit,
	"names":   checkNames,
	"probes":  checkProbes,
}

// TestHouse holds the module to its rules.
func TestHouse(t *testing.T) {
	all, err := parse(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"wire", "lab", "probes/anonymous", "control", "cmd/regproof"} {
		if len(all.in(dir)) == 0 {
			t.Errorf("nothing was read of %s", dir)
		}
	}
	if n := len(listedControls(all)); n < 10 {
		t.Errorf("%d controls were read", n)
	}
	if listed, _ := listedProbes(all.in("probes/anonymous")); len(listed) < 10 {
		t.Errorf("%d probes of anonymous are listed", len(listed))
	}
	for name, check := range checks {
		t.Run(name, func(t *testing.T) {
			for _, fault := range check(all) {
				t.Error(fault)
			}
		})
	}
}

const spdx = "// SPDX-License-Identifier: Apache-2.0\n\n"

// good is a small module that breaks no rule.
var good = map[string]string{
	"oci/oci.go":         spdx + "// Package oci is one. It refuses two.\npackage oci\n",
	"wire/wire.go":       spdx + "// Package wire is one. It refuses two.\npackage wire\n\nimport (\n\t\"fmt\"\n\t\"" + module + "/oci\"\n)\n",
	"wire/wire_test.go":  spdx + "package wire_test\n\nimport _ \"" + module + "/probe\"\n",
	"lab/lab.go":         spdx + "// Package lab is one. It refuses two.\npackage lab\n\nimport _ \"github.com/distribution/distribution/v3/registry\"\n",
	"control/control.go": spdx + "// Package control is one. It refuses two.\npackage control\n\nfunc All() []Control {\n\treturn []Control{\n\t\t{\"layer\", \"A layer\", nil},\n\t\t{ID: \"tags\"},\n\t}\n}\n",
	"probe/probe.go":     spdx + "// Package probe is one. It refuses two.\npackage probe\n\nimport _ \"" + module + "/wire\"\n",
	"probes/a/all.go":    spdx + "// Package a is one. It refuses two.\npackage a\n\nimport \"" + module + "/probe\"\n\nfunc All() []probe.Probe { return []probe.Probe{Layer, Tags} }\n",
	"probes/a/layer.go":  spdx + "package a\n\nimport \"" + module + "/probe\"\n\nvar Layer = probe.Probe{ID: \"a/layer\", Control: \"layer\"}\n",
	"probes/a/tags.go":   spdx + "package a\n\nimport \"" + module + "/probe\"\n\nvar Tags = probe.Probe{ID: \"a/tags\", Control: \"tags\"}\n\nvar other = probe.Probe{}\n",
	"tools/go.mod":       "module tools\n",
	"tools/tools.go":     "package util\n",
	"lab/testdata/x.go":  "package util\n",
	".ci/x.go":           "package util\n",
}

// with is good with one file more or changed, and parsed.
func with(t *testing.T, name, content string) tree {
	t.Helper()
	m := fstest.MapFS{}
	for k, v := range good {
		m[k] = &fstest.MapFile{Data: []byte(v)}
	}
	if name != "" {
		m[name] = &fstest.MapFile{Data: []byte(content)}
	}
	all, err := parse(m)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestRulesCanFail breaks each rule once: that check finds it, and no other.
func TestRulesCanFail(t *testing.T) {
	pkg := func(name, rest string) string {
		return spdx + "// Package " + name + " is one. It refuses two.\npackage " + name + "\n" + rest
	}
	imp := func(p string) string { return "\nimport _ \"" + p + "\"\n" }
	probeVar := func(s string) string { return spdx + "package a\n" + imp(module+"/probe") + s }
	for _, tc := range []struct {
		name, file, content string
		check, want         string // "" is no fault
	}{
		{"all is well", "", "", "", ""},
		{"an upward import", "oci/up.go", pkg("oci", imp(module+"/wire")), "floors", "oci/up.go: oci is on floor 1 and imports wire on floor 2"},
		{"an upward import in a test", "oci/up_test.go", spdx + "package oci_test\n" + imp(module+"/wire"), "", ""},
		{"a sideways import", "gate/gate.go", pkg("gate", imp(module+"/probe")), "floors", "gate is on floor 4 and imports probe on floor 4"},
		{"one family imports another", "probes/b/all.go", pkg("b", imp(module+"/probes/a")+"\nfunc All() []probe.Probe { return []probe.Probe{} }\n"), "floors", "probes/b is on floor 5 and imports probes/a on floor 5"},
		{"a test imports lab, which is low", "wire/lab.go", pkg("wire", imp(module+"/lab")), "", ""},
		{"lab imports ours", "lab/own.go", pkg("lab", imp(module+"/oci")), "floors", "lab is on floor 0 and imports oci on floor 1"},
		{"report imports probe", "report/report.go", pkg("report", imp(module+"/probe")), "", ""},
		{"bench imports anything", "bench/main.go", pkg("main", imp(module+"/probes/a")), "", ""},
		{"an import of bench", "cmd/regproof/main.go", pkg("main", imp(module+"/bench")), "floors", "imports bench on floor 99"},
		{"an unknown import", "cmd/regproof/main.go", pkg("main", imp(module+"/nothing")), "floors", "imports nothing"},
		{"a package without a floor", "extra/extra.go", pkg("extra", ""), "floors", "extra: the package has no floor"},
		{"a package of internal without a floor", "internal/extra/extra.go", pkg("extra", ""), "floors", "internal/extra: the package has no floor"},
		{"distribution elsewhere", "wire/d.go", pkg("wire", imp("github.com/distribution/distribution/v3/registry/handlers")), "only", "wire/d.go: only lab and gate may import github.com/distribution/distribution"},
		{"distribution in the gate", "gate/gate.go", pkg("gate", imp("github.com/distribution/distribution/v3/registry")), "", ""},
		{"another distribution", "wire/d.go", pkg("wire", imp("github.com/distribution/reference")), "", ""},
		{"cedar in policy", "policy/policy.go", pkg("policy", imp("github.com/cedar-policy/cedar-go")), "only", "only policy/cedar may import"},
		{"cedar in its place", "policy/cedar/cedar.go", pkg("cedar", imp("github.com/cedar-policy/cedar-go/types")), "", ""},
		{"no licence", "oci/x.go", "package oci\n", "licence", "oci/x.go: does not begin with the SPDX line"},
		{"the licence on the second line", "oci/x_test.go", "//go:build linux\n" + spdx + "package oci\n", "licence", "oci/x_test.go"},
		{"no doc", "oci/oci.go", spdx + "package oci\n", "docs", "oci: the doc comment of the package has 0 sentences"},
		{"a doc of one sentence", "oci/oci.go", spdx + "// Package oci is v1.1 of it.\npackage oci\n", "docs", "oci: the doc comment of the package has 1 sentences"},
		{"a doc that is apart", "oci/oci.go", spdx + "// Package oci is one. It refuses two.\n\npackage oci\n", "docs", "0 sentences"},
		{"a doc in a test alone", "oci/oci.go", spdx + "package oci\n", "docs", "0 sentences"},
		{"func init", "oci/x.go", pkg("oci", "\nfunc init() {}\n"), "init", "oci/x.go: func init"},
		{"func init in a test", "oci/x_test.go", pkg("oci", "\nfunc init() {}\n"), "init", "oci/x_test.go: func init"},
		{"a method init", "oci/x.go", pkg("oci", "\ntype T struct{}\n\nfunc (T) init() {}\n"), "", ""},
		{"a vague name", "policy/util/util.go", pkg("util", ""), "names", "util is no name"},
		{"a vague folder above", "policy/helper/x.go", pkg("x", ""), "names", "helper is no name"},
		{"a name that is not the folder's", "oci/x.go", pkg("other", ""), "names", "package other in the folder oci"},
		{"a probe that is not listed", "probes/a/new.go", probeVar("\nvar New = probe.Probe{ID: \"a/new\", Control: \"tags\"}\n"), "probes", "probes/a/new.go: New is not in All"},
		{"a probe by pointer", "probes/a/new.go", probeVar("\nvar New = &probe.Probe{ID: \"a/new\", Control: \"tags\"}\n"), "probes", "New is not in All"},
		{"a probe by type", "probes/a/tags.go", probeVar("\nvar Tags probe.Probe = make()\n"), "probes", "Tags tests the control \"\""},
		{"an unknown control", "probes/a/tags.go", probeVar("\nvar Tags = probe.Probe{ID: \"a/tags\", Control: \"tag\"}\n"), "probes", "Tags tests the control \"tag\", which is not in control.All"},
		{"an id twice", "probes/a/tags.go", probeVar("\nvar Tags = probe.Probe{ID: \"a/layer\", Control: \"tags\"}\n"), "probes", "Tags has the id \"a/layer\" of probes/a/layer.go Layer"},
		{"an id of another family", "probes/a/tags.go", probeVar("\nvar Tags = probe.Probe{ID: \"b/tags\", Control: \"tags\"}\n"), "probes", "has the id \"b/tags\", expected a/name"},
		{"an id without a name", "probes/a/tags.go", probeVar("\nvar Tags = probe.Probe{ID: \"a\", Control: \"tags\"}\n"), "probes", "expected a/name"},
		{"an id that is no literal", "probes/a/tags.go", probeVar("\nvar Tags = probe.Probe{ID: name, Control: \"tags\"}\n"), "probes", "has the id \"\""},
		{"two probes in one file", "probes/a/tags.go", probeVar("\nvar (\n\tTags = probe.Probe{ID: \"a/tags\", Control: \"tags\"}\n\tMore = probe.Probe{ID: \"a/more\", Control: \"tags\"}\n)\n"), "probes", "holds 2 probes"},
		{"a family without a list", "probes/b/b.go", pkg("b", ""), "probes", "probes/b: no func All"},
		{"another family", "probes/b/all.go", pkg("b", imp(module+"/probe")+"\nfunc All() []probe.Probe { return []probe.Probe{One} }\n\nvar One = probe.Probe{ID: \"b/one\", Control: \"layer\"}\n"), "", ""},
		{"a catalogue in parts", "control/control.go", pkg("control", "\nfunc All() []Control { return slices.Concat(one(), two()) }\n\nfunc one() []Control { return []Control{{\"layer\", \"A layer\", nil}} }\n\nfunc two() []Control { return []Control{{ID: \"tags\"}} }\n"), "", ""},
		{"a part of the catalogue that is left out", "control/control.go", pkg("control", "\nfunc All() []Control { return slices.Concat(one()) }\n\nfunc one() []Control { return []Control{{\"layer\", \"A layer\", nil}} }\n\nfunc two() []Control { return []Control{{ID: \"tags\"}} }\n"), "probes", "Tags tests the control \"tags\", which is not"},
		{"a catalogue that was emptied", "control/control.go", pkg("control", "\nfunc All() []Control { return nil }\n"), "probes", "Layer tests the control \"layer\", which is not"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			all := with(t, tc.file, tc.content)
			for name, check := range checks {
				faults := check(all)
				if name != tc.check && len(faults) > 0 {
					t.Errorf("%s: %q", name, faults)
				}
				if name == tc.check && (len(faults) == 0 || !strings.Contains(strings.Join(faults, "\n"), tc.want)) {
					t.Errorf("%s: got %q, want %q", name, faults, tc.want)
				}
			}
		})
	}
}

// TestParse: a file that does not parse is an error, not an empty package.
func TestParse(t *testing.T) {
	if _, err := parse(fstest.MapFS{"a/a.go": {Data: []byte("package")}}); err == nil {
		t.Error("no error")
	}
	if _, err := parse(os.DirFS("none")); err == nil {
		t.Error("no error for a folder that is not there")
	}
}
