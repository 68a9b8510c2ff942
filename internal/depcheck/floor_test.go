// SPDX-License-Identifier: Apache-2.0

package depcheck_test

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// free is the floor of what may import everything and is imported by nobody.
const free = 99

// floors is section 2 of the design: a package imports only lower floors. The
// last element may be a star. What is planned stands here before it is written.
var floors = map[string]int{
	"lab":        0,
	"oci":        1,
	"evidence":   1,
	"control":    1,
	"config":     1,
	"credential": 1,
	"finding":    1,
	"advisory":   1,
	"product":    1,
	"clients":    1,
	"wire":       2,
	"access":     2,
	"login":      3,
	"policy":     3,
	"policy/*":   3,
	"audit":      3,
	"claim":      3,
	"discover":   3,
	"image":      3,
	"upstream":   3, // a server for caches to come to
	"sandbox":    3,
	"store":      3,
	"probe":      4,
	"gate":       4,
	"rule":       4,
	"scan":       4,
	"probes/*":   5,
	"report":     5,
	"watch":      6,
	"web":        6,
	"cmd/*":      7,
	"bench":      free,

	"internal/depcheck": 0,
	"internal/peer":     0, // other people's software, for tests
	"internal/labtest":  5, // probes against the lab, for tests
}

// only says which packages alone may import something, with all below it.
var only = map[string][]string{
	"github.com/distribution/distribution": {"lab", "gate"},
	"github.com/cedar-policy/cedar-go":     {"policy/cedar"},
}

func floorOf(table map[string]int, dir string) (int, bool) {
	if f, ok := table[dir]; ok {
		return f, true
	}
	f, ok := table[path.Dir(dir)+"/*"]
	return f, ok
}

// checkFloors finds packages without a floor, and imports that do not go down.
// Tests may import what they like.
func checkFloors(t tree, table map[string]int) (faults []string) {
	for _, dir := range t.dirs() {
		here, ok := floorOf(table, dir)
		if !ok {
			faults = append(faults, fmt.Sprintf("%s: the package has no floor", dir))
			continue
		}
		for _, f := range t.in(dir).shipped() {
			for _, i := range f.imports {
				dep, ours := strings.CutPrefix(i, module+"/")
				if !ours {
					continue
				}
				there, ok := floorOf(table, dep)
				if !ok || there >= here {
					faults = append(faults, fmt.Sprintf("%s: %s is on floor %d and imports %s on floor %d", f.path, dir, here, dep, there))
				}
			}
		}
	}
	return faults
}

// checkOnly finds imports that are for a few packages alone.
func checkOnly(t tree, only map[string][]string) (faults []string) {
	for _, f := range t.shipped() {
		for _, i := range f.imports {
			for what, who := range only {
				if (i == what || strings.HasPrefix(i, what+"/")) && !slices.Contains(who, f.dir) {
					faults = append(faults, fmt.Sprintf("%s: only %s may import %s", f.path, strings.Join(who, " and "), what))
				}
			}
		}
	}
	return faults
}
