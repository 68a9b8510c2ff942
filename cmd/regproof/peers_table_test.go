// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"fmt"
	"path/filepath"
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
		"Made by `REGPROOF_TABLES=docs go test -run TestPeers ./cmd/regproof`. Every case\n" +
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
	fmt.Fprintf(&b, "\n%d of %d cases as expected.\n", right, len(cases))
	return b.String()
}

func verdict(exit int, fails []string) string {
	s := fmt.Sprintf("exit %d", exit)
	if len(fails) > 0 {
		s += ": " + strings.Join(fails, ", ")
	}
	return s
}
