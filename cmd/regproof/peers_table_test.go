// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/regproof/regproof/internal/peer"
)

// tableFile is where a table goes; a folder is named from the top of the
// repository.
func tableFile(dir, name string) string {
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(peer.Root(), dir)
	}
	return filepath.Join(dir, name)
}

// table shows what regproof said of every case, for docs/peers.md.
func (w *peerWorld) table(cases []peerCase) string {
	var b strings.Builder
	b.WriteString("# regproof against software that nobody here wrote\n\n" +
		"Made by `make accuracy`. Every case\n" +
		"starts real software on loopback and runs the compiled binary. The probes named are\n" +
		"those that fail, of the family `anonymous/` where no other is named; every weak case has a sound twin, which\n" +
		"must be proven private (exit 0) without a single finding that is not named here. Bold is what is not as expected.\n\n" +
		"Peers: Debian packages `docker-registry skopeo nginx-light haproxy curl`, and\n" +
		"`cd tools/registry && go build -o ../../bin/registry github.com/distribution/distribution/v3/cmd/registry`\n" +
		"(`make peers`). What is absent is skipped by name, or fails with REGPROOF_PEERS=required.\n\n")
	b.WriteString("| case | software | expected | got | sound twin |\n|---|---|---|---|---|\n")
	right := 0
	for _, c := range cases {
		got, ran := w.got[c.name]
		said := "skipped"
		if ran {
			said = verdict(got.exit, got.probes("fail", ""))
			if len(got.problems) > 0 {
				said = "**" + said + "**"
			} else {
				right++
			}
		}
		twin := ""
		if c.twin != "" {
			twin = c.twin + ": skipped"
			if o, ok := w.got[c.twin]; ok {
				twin = c.twin + ": " + verdict(o.exit, o.probes("fail", ""))
			}
		}
		fmt.Fprintf(&b, "| %s: %s | %s | %s | %s | %s |\n", c.name, c.setup, c.software, verdict(c.exit, sorted(c.fails)), said, twin)
	}
	fmt.Fprintf(&b, "\n%d of %d cases as expected.\n\n", right, len(cases))
	b.WriteString(w.families(cases))
	return b.String()
}

// tally is what became of a family's weaknesses over all cases that ran.
type tally struct{ weak, missed, sound, accused int }

// families counts by family: each probe that must fail in a case is a weakness,
// found or missed; every other verdict of a probe on a case is a sound one, and
// an accusation if it is a failure that the case does not allow.
func (w *peerWorld) families(cases []peerCase) string {
	by := map[string]*tally{}
	of := func(probe string) *tally {
		family, _, ok := strings.Cut(probe, "/")
		if !ok {
			family = "anonymous"
		}
		if by[family] == nil {
			by[family] = &tally{}
		}
		return by[family]
	}
	for _, c := range cases {
		got, ran := w.got[c.name]
		if !ran {
			continue
		}
		fails := got.probes("fail", "")
		for _, p := range sorted(c.fails) {
			of(p).weak++
			if !slices.Contains(fails, p) {
				of(p).missed++
			}
		}
		for _, p := range sorted(slices.Concat(got.probes("pass", ""), fails)) {
			if slices.Contains(c.fails, p) || slices.Contains(c.may, p) {
				continue
			}
			of(p).sound++
			if slices.Contains(fails, p) {
				of(p).accused++
			}
		}
	}
	var b strings.Builder
	b.WriteString("| family | weak, by probe and case | missed | sound and decided | accused |\n|---|--:|--:|--:|--:|\n")
	var all tally
	for _, family := range slices.Sorted(maps.Keys(by)) {
		t := *by[family]
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d |\n", family, t.weak, t.missed, t.sound, t.accused)
		all = tally{all.weak + t.weak, all.missed + t.missed, all.sound + t.sound, all.accused + t.accused}
	}
	fmt.Fprintf(&b, "| all | %d | %d | %d | %d |\n", all.weak, all.missed, all.sound, all.accused)
	return b.String()
}

func verdict(exit int, fails []string) string {
	s := fmt.Sprintf("exit %d", exit)
	if len(fails) > 0 {
		s += ": " + strings.Join(fails, ", ")
	}
	return s
}
