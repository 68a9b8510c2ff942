// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/regproof/regproof/config"
)

const page = "../docs/configuration.md"

var (
	fenced  = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")
	ticked  = regexp.MustCompile("`([^`]+)`")
	heading = regexp.MustCompile("^## (?:`([a-zA-Z.]+)`)?")
	keyRow  = regexp.MustCompile(`^\| ` + "`([a-zA-Z.]+)`" + ` \| ([^|]+) \| ([^|]+) \| [^|]+ \|$`)
)

func TestPageHasEveryKey(t *testing.T) {
	text, known := readPage(t), map[string]field{}
	fields(t, known)
	if !strings.Contains(text, "`version` must be 1") {
		t.Error("the page does not say what version is")
	}
	delete(known, "version") // it has no table
	documented := rows(text)
	for _, key := range slices.Sorted(maps.Keys(known)) {
		want := known[key]
		got, ok := documented[key]
		if !ok {
			t.Errorf("%s has no row", key)
			continue
		}
		if diff := cmp.Diff(want.words, got.words); want.words != nil && diff != "" {
			t.Errorf("%s: values (-code +page):\n%s", key, diff)
		}
		if want.standard != "" && got.standard != "`"+want.standard+"`" {
			t.Errorf("%s: the default is %s, the page says %s", key, want.standard, got.standard)
		}
		if want.required != (got.standard == "required") {
			t.Errorf("%s: required is %t, the page says %q", key, want.required, got.standard)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(documented)) {
		is := func(k string) bool { return k == key || strings.HasPrefix(k, key+".") }
		if !slices.ContainsFunc(slices.Collect(maps.Keys(known)), is) {
			t.Errorf("%s has a row, and there is no such key", key)
		}
	}
}

func TestPageExamples(t *testing.T) {
	known, used := map[string]field{}, map[string]bool{}
	fields(t, known)
	for i, m := range fenced.FindAllStringSubmatch(readPage(t), -1) {
		t.Run(fmt.Sprintf("example %d", i+1), func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "regproof.yaml")
			if err := os.WriteFile(file, []byte(m[1]), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := config.Load(file); err != nil {
				t.Error(err)
			}
			if err := validate(t, schema(t), m[1]); err != nil {
				t.Error(err)
			}
		})
		var v any
		if err := yaml.Unmarshal([]byte(m[1]), &v); err != nil {
			t.Fatal(err)
		}
		paths(used, "", v)
	}
	for _, key := range slices.Sorted(maps.Keys(known)) {
		if !used[key] {
			t.Errorf("%s stands in no example", key)
		}
	}
}

// What the page calls planned is refused as such; a key that was built since belongs into a table.
func TestPageNamesWhatIsNotBuilt(t *testing.T) {
	_, list, ok := strings.Cut(readPage(t), "planned and not built")
	keys := inTicks(list)
	if !ok || len(keys) == 0 {
		t.Fatal("the page names nothing that is not built")
	}
	for _, key := range keys {
		t.Run(key, func(t *testing.T) {
			text, err := json.Marshal(with(strings.Split(key, ".")))
			if err != nil {
				t.Fatal(err)
			}
			_, err = config.Parse("regproof.yaml", text)
			last := key[strings.LastIndexByte(key, '.')+1:]
			if want := fmt.Sprintf("key %q is not built yet", last); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("Parse(%s) = %v, want %s", text, err, want)
			}
		})
	}
}

func readPage(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// field is what there is to know of a key: its words if it has but a few, its default, and whether it must be there.
type field struct {
	words    []string
	standard string
	required bool
}

// rows are the keys of the tables, each under the section that its heading names.
func rows(text string) map[string]field {
	out, section := map[string]field{}, ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if m := heading.FindStringSubmatch(line); m != nil {
			section = m[1]
		}
		if m := keyRow.FindStringSubmatch(line); m != nil && section != "" {
			out[section+"."+m[1]] = field{words: inTicks(m[2]), standard: m[3]}
		}
	}
	return out
}

func inTicks(s string) []string {
	var out []string
	for _, m := range ticked.FindAllStringSubmatch(s, -1) {
		out = append(out, m[1])
	}
	return out
}

// definition is the part of a JSON Schema that the page is held to.
type definition struct {
	Ref        string                `json:"$ref"`
	Defs       map[string]definition `json:"$defs"`
	Properties map[string]definition `json:"properties"`
	Items      *definition           `json:"items"`
	OneOf      []definition          `json:"oneOf"`
	Required   []string              `json:"required"`
	Enum       []string              `json:"enum"`
	Default    any                   `json:"default"`
}

// fields adds the keys that have a value of their own, not only keys below them, by path.
func fields(t *testing.T, out map[string]field) {
	t.Helper()
	b, err := config.Schema()
	if err != nil {
		t.Fatal(err)
	}
	var root definition
	if err := json.Unmarshal(b, &root); err != nil {
		t.Fatal(err)
	}
	var walk func(path string, d definition, f field)
	walk = func(path string, d definition, f field) {
		if name, ok := strings.CutPrefix(d.Ref, "#/$defs/"); ok {
			d = root.Defs[name]
		}
		f.words = append(f.words, d.Enum...)
		if d.Default != nil {
			f.standard = fmt.Sprint(d.Default)
		}
		for _, form := range d.OneOf {
			walk(path, form, f)
		}
		switch {
		case d.Items != nil:
			walk(path, *d.Items, f)
		case d.Properties == nil && d.OneOf == nil:
			out[path] = f
		}
		for name, p := range d.Properties {
			walk(strings.TrimPrefix(path+"."+name, "."), p, field{required: slices.Contains(d.Required, name)})
		}
	}
	walk("", root, field{})
}

// paths adds the paths of all keys of a decoded file.
func paths(out map[string]bool, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, below := range v {
			key := strings.TrimPrefix(path+"."+name, ".")
			out[key] = true
			paths(out, key, below)
		}
	case []any:
		for _, item := range v {
			paths(out, path, item)
		}
	}
}

// with is a file with one key, in the first element of each list on the way.
func with(path []string) any {
	file := map[string]any{"version": 1}
	at := file
	for i, name := range path[:len(path)-1] {
		below := map[string]any{}
		switch strings.Join(path[:i+1], ".") {
		case "registries", "identities", "policy.rules":
			at[name] = []any{below}
		default:
			at[name] = below
		}
		at = below
	}
	at[path[len(path)-1]] = "x"
	return file
}
