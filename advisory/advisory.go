// SPDX-License-Identifier: Apache-2.0

// Package advisory holds the published weaknesses of registry products that
// this tool knows, and says which of them a version has. It refuses to be sure
// where a version string is not: of software that others package and patch, of
// a build between two releases, and of a range that it could not compare with
// its source.
package advisory

import (
	"slices"
	"strings"
)

// The products that the table knows, spelt as package product spells them.
const (
	Distribution = "distribution"
	Harbor       = "harbor"
	Zot          = "zot"
	Gitea        = "gitea"
	Nexus        = "nexus"
	Artifactory  = "artifactory"
)

// Advisory is one published weakness of one product.
type Advisory struct {
	ID       string   // CVE, or GHSA where there is none
	Aliases  []string // other ids of the same
	Product  string
	Ranges   []Range
	Severity string // as the advisory rates it; "" where that was not compared with its source
	Summary  string // one line
	Source   string // URL of what ID, ranges and fixed versions were compared with
}

// Range is the versions from Introduced on, "" being the first, up to Fixed and
// without it; "" means that no fixed version is known.
type Range struct{ Introduced, Fixed string }

// Match is an advisory whose range a version lies in.
type Match struct {
	Advisory
	FixedIn string // the version of the range that it is fixed in, "" when none is known
	// Sure is false where the version alone does not decide: a pre-release of
	// the very version that holds the fix, or a build after a release.
	Sure bool
}

// Covers says whether the table holds anything about a product.
func Covers(product string) bool {
	return slices.ContainsFunc(table, func(a Advisory) bool { return a.Product == product })
}

// All lists the table.
func All() []Advisory { return slices.Clone(table) }

// Affecting lists what the table knows of a version of a product, in the order
// of the table.
func Affecting(product string, v Version) []Match {
	var out []Match
	for _, a := range table {
		if a.Product != product {
			continue
		}
		if m, ok := a.match(v); ok {
			out = append(out, m)
		}
	}
	return out
}

func (a Advisory) match(v Version) (Match, bool) {
	for _, r := range a.Ranges {
		if from, err := Parse(a.Product, r.Introduced); r.Introduced != "" && (err != nil || v.Compare(from) < 0) {
			continue
		}
		if r.Fixed == "" {
			return Match{Advisory: a, Sure: !v.After}, true
		}
		fixed, err := Parse(a.Product, r.Fixed)
		if err != nil || v.Compare(fixed) >= 0 {
			continue
		}
		return Match{Advisory: a, FixedIn: r.Fixed, Sure: !v.After && v.release().Compare(fixed.release()) != 0}, true
	}
	return Match{}, false
}

// marks are parts of a version string that only those write who package what
// others made, and who patch it without a new version.
var marks = []string{"+ds", "+dfsg", "~deb", "+deb", "ubuntu", ".el7", ".el8", ".el9", ".el10", ".fc4", ".amzn", "+git", "~bpo", "-alpine", "suse", ".cm", ".azl"}

// Packaged says whether a version string proves nothing, because others than
// its makers may have patched the software without changing the version.
// Distribution is in every Linux distribution, so it is always so.
func Packaged(product, version string) bool {
	v := strings.ToLower(version)
	return product == Distribution || slices.ContainsFunc(marks, func(m string) bool { return strings.Contains(v, m) })
}
