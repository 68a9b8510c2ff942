// SPDX-License-Identifier: Apache-2.0

package clients_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/regproof/regproof/clients"
)

// FuzzRead: no file panics or hangs, every door can be asked, and every message is one line.
func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if file.Name != "want" {
				f.Add(file.Data)
			}
		}
	}
	root := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, file := range []string{hosts, conf, daemon, config, "etc/crio/crio.conf"} {
			write(t, root, file, data)
		}
		for _, c := range clients.All() {
			for _, host := range []string{"", private} {
				res, err := clients.Read(c, root, host)
				if err != nil {
					t.Fatal(err)
				}
				sound(t, res)
			}
		}
	})
}

func sound(t *testing.T, res clients.Result) {
	t.Helper()
	for _, d := range res.Doors {
		if d.Host == "" || d.URL.Host == "" || d.URL.User != nil || d.URL.Scheme != "http" && d.URL.Scheme != "https" || d.Role == "" {
			t.Errorf("%+v", d)
		}
	}
	for _, w := range res.Weaknesses {
		if m := w.Message(); w.Host == "" || w.Why == "" || w.Fix == "" || w.Setting == "" || w.Line == 0 || strings.ContainsAny(m, "\n\r\x1b") {
			t.Errorf("%+v %q", w, m)
		}
	}
	for _, p := range res.Problems {
		if s := p.String(); p.Text == "" || strings.ContainsAny(s, "\n\r\x1b") {
			t.Errorf("%q", s)
		}
	}
}
