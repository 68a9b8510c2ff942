// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/regproof/regproof/config"
)

// FuzzParse: no input panics, hangs or gets control characters to a terminal; what is accepted has its defaults, and the
// schema accepts it too.
func FuzzParse(f *testing.F) {
	valid, err := os.ReadFile("testdata/valid.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(valid)
	f.Add([]byte(minimal))
	for _, tt := range faults {
		f.Add([]byte(tt.text))
	}
	s := schema(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		begin := time.Now()
		file, err := config.Parse("regproof.yaml", data)
		if d := time.Since(begin); d > 5*time.Second {
			t.Errorf("took %v for %d bytes", d, len(data))
		}
		if (file == nil) == (err == nil) {
			t.Fatalf("got file %v and error %v", file, err)
		}
		if err != nil {
			faultsAreSound(t, err)
			return
		}
		for _, r := range file.Registries {
			if r.Base == nil || r.Type == "" || r.Rate.Concurrent < 1 || r.Pos == (config.Position{}) {
				t.Errorf("incomplete: %+v", r)
			}
		}
		for _, id := range file.Identities {
			if len(id.For) == 0 || id.Name == config.Anonymous || id.From == nil && id.Cert == nil {
				t.Errorf("incomplete: %+v", id)
			}
		}
		for _, img := range file.Images {
			if img.Registry == "" || img.Repository == "" || img.Reference == "" {
				t.Errorf("incomplete: %+v", img)
			}
		}
		if u := file.Check.Upstream; u != nil && (u.Base == nil || u.Foreign == nil || strings.EqualFold(u.Base.Hostname(), u.Foreign.Hostname())) {
			t.Errorf("a realm that is not foreign: %+v", u)
		}
		if err := validate(t, s, strings.TrimPrefix(string(data), "\ufeff")); err != nil {
			t.Errorf("the schema refuses what Parse accepts: %v\n%s", err, data)
		}
	})
}

func faultsAreSound(t *testing.T, err error) {
	t.Helper()
	var faults config.Faults
	if !errors.As(err, &faults) || len(faults) == 0 || len(faults) > 1001 {
		t.Fatalf("not Faults: %v", err)
	}
	text := err.Error()
	if !utf8.ValidString(text) {
		t.Errorf("broken UTF-8 in %q", text)
	}
	if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) }); i >= 0 {
		t.Errorf("control character in %q", text)
	}
	for i, f := range faults {
		if strings.Contains(f.Message, "the YAML parser cannot read") {
			t.Logf("goccy panics") // survived, and worth a look
		}
		if i > 0 && f.Line > 0 && f.Line < faults[i-1].Line {
			t.Errorf("out of order: %v", f)
		}
	}
}
