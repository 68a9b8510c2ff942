// SPDX-License-Identifier: Apache-2.0

// Package report writes what a run found, one format a file. It refuses to
// leave anything out of a file: filters apply to the terminal only, and what
// was not decided is counted wherever something is.
package report

import (
	"time"

	"github.com/regproof/regproof/evidence"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// Run says what was run, where and how (CONTRACTS.md section 5).
type Run struct {
	ID           string    `json:"id"`
	Version      string    `json:"version"`
	Command      string    `json:"command"`
	ConfigSHA256 string    `json:"configSha256"`
	Host         string    `json:"host"`
	Vantage      Vantage   `json:"vantage"`
	Mode         []string  `json:"mode"`
	Started      time.Time `json:"started"`
	Finished     time.Time `json:"finished"`
	Requests     int       `json:"requests"`
}

// Vantage is where the registry was looked at from: endpoint -> local address.
type Vantage struct {
	Sources map[string]string `json:"sources"`
}

// Exit is the exit code and why it is so.
type Exit struct {
	Code   int    `json:"code"`
	Reason string `json:"reason"`
}

// Control is the outcome of one control over all its trials.
type Control struct {
	ID       string          `json:"id"`
	Title    string          `json:"title"`
	Outcome  finding.Outcome `json:"outcome"`
	Findings []string        `json:"findings"`
}

// Report is everything about one run. Findings, rows and exchanges stay in
// their spools and are read one at a time.
type Report struct {
	Run      Run
	Exit     Exit
	Summary  finding.Summary
	Controls []Control
	Doors    []probe.Door
	Notes    []string

	Spool    *Spool
	Recorder *evidence.Recorder
	// AllEvidence carries every exchange instead of the cited ones.
	AllEvidence bool
	// CAFile is named in curl lines; "" when the system's roots do.
	CAFile string
	// Probe tells a person about a probe.
	Probe func(id string) (probe.Probe, bool)
}

// Schema names the format of the JSON report.
const Schema = "regproof/report/v1"

// cited are the exchanges that the report carries: all that fail, unknown and
// error findings point at, and one control of every trial.
func (r *Report) cited() map[string]bool {
	out := map[string]bool{}
	for f := range r.Spool.Findings() {
		if len(f.ControlEvidence) > 0 {
			out[f.ControlEvidence[len(f.ControlEvidence)-1]] = true
		}
		switch f.Outcome {
		case finding.Fail, finding.Unknown, finding.Error:
			for _, id := range append(f.Evidence, f.ControlEvidence...) {
				out[id] = true
			}
			for _, d := range f.Deviations {
				for _, id := range d.Evidence {
					out[id] = true
				}
			}
		}
	}
	return out
}
