// SPDX-License-Identifier: Apache-2.0

package config

import (
	"regexp"
	"strings"
)

// component of a repository name (distribution-spec, "Pulling manifests").
const component = `[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*`

// globPart is a component of a repository glob.
const globPart = `(?:\*\*|\*|\*?[a-z0-9._-]+(?:\*[a-z0-9._-]+)*\*?)`

var (
	nameShape       = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*$`)
	groupShape      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	repositoryShape = regexp.MustCompile(`^` + component + `(?:/` + component + `)*$`)
	prefixShape     = regexp.MustCompile(`^(?:` + component + `/)+$`)
	tagShape        = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)
	digestShape     = regexp.MustCompile(`^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$`)
	hexShape        = regexp.MustCompile(`^[0-9a-f]+$`)
	globShape       = regexp.MustCompile(`^` + globPart + `(?:/` + globPart + `)*$`)
	originShape     = regexp.MustCompile(`^[A-Za-z]+://[^/?#@\s]+/?$`) // what a schema can say; origin says more
	referenceShape  = regexp.MustCompile(tagShape.String() + `|` + digestShape.String())
)

const maxRepository = 255 // characters; distribution and most clients refuse longer names

// badRepository says what is wrong with a repository name, or "".
func badRepository(s string) string {
	first, rest, _ := strings.Cut(s, "/")
	switch {
	case len(s) > maxRepository:
		return "is longer than 255 characters"
	case repositoryShape.MatchString(s):
		return ""
	case rest != "" && strings.Contains(first, ":"):
		return "begins with a host; the host belongs to the registry's url"
	case strings.ContainsAny(s, ":@"):
		return "carries a tag or digest; that belongs to reference"
	case s != strings.ToLower(s):
		return "has capital letters, which no repository has"
	}
	return "is not a repository name"
}

// badReference says what is wrong with a tag or digest, or "".
func badReference(s string) string {
	algorithm, encoded, isDigest := strings.Cut(s, ":")
	switch {
	case strings.Contains(s, "@"):
		return "is a tag and a digest; list the image twice"
	case !isDigest && tagShape.MatchString(s):
		return ""
	case !isDigest:
		return "is not a tag or digest"
	case !digestShape.MatchString(s):
		return "is not a digest"
	}
	if size, known := map[string]int{"sha256": 64, "sha512": 128}[algorithm]; known && (len(encoded) != size || !hexShape.MatchString(encoded)) {
		return "is not a " + algorithm + " digest: its hex is the wrong length or alphabet"
	}
	return ""
}

// badGlob says what is wrong with a repository glob, or "".
func badGlob(s string) string {
	for part := range strings.SplitSeq(s, "/") {
		switch {
		case part == "":
			return "has an empty path component"
		case part != "**" && strings.Contains(part, "**"):
			return "has ** beside other characters; it stands for whole path components"
		case part != strings.ToLower(part):
			return "has capital letters, which no repository has"
		case strings.Trim(part, "abcdefghijklmnopqrstuvwxyz0123456789._-*") != "":
			return "has characters that are neither a repository's nor * or **"
		}
	}
	return ""
}
