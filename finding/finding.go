// SPDX-License-Identifier: Apache-2.0

// Package finding holds what a trial came to: its outcome, how grave it is,
// and the evidence behind it. It refuses to hold an opinion without evidence:
// a verdict that cites nothing is turned into an error by Check.
package finding

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Outcome is the result of one trial, in the words of XCCDF 1.2 (
// results). The zero value counts as Unknown: nothing is good until proven.
type Outcome string

// The outcomes. Unknown: asked, and the answer proves nothing. NotChecked:
// not asked. NotApplicable: the target has no such thing. Error: the engine
// broke, which is never the registry's fault.
const (
	Pass          Outcome = "pass"
	Fail          Outcome = "fail"
	Unknown       Outcome = "unknown"
	NotChecked    Outcome = "notchecked"
	NotApplicable Outcome = "notapplicable"
	Error         Outcome = "error"
)

// Outcomes lists all of them in the order in which they are shown.
func Outcomes() []Outcome {
	return []Outcome{Fail, Error, Unknown, NotChecked, NotApplicable, Pass}
}

// rank orders outcomes over the attempts of one trial: fail > error > unknown
// > notchecked > pass > notapplicable. The empty outcome counts as nothing.
func (o Outcome) rank() int {
	switch o {
	case Fail:
		return 6
	case Error:
		return 5
	case Unknown:
		return 4
	case NotChecked:
		return 3
	case Pass:
		return 2
	case NotApplicable:
		return 1
	}
	return 0
}

// Worse returns the outcome that decides when both were seen in one trial.
func Worse(a, b Outcome) Outcome {
	if b.rank() > a.rank() {
		return b
	}
	return a
}

// Severity says how grave a failure is.
type Severity string

// The severities. None is only a bar ("never fail"), never a finding's.
const (
	None     Severity = "none"
	Low      Severity = "low"
	Medium   Severity = "medium"
	High     Severity = "high"
	Critical Severity = "critical"
)

// Severities lists the severities of findings, gravest first.
func Severities() []Severity { return []Severity{Critical, High, Medium, Low} }

// Rank orders severities; a severity that does not exist ranks 0.
func (s Severity) Rank() int {
	switch s {
	case Critical:
		return 4
	case High:
		return 3
	case Medium:
		return 2
	case Low:
		return 1
	}
	return 0
}

// Subject is the content that a finding is about.
type Subject struct {
	Kind      string `json:"kind"` // manifest, config, layer, tags, catalog, referrers, upload, repository, registry
	Digest    string `json:"digest,omitempty"`
	MediaType string `json:"mediaType,omitempty"`
}

// Deviation is a further way in which the same weakness shows.
type Deviation struct {
	Variant  string   `json:"variant"`
	Evidence []string `json:"evidence"`
}

// Clause is a place in a framework that asks for the control.
type Clause struct {
	Framework string `json:"framework"`
	ID        string `json:"id"`
}

// Finding is the outcome of one trial, as the report carries it (CONTRACTS.md
// section 5). Expected and Observed are allow, deny or unknown for access,
// free text otherwise. Evidence and ControlEvidence are ids of exchanges.
type Finding struct {
	ID              string      `json:"id"`
	Fingerprint     string      `json:"fingerprint"`
	Probe           string      `json:"probe"`
	Control         string      `json:"control"`
	Severity        Severity    `json:"severity"`
	Outcome         Outcome     `json:"outcome"`
	Required        bool        `json:"required"`
	Registry        string      `json:"registry"`
	Endpoint        string      `json:"endpoint"`
	Repository      string      `json:"repository,omitempty"`
	Reference       string      `json:"reference,omitempty"`
	Identity        string      `json:"identity"`
	Subject         *Subject    `json:"subject,omitempty"`
	Address         string      `json:"address,omitempty"`
	Protocol        string      `json:"protocol,omitempty"`
	Variant         string      `json:"variant"`
	Expected        string      `json:"expected"`
	Observed        string      `json:"observed"`
	Reason          string      `json:"reason"`
	Message         string      `json:"message"`
	Fix             string      `json:"fix"`
	Evidence        []string    `json:"evidence"`
	ControlEvidence []string    `json:"controlEvidence"`
	Attempts        int         `json:"attempts"`
	Deviations      []Deviation `json:"deviations"`
	Waiver          *string     `json:"waiver"`
	Frameworks      []Clause    `json:"frameworks"`
}

// Fingerprint names a finding across runs: what was tested, not what came of it.
func (f Finding) fingerprint() string {
	h := sha256.New()
	for _, s := range []string{f.Probe, f.Registry, f.Endpoint, f.Repository, f.Reference, f.Identity} {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Check completes a finding and holds it to the rule that a verdict is backed
// by evidence: a pass or a fail that cites no exchange becomes an error, and a
// pass without a control becomes unknown.
func (f Finding) Check() Finding {
	f.Fingerprint = f.fingerprint()
	if f.Evidence == nil {
		f.Evidence = []string{}
	}
	if f.ControlEvidence == nil {
		f.ControlEvidence = []string{}
	}
	if f.Deviations == nil {
		f.Deviations = []Deviation{}
	}
	if f.Frameworks == nil {
		f.Frameworks = []Clause{}
	}
	switch {
	case (f.Outcome == Pass || f.Outcome == Fail) && len(f.Evidence) == 0:
		f.Reason = strings.TrimSpace("a " + string(f.Outcome) + " without evidence: " + f.Reason)
		f.Outcome = Error
	case f.Outcome == Pass && len(f.ControlEvidence) == 0:
		f.Reason = strings.TrimSpace("no control: " + f.Reason)
		f.Outcome = Unknown
	case f.Outcome == "":
		f.Outcome = Unknown
	}
	return f
}

// Summary counts findings by outcome, and those that were waived.
type Summary struct {
	Pass          int `json:"pass"`
	Fail          int `json:"fail"`
	Unknown       int `json:"unknown"`
	NotChecked    int `json:"notchecked"`
	NotApplicable int `json:"notapplicable"`
	Error         int `json:"error"`
	Waived        int `json:"waived"`
}

// Add counts one finding.
func (s *Summary) Add(f Finding) {
	switch f.Outcome {
	case Pass:
		s.Pass++
	case Fail:
		s.Fail++
	case NotChecked:
		s.NotChecked++
	case NotApplicable:
		s.NotApplicable++
	case Error:
		s.Error++
	default:
		s.Unknown++
	}
	if f.Waiver != nil {
		s.Waived++
	}
}

// Of returns the count of one outcome.
func (s Summary) Of(o Outcome) int {
	switch o {
	case Pass:
		return s.Pass
	case Fail:
		return s.Fail
	case Unknown:
		return s.Unknown
	case NotChecked:
		return s.NotChecked
	case NotApplicable:
		return s.NotApplicable
	case Error:
		return s.Error
	}
	return 0
}
