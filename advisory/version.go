// SPDX-License-Identifier: Apache-2.0

package advisory

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Version is a version of a product, without what its makers write behind it:
// commits and build numbers.
type Version struct {
	numbers []string // decimal, without leading zeros; at least one
	pre     []string // identifiers of a pre-release (semver 2.0.0 section 9)
	// After: a build made after this release, which may hold any later fix.
	After bool
}

// ErrVersion is returned by Parse for what is no version.
var ErrVersion = errors.New("not a version")

// maxVersion is more than any version string needs, in bytes.
const maxVersion = 128

var (
	core    = regexp.MustCompile(`^[vV]?(\d+(?:\.\d+){0,3})(.*)$`)
	commit  = regexp.MustCompile(`^[0-9a-f]{7,40}$`)
	builds  = regexp.MustCompile(`^\d+$`)
	since   = regexp.MustCompile(`^\d+-g[0-9a-f]+`) // git describe: commits since a tag
	ident   = regexp.MustCompile(`^[0-9A-Za-z-]+$`)
	unready = regexp.MustCompile(`^(?i:dev|rc|alpha|beta|pre|nightly|snapshot|main)`)
)

// Parse reads a version as a product writes it:
//
//	harbor       v2.9.1-5f0e1bd8             the commit is left out
//	nexus        3.68.0-04 (OSS)             build number and edition are left out
//	artifactory  7.77.5 77705900             the revision is left out
//	gitea        1.26.0+rc1, 1.25.0+12-gabc  git describe with a plus
//	others       semver, with or without v
func Parse(product, text string) (Version, error) {
	fail := func() (Version, error) { return Version{}, fmt.Errorf("%q is %w", clip(text), ErrVersion) }
	s, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	if len(text) > maxVersion {
		return fail()
	}
	m := core.FindStringSubmatch(s)
	if m == nil {
		return fail()
	}
	v := Version{}
	for n := range strings.SplitSeq(m[1], ".") {
		n = strings.TrimLeft(n, "0")
		if n == "" {
			n = "0"
		}
		v.numbers = append(v.numbers, n)
	}
	rest := m[2]
	if product == Gitea && strings.HasPrefix(rest, "+") && (unready.MatchString(rest[1:]) || since.MatchString(rest[1:])) {
		rest = "-" + rest[1:] // its Makefile writes + for the first -
	}
	rest, _, _ = strings.Cut(rest, "+")
	if rest == "" {
		return v, nil
	}
	if (rest[0] != '-' && rest[0] != '~') || len(rest) == 1 {
		return fail()
	}
	return v, v.suffix(product, rest[1:], text)
}

// suffix reads what stands behind the dash.
func (v *Version) suffix(product, rest, text string) error {
	if since.MatchString(rest) {
		v.After = true
		return nil
	}
	if i := strings.LastIndexByte(rest, '-'); product == Harbor && commit.MatchString(rest[i+1:]) {
		rest = rest[:max(i, 0)]
	}
	if rest == "" || (product == Nexus && builds.MatchString(rest)) {
		return nil
	}
	for id := range strings.SplitSeq(rest, ".") {
		if !ident.MatchString(id) {
			return fmt.Errorf("%q is %w", clip(text), ErrVersion)
		}
		v.pre = append(v.pre, id)
	}
	return nil
}

// release is the version without its pre-release.
func (v Version) release() Version { return Version{numbers: v.numbers} }

// IsZero says whether nothing was parsed.
func (v Version) IsZero() bool { return len(v.numbers) == 0 }

// String writes the version so that it can be parsed again.
func (v Version) String() string {
	s := strings.Join(v.numbers, ".")
	if len(v.pre) > 0 {
		s += "-" + strings.Join(v.pre, ".")
	}
	return s
}

// Compare orders two versions as semver 2.0.0 section 11 does: -1, 0 or 1.
// Missing numbers count as 0, and numbers may be of any length.
func (v Version) Compare(o Version) int {
	for i := range max(len(v.numbers), len(o.numbers)) {
		if c := number(at(v.numbers, i), at(o.numbers, i)); c != 0 {
			return c
		}
	}
	if len(v.pre) == 0 || len(o.pre) == 0 { // a pre-release comes before its release
		return cmp.Compare(len(o.pre), len(v.pre))
	}
	for i := range min(len(v.pre), len(o.pre)) {
		if c := identifier(v.pre[i], o.pre[i]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(v.pre), len(o.pre))
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return "0"
}

// number compares decimal numbers without leading zeros.
func number(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// identifier compares one part of a pre-release: numbers come before words,
// and rc10 after rc9, which semver alone would order the other way and which no
// product means.
func identifier(a, b string) int {
	na, nb := builds.MatchString(a), builds.MatchString(b)
	switch {
	case na && nb:
		return cmp.Or(number(trim(a), trim(b)), strings.Compare(a, b))
	case na != nb:
		if na {
			return -1
		}
		return 1
	}
	wa, wb := strings.TrimRight(a, "0123456789"), strings.TrimRight(b, "0123456789")
	if c := strings.Compare(wa, wb); c != 0 {
		return c
	}
	return cmp.Or(number(trim(a[len(wa):]), trim(b[len(wb):])), strings.Compare(a, b))
}

func trim(n string) string { return strings.TrimLeft(n, "0") }

func clip(s string) string {
	if len(s) > 64 {
		return s[:64] + "..."
	}
	return s
}
