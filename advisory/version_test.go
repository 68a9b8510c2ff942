// SPDX-License-Identifier: Apache-2.0

package advisory_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/regproof/regproof/advisory"
)

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		product, text, want string
		after               bool
	}{
		{"", "1.2.3", "1.2.3", false},
		{"", "v1.2.3", "1.2.3", false},
		{"", " 1.2 ", "1.2", false},
		{"", "1.2.3-rc.1+build.5", "1.2.3-rc.1", false},
		{"", "1.2.3+build.5", "1.2.3", false},
		{"", "007.0.010", "7.0.10", false},
		{"", "2.8.2~beta1", "2.8.2-beta1", false},
		{"", "1.2.3-4-gabcdef1", "1.2.3", true},
		{advisory.Harbor, "v2.9.1-5f0e1bd8", "2.9.1", false},
		{advisory.Harbor, "v2.10.0-rc1-5f0e1bd8", "2.10.0-rc1", false},
		{advisory.Harbor, "v2.10.0-rc1", "2.10.0-rc1", false},
		{advisory.Nexus, "3.68.0-04 (OSS)", "3.68.0", false},
		{advisory.Nexus, "3.68.0-rc1", "3.68.0-rc1", false},
		{advisory.Artifactory, "7.77.5 77705900", "7.77.5", false},
		{advisory.Gitea, "1.26.0+rc1", "1.26.0-rc1", false},
		{advisory.Gitea, "1.27.0+dev-120-gabcdef1", "1.27.0-dev-120-gabcdef1", false},
		{advisory.Gitea, "1.26.1+5-gabcdef1", "1.26.1", true},
		{advisory.Gitea, "1.26.1+acme", "1.26.1", false},
	} {
		v, err := advisory.Parse(tc.product, tc.text)
		if err != nil || v.String() != tc.want || v.After != tc.after {
			t.Errorf("%s %q: %s, %v, %v; want %s, %v", tc.product, tc.text, v, v.After, err, tc.want, tc.after)
		}
	}
	for _, text := range []string{"", "v", "x1.2", "dev", "1.2.x", "2.x", "1..2", "1.2-", "1.2-a..b", "1.2-ä", "1.2_3", strings.Repeat("1", 200), "1.2.3.4.5"} {
		if v, err := advisory.Parse("", text); !errors.Is(err, advisory.ErrVersion) {
			t.Errorf("%q is %s, %v", text, v, err)
		}
	}
}

// ordered is section 11 of semver 2.0.0, and what it leaves open.
var ordered = []string{
	"0.9", "1.0.0-1", "1.0.0-2", "1.0.0-11", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
	"1.0.0-rc.1", "1.0.0-rc1", "1.0.0-rc2", "1.0.0-rc10", "1.0.0", "1.0.0.1", "1.0.1", "1.2", "1.10.0", "2.0.0", "18446744073709551616.0", "18446744073709551617.0",
}

func TestCompare(t *testing.T) {
	for i, a := range ordered {
		for j, b := range ordered {
			va, vb := must(t, a), must(t, b)
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := va.Compare(vb); got != want {
				t.Errorf("%s against %s: %d, want %d", a, b, got, want)
			}
		}
	}
	if must(t, "1").Compare(must(t, "1.0.0")) != 0 {
		t.Error("1 is not 1.0.0")
	}
}

func must(t *testing.T, text string) advisory.Version {
	t.Helper()
	v, err := advisory.Parse("", text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestOrder: any versions stand in one order, whatever they are made of.
func TestOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	parts := []string{"0", "1", "01", "9", "10", "rc", "rc1", "rc01", "rc9", "rc10", "alpha", "beta-2", "-", "a0", "0a"}
	some := func() advisory.Version {
		text := []string{"1", "1.0", "1.0.0", "2.1", "0.0.1"}[r.IntN(5)]
		for i := range r.IntN(4) {
			text += []string{"-", "."}[min(i, 1)] + parts[r.IntN(len(parts))]
		}
		return must(t, text)
	}
	for range 20_000 {
		a, b, c := some(), some(), some()
		if a.Compare(a) != 0 || a.Compare(b) != -b.Compare(a) {
			t.Fatalf("%s and %s: %d and %d", a, b, a.Compare(b), b.Compare(a))
		}
		list := []advisory.Version{a, b, c}
		slices.SortFunc(list, advisory.Version.Compare)
		if list[0].Compare(list[1]) > 0 || list[1].Compare(list[2]) > 0 || list[0].Compare(list[2]) > 0 {
			t.Fatalf("%s, %s, %s have no order", a, b, c)
		}
		if a.Compare(b) == 0 && a.Compare(c) != b.Compare(c) {
			t.Fatalf("%s is %s, but not against %s", a, b, c)
		}
	}
}

// FuzzParse: whatever a registry calls its version, it is read or refused, what
// was read can be read again, and has a place in the order.
func FuzzParse(f *testing.F) {
	for _, s := range append(ordered, "v2.9.1-5f0e1bd8", "3.68.0-04 (OSS)", "1.26.1+5-gabcdef1", "1.26.0+rc1", "7.0.3+gitea-1.22.0", "1-\x00", "-", "1.-") {
		f.Add(s, "1.2.3-rc1")
	}
	products := []string{"", advisory.Harbor, advisory.Nexus, advisory.Gitea, advisory.Artifactory}
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, p := range products {
			va, err := advisory.Parse(p, a)
			if err != nil {
				continue
			}
			if va.IsZero() {
				t.Errorf("%q is nothing", a)
			}
			again, err := advisory.Parse("", va.String())
			if !va.After && (err != nil || (!again.After && again.Compare(va) != 0)) {
				t.Errorf("%s %q: %s is read as %s, %v", p, a, va, again, err)
			}
			if vb, err := advisory.Parse(p, b); err == nil && va.Compare(vb) != -vb.Compare(va) {
				t.Errorf("%q against %q", a, b)
			}
			_ = advisory.Affecting(p, va)
		}
	})
}
