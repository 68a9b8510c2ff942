// SPDX-License-Identifier: Apache-2.0

package config

import (
	"os"
	"path/filepath"
	"strings"
)

// Path is the path of a file as written and as it is to be opened: ~ is the home directory, and a relative path starts
// at the directory of the configuration. Whether such a file exists is not asked here.
type Path struct{ Written, Resolved string }

func (p *Path) decode(d *decoder, n *node, label string) bool {
	s, ok := d.text(n, label)
	if !ok {
		return false
	}
	resolved := s
	rest, home := strings.CutPrefix(s, "~")
	switch {
	case home && (rest == "" || rest[0] == '/'):
		dir, err := os.UserHomeDir()
		if err != nil {
			d.add(n.at, "write the path out", "%s: there is no home directory to put in the place of ~", label)
			return false
		}
		resolved = filepath.Join(dir, rest)
	case home:
		d.add(n.at, "write the path out, or ./~ for a file of that name", "%s: only ~/ is expanded, not the home of another user", label)
		return false
	case !filepath.IsAbs(s):
		resolved = filepath.Join(filepath.Dir(d.source.name), s)
	}
	*p = Path{Written: s, Resolved: resolved}
	return true
}
