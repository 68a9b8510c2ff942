// SPDX-License-Identifier: Apache-2.0

package clients_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/regproof/regproof/clients"
)

var update = flag.Bool("update", false, "write what is read into testdata")

// TestRead reads each tree of testdata/CLIENT/*.txtar as the root of a machine.
// The comment may name a host; the file "want" is what is to be read. A tree
// NAME-weak has a weakness and its twin NAME-sound has neither one nor a problem.
func TestRead(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(files) < 30 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(strings.TrimPrefix(file, "testdata/"), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			root, want := unpack(t, archive)
			host := ""
			for _, line := range strings.Split(string(archive.Comment), "\n") {
				if h, ok := strings.CutPrefix(line, "host: "); ok {
					host = h
				}
			}
			res, err := clients.Read(clients.Client(filepath.Base(filepath.Dir(file))), root, host)
			if err != nil {
				t.Fatal(err)
			}
			got := show(res, root)
			if *update {
				save(t, file, archive, got)
			} else if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if strings.Contains(got, "hush") {
				t.Errorf("a secret was copied:\n%s", got)
			}
			twins(t, strings.TrimSuffix(file, ".txtar"), res)
		})
	}
}

// twins holds a weakness and its sound twin to their names.
func twins(t *testing.T, name string, res clients.Result) {
	t.Helper()
	if base, ok := strings.CutSuffix(name, "-weak"); ok {
		if len(res.Weaknesses) == 0 {
			t.Error("no weakness was found")
		}
		if _, err := os.Stat(base + "-sound.txtar"); err != nil {
			t.Errorf("no sound twin: %v", err)
		}
	}
	if strings.HasSuffix(name, "-sound") && len(res.Weaknesses)+len(res.Problems) > 0 {
		t.Errorf("the sound twin: %+v %v", res.Weaknesses, res.Problems)
	}
}

// unpack writes a tree; a file whose content is "-> TARGET" becomes a symbolic link.
func unpack(t *testing.T, archive *txtar.Archive) (root, want string) {
	t.Helper()
	root = t.TempDir()
	for _, f := range archive.Files {
		if f.Name == "want" {
			want = string(f.Data)
			continue
		}
		p := filepath.Join(root, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, ok := strings.CutPrefix(string(f.Data), "-> "); ok {
			err = os.Symlink(strings.TrimSpace(target), p)
		} else {
			err = os.WriteFile(p, f.Data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root, want
}

func save(t *testing.T, file string, archive *txtar.Archive, got string) {
	t.Helper()
	var files []txtar.File
	for _, f := range archive.Files {
		if f.Name != "want" {
			files = append(files, f)
		}
	}
	archive.Files = append(files, txtar.File{Name: "want", Data: []byte(got)})
	if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

func show(res clients.Result, root string) string {
	var b strings.Builder
	for _, d := range res.Doors {
		fmt.Fprintf(&b, "door %s", d.Host)
		if d.Scope != "" {
			fmt.Fprintf(&b, "/%s", d.Scope)
		}
		fmt.Fprintf(&b, " %s %s", d.Role, d.URL)
		for _, p := range []struct{ name, value string }{
			{"prefix", d.Prefix},
			{"ns", d.Namespace},
			{"for", strings.Join(d.Capabilities, ",")},
			{"ca", strings.Join(d.CAFiles, ",")},
			{"cert", d.CertFile},
			{"key", d.KeyFile},
		} {
			if p.value != "" {
				fmt.Fprintf(&b, " %s=%s", p.name, p.value)
			}
		}
		if d.File != "" {
			fmt.Fprintf(&b, " %s:%d", d.File, d.Line)
		}
		fmt.Fprintln(&b)
	}
	for _, w := range res.Weaknesses {
		fmt.Fprintf(&b, "weak %s %s %s:%d %s\n", w.Kind, w.Host, w.File, w.Line, w.Message())
	}
	for _, p := range res.Problems {
		fmt.Fprintf(&b, "problem %s\n", p)
	}
	return strings.ReplaceAll(b.String(), root, "")
}
