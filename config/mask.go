// SPDX-License-Identifier: Apache-2.0

package config

import (
	"regexp"
	"strings"
)

// Secrets never stand inline, but the mistake is made, and the excerpt of a fault goes to terminals and to the logs of
// CI. So what looks like a secret is not shown: passwords in URLs, queries, values of keys that are named for secrets.
var (
	userinfoShape = regexp.MustCompile(`(//)([^\s"']*)(@)`)
	queryShape    = regexp.MustCompile(`(://[^\s"'?]*\?)([^\s"',}\]]*)()`)
	secretShape   = regexp.MustCompile(`(?i)((?:password|passwd|passphrase|secret|token|api[-_]?key|private[-_]?key)[\w-]*["']?\s*:\s+)("[^"]*"?|'[^']*'?|[^\s,}\]#"'][^,}\]]*)()`)
	envShape      = regexp.MustCompile(`(\benv["']?\s*:\s*\[)([^\]]*)()`)
	envWord       = regexp.MustCompile(`[^\s,"']+`)
	variableShape = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// mask hides what looks like a secret in a line of the file, and keeps its length so that columns stay.
func mask(line string) string {
	line = maskSecond(userinfoShape, line, stars)
	line = maskSecond(queryShape, line, stars)
	line = maskSecond(secretShape, line, starsUnlessHarmless)
	return maskSecond(envShape, line, func(list string) string {
		return envWord.ReplaceAllStringFunc(list, starsUnlessHarmless)
	})
}

// maskSecond replaces the second of three groups.
func maskSecond(shape *regexp.Regexp, line string, replace func(string) string) string {
	return shape.ReplaceAllStringFunc(line, func(match string) string {
		m := shape.FindStringSubmatch(match)
		return m[1] + replace(m[2]) + m[3]
	})
}

func stars(s string) string { return strings.Repeat("*", len([]rune(s))) }

// starsUnlessHarmless leaves names of variables in capitals, which is how they are written, and mappings.
func starsUnlessHarmless(s string) string {
	if s == strings.ToUpper(s) && variableShape.MatchString(s) || strings.HasPrefix(s, "{") {
		return s
	}
	return stars(s)
}

// sensitive tells whether a key is named for a secret, so that its value is not repeated in a message.
func sensitive(key string) bool { return secretShape.MatchString(key + ": x") }
