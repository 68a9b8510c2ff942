// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

var (
	gotLine    = regexp.MustCompile(`^  got +(\d{3})\b`)
	statusLine = regexp.MustCompile(`(?m)^HTTP/[0-9.]+ (\d{3})`)
)

// tryCurl runs the command of every FAIL block by sh, as a person would paste
// it, and says where the answer has another status than the block shows.
func tryCurl(t *testing.T, text string) []string {
	t.Helper()
	var problems []string
	n := 0
	for block := range strings.SplitSeq(text, "\n\n") {
		block = block[max(0, strings.Index(block, "FAIL  ")):] // the head of the report may stand before it
		words := strings.Fields(block)
		if !strings.HasPrefix(block, "FAIL  ") || len(words) < 3 || !strings.Contains(words[2], "/") { // the verdict begins alike
			continue
		}
		var command []string
		want, probe := "", words[2]
		for line := range strings.SplitSeq(block, "\n") {
			if m := gotLine.FindStringSubmatch(line); m != nil {
				want = m[1]
			}
			if strings.HasPrefix(line, "  repeat") || len(command) > 0 {
				command = append(command, line[min(len(line), 12):])
			}
		}
		if want == "" || len(command) == 0 {
			problems = append(problems, "the block of "+probe+" has no curl line or no status:\n"+block)
			continue
		}
		n++
		out, err := exec.Command("sh", "-c", strings.Join(command, "\n")).CombinedOutput()
		status := statusLine.FindAllStringSubmatch(string(out), -1)
		if err != nil || len(status) == 0 || status[len(status)-1][1] != want {
			problems = append(problems, "the curl line of "+probe+" should show "+want+":\n"+strings.Join(command, "\n")+"\n"+string(out))
		}
	}
	if n == 0 {
		problems = append(problems, "no curl line was tried")
	}
	return problems
}
