// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// Debug asks for the pages of Go's debug server.
var Debug = probe.Probe{
	ID:    "exposure/debug",
	Title: "No debug server is reachable",
	Why: "Whoever reaches /debug/pprof/ can download the memory of the registry, with tokens, " +
		"passwords and the keys that sign them in it, and can slow it down by asking for profiles. " +
		"/debug/vars tells its command line.",
	How: []string{
		"GET /debug/vars, /debug/pprof/, /debug/pprof/cmdline and /debug/health, anonymous, on every address; never a profile, a heap or a trace",
		"recognised by content: expvar's memstats and cmdline, the index of pprof, a command line with its zero bytes; /debug/health alone is low",
		"what a command line says stays out of the report: its length and hash are enough to compare it",
	},
	Fix:      "Bind the debug server to loopback (distribution: http.debug.addr: 127.0.0.1:5001) and deny /debug/ at the front.",
	NotWhen:  "This endpoint is the debug server itself and is meant to be reachable from here.",
	Severity: finding.High,
	Control:  "debug",
	Effect:   probe.Read,
	Per:      probe.Registry,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		return t.Judge(ctx, []probe.Attempt{
			page("/debug/vars", false, expvar),
			page("/debug/pprof/", false, pprofIndex),
			page("/debug/pprof/cmdline", true, commandLine),
			page("/debug/health", true, health),
		})
	},
}

func expvar(a probe.Answer) (probe.Verdict, bool) {
	var v struct {
		Cmdline  []string `json:"cmdline"`
		Memstats struct {
			Alloc *json.Number `json:"Alloc"`
			NumGC *json.Number `json:"NumGC"`
		} `json:"memstats"`
	}
	if !object(a, &v) || (v.Memstats.Alloc == nil && v.Memstats.NumGC == nil && len(v.Cmdline) == 0) {
		return probe.Verdict{}, false
	}
	m := "/debug/vars tells strangers the memory statistics of the registry"
	if len(v.Cmdline) > 0 {
		m += " and its command line (" + hashed([]byte(strings.Join(v.Cmdline, "\x00"))) + ")"
	}
	return probe.Verdict{Severity: finding.High, Reason: "expvar's variables", Message: m}, true
}

func pprofIndex(a probe.Answer) (probe.Verdict, bool) {
	if !bytes.Contains(a.Body, []byte("/debug/pprof/")) || !bytes.Contains(a.Body, []byte("full goroutine stack dump")) {
		return probe.Verdict{}, false
	}
	return probe.Verdict{Severity: finding.High, Reason: "the index of pprof", Message: "strangers reach the profiler of the registry, and with it its memory"}, true
}

// maxCommandLine is more than Linux passes to a process as one argument.
const maxCommandLine = 128 << 10

func commandLine(a probe.Answer) (probe.Verdict, bool) {
	b := bytes.TrimRight(a.Body, "\x00")
	plain := strings.HasPrefix(strings.ToLower(a.Header.Get("Content-Type")), "text/plain")
	if !plain || !a.Whole() || len(b) == 0 || len(b) > maxCommandLine || bytes.ContainsAny(b, "\n<>") || (!bytes.Contains(b, []byte{0}) && bytes.ContainsAny(b, " {")) {
		return probe.Verdict{}, false
	}
	return probe.Verdict{Severity: finding.High, Reason: "a command line", Message: "/debug/pprof/cmdline tells strangers the command line of the registry (" + hashed(b) + ")"}, true
}

// health is distribution's page of checks: an object of words, {} when all is
// well.
func health(a probe.Answer) (probe.Verdict, bool) {
	var v map[string]string
	if html(a) || !object(a, &v) {
		return probe.Verdict{}, false
	}
	return probe.Verdict{Severity: finding.Low, Reason: "the page of health checks", Message: "/debug/health tells strangers the state of the registry's checks"}, true
}

// hashed stands for what must not be shown.
func hashed(b []byte) string {
	s := sha256.Sum256(b)
	return fmt.Sprintf("%d bytes, sha256 %s", len(b), hex.EncodeToString(s[:4]))
}
