// SPDX-License-Identifier: Apache-2.0

package advisory_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/regproof/regproof/advisory"
)

// TestTable: every entry is whole, its ranges can be read and are not empty, and
// no id is used twice.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range advisory.All() {
		for _, id := range append([]string{a.ID}, a.Aliases...) {
			if !strings.HasPrefix(id, "CVE-") && !strings.HasPrefix(id, "GHSA-") {
				t.Errorf("%s: %q is no id", a.ID, id)
			}
			if seen[id] {
				t.Errorf("%s is there twice", id)
			}
			seen[id] = true
		}
		if u, err := url.Parse(a.Source); err != nil || u.Scheme != "https" {
			t.Errorf("%s: source %q", a.ID, a.Source)
		}
		if a.Summary == "" || strings.HasSuffix(a.Summary, ".") || strings.Contains(a.Summary, "\n") {
			t.Errorf("%s: summary %q", a.ID, a.Summary)
		}
		if !slices.Contains([]string{"", "low", "medium", "high", "critical"}, a.Severity) {
			t.Errorf("%s: severity %q", a.ID, a.Severity)
		}
		if len(a.Ranges) == 0 {
			t.Errorf("%s: no range", a.ID)
		}
		last, hasLast := advisory.Version{}, false
		for _, r := range a.Ranges {
			fixed, err := advisory.Parse(a.Product, r.Fixed)
			if err != nil {
				t.Errorf("%s: %v", a.ID, err)
				continue
			}
			if from, err := advisory.Parse(a.Product, r.Introduced); r.Introduced != "" && (err != nil || from.Compare(fixed) >= 0 || (hasLast && from.Compare(last) < 0)) {
				t.Errorf("%s: range %v: %v", a.ID, r, err)
			}
			last, hasLast = fixed, true
		}
		if !advisory.Covers(a.Product) {
			t.Errorf("%s: %s is not covered", a.ID, a.Product)
		}
	}
	if advisory.Covers("nosuch") {
		t.Error("a product that does not exist is covered")
	}
}

func TestAffecting(t *testing.T) {
	for _, tc := range []struct {
		product, version, id string
		affected, sure       bool
		fixed                string
	}{
		{advisory.Nexus, "3.68.0-04 (OSS)", "CVE-2024-4956", true, true, "3.68.1"},
		{advisory.Nexus, "3.68.1-02", "CVE-2024-4956", false, false, ""},
		{advisory.Nexus, "2.14.1-01", "CVE-2024-4956", false, false, ""},
		{advisory.Harbor, "v2.9.4-abcdef12", "CVE-2024-22278", true, true, "2.9.5"},
		{advisory.Harbor, "v2.9.5-abcdef12", "CVE-2024-22278", false, false, ""},
		{advisory.Harbor, "v2.9.5-rc1-abcdef12", "CVE-2024-22278", true, false, "2.9.5"},
		{advisory.Harbor, "v2.10.0-rc1-abcdef12", "CVE-2024-22278", false, false, ""}, // before the range of 2.10
		{advisory.Harbor, "v2.10.2-abcdef12", "CVE-2024-22278", true, true, "2.10.3"},
		{advisory.Harbor, "v2.11.0-abcdef12", "CVE-2024-22278", false, false, ""},
		{advisory.Harbor, "v2.12.3-abcdef12", "CVE-2025-32019", true, true, "2.12.4-rc1"},
		{advisory.Harbor, "v2.12.4-rc1-abcdef12", "CVE-2025-32019", false, false, ""},
		{advisory.Zot, "v2.1.1", "CVE-2025-23208", true, true, "2.1.2"},
		{advisory.Zot, "v2.1.2", "CVE-2025-23208", false, false, ""},
		{advisory.Gitea, "1.26.1", "CVE-2026-27771", true, true, "1.26.2"},
		{advisory.Gitea, "1.26.1+5-gabcdef1", "CVE-2026-27771", true, false, "1.26.2"},
		{advisory.Gitea, "1.26.2", "CVE-2026-27771", false, false, ""},
		{advisory.Artifactory, "7.77.13", "CVE-2024-6915", true, true, "7.77.14"},
		{advisory.Artifactory, "7.77.14", "CVE-2024-6915", false, false, ""},
		{advisory.Artifactory, "7.90.5", "CVE-2024-6915", true, true, "7.90.6"},
		{advisory.Distribution, "2.8.1", "CVE-2023-2253", true, true, "2.8.2-beta.1"},
		{advisory.Distribution, "v3.1.0", "CVE-2026-41888", true, true, "3.1.1"},
		{"nosuch", "1.0.0", "CVE-2023-2253", false, false, ""},
	} {
		v, err := advisory.Parse(tc.product, tc.version)
		if err != nil {
			t.Errorf("%s %s: %v", tc.product, tc.version, err)
			continue
		}
		matches := advisory.Affecting(tc.product, v)
		i := slices.IndexFunc(matches, func(m advisory.Match) bool { return m.ID == tc.id })
		if (i >= 0) != tc.affected {
			t.Errorf("%s %s: %s affects it: %v", tc.product, tc.version, tc.id, i >= 0)
			continue
		}
		if i >= 0 && (matches[i].Sure != tc.sure || matches[i].FixedIn != tc.fixed) {
			t.Errorf("%s %s: sure %v, fixed in %s", tc.product, tc.version, matches[i].Sure, matches[i].FixedIn)
		}
	}
}

func TestPackaged(t *testing.T) {
	for text, want := range map[string]bool{
		"2.8.2+ds1": true, "1.26.1~deb12u1": true, "1.21.11-1ubuntu2": true, "3.67.1-01": false, "2.9.1": false, "1.26.0+rc1": false,
	} {
		if got := advisory.Packaged(advisory.Gitea, text); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	if !advisory.Packaged(advisory.Distribution, "2.8.3") {
		t.Error("distribution is in every Linux distribution")
	}
}
