// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/regproof/regproof/config"
)

// TestRevocationPrograms: what the file names is run without a shell, with the
// environment of the run, within its time.
func TestRevocationPrograms(t *testing.T) {
	if revocation(nil) != nil || revocation(&config.Revoke{Command: []string{"true"}}).Restore != nil {
		t.Error("something is run that the file does not name")
	}
	out := filepath.Join(t.TempDir(), "a file; with $odd characters")
	t.Setenv("REGPROOF_TEST_OUT", out)
	r := revocation(&config.Revoke{
		Identity: "ci", Within: config.Duration{Duration: time.Minute},
		Command: []string{"sh", "-c", `printf '%s' "$1" > "$REGPROOF_TEST_OUT"`, "sh", "$(id)"},
		Restore: []string{"sh", "-c", "exit 3"},
	})
	if r.Identity != "ci" || r.Within != time.Minute {
		t.Errorf("%+v", r)
	}
	if err := r.Revoke(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(out); string(got) != "$(id)" {
		t.Errorf("%q, %v", got, err)
	}
	if err := r.Restore(t.Context()); err == nil || err.Error() != "exit status 3" {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := program([]string{"sleep", "60"})(ctx); err == nil || !strings.Contains(err.Error(), "did not end in time") {
		t.Errorf("%v", err)
	}
	if err := program([]string{"/no/such/program"})(t.Context()); err == nil {
		t.Error("no error")
	}
}
