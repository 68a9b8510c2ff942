// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"slices"
	"sync"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/control"
	"github.com/regproof/regproof/evidence"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/login"
)

// printable escapes what a server may have put into a finding.
func printable(f finding.Finding) finding.Finding {
	for _, s := range []*string{&f.Reason, &f.Message, &f.Variant, &f.Repository, &f.Reference, &f.Fix} {
		*s = evidence.Printable(*s, 2000)
	}
	if f.Subject != nil {
		s := *f.Subject
		s.MediaType = evidence.Printable(s.MediaType, 256)
		f.Subject = &s
	}
	for i := range f.Deviations {
		f.Deviations[i].Variant = evidence.Printable(f.Deviations[i].Variant, 500)
	}
	return f
}

// finding makes the report's record of a result.
func (g *group) finding(p Probe, r Result) finding.Finding {
	d, s := g.door, g.subject
	f := finding.Finding{
		Probe: p.ID, Control: p.Control, Severity: p.Severity, Outcome: r.Outcome, Registry: d.target.Name, Endpoint: d.endpointName(),
		Repository: s.ref.Repository, Reference: s.ref.Reference, Identity: login.Anonymous, Subject: r.Subject,
		Address: r.Address, Protocol: r.Protocol, Variant: r.Variant, Expected: string(access.Deny), Observed: r.Observed,
		Reason: r.Reason, Message: r.Message, Evidence: r.Evidence, ControlEvidence: r.Control, Attempts: r.Attempts, Deviations: r.Deviations,
		Frameworks: clauses(p.Control),
	}
	if r.Endpoint != "" {
		f.Endpoint = r.Endpoint
	}
	if r.Identity != "" {
		f.Identity = r.Identity
	} else if p.Named { // nobody was asked
		f.Identity = ""
	}
	if r.Catalog {
		f.Repository, f.Reference = "", ""
	}
	if r.Repository != "" && r.Repository != f.Repository {
		f.Repository, f.Reference = r.Repository, ""
	}
	if r.Expected != "" {
		f.Expected = r.Expected
	}
	f.Required = g.required(p)
	if r.Severity != "" {
		f.Severity = r.Severity
	}
	if f.Observed == "" {
		f.Observed = "unknown"
	}
	if f.Outcome == finding.Fail {
		f.Fix = p.Fix
		if r.Fix != "" {
			f.Fix = r.Fix
		}
	}
	if f.Message == "" {
		f.Message = p.Title
		if f.Outcome == finding.Fail {
			f.Message = "does not hold: " + p.Title
		}
	}
	return f
}

// clauses are those that ask for a control.
func clauses(id string) []finding.Clause {
	c, _ := control.Get(id)
	out := []finding.Clause{}
	for _, cl := range c.Clauses {
		out = append(out, finding.Clause{Framework: cl.Framework, ID: cl.ID})
	}
	return out
}

func (g *group) required(p Probe) bool {
	o := g.door.run.opts
	return p.Required || (o.Require != nil && o.Require(p)) || (o.RegistryWide && p.Per == Registry && p.Decides != "")
}

// endpointName tells endpoints of one URL apart by their pinned address.
func (d *door) endpointName() string {
	if d.ep.Address.IsValid() {
		return d.name() + " (" + d.ep.Address.String() + ")"
	}
	return d.name()
}

// rows are the cells of the access matrix that the trials decided.
func (g *group) rows(probes []Probe, fs []finding.Finding) []access.Row {
	s := g.subject
	var out []access.Row
	effect := func(d decision) access.Effect {
		if d.allow {
			return access.Allow
		}
		return access.Deny
	}
	row := func(f finding.Finding, a access.Action, intended decision) {
		r := access.Row{
			Registry: f.Registry, Endpoint: f.Endpoint, Identity: f.Identity, Action: a, Intended: effect(intended), Claimed: access.Unknown,
			Observed: access.Effect(f.Observed), Outcome: string(f.Outcome), Evidence: f.Evidence, Rule: intended.rule,
		}
		if s.ref.Repository != "" {
			r.Repository = &s.ref.Repository
		}
		if r.Evidence == nil {
			r.Evidence = []string{}
		}
		out = append(out, r)
	}
	filled := map[access.Action]bool{}
	for i, f := range fs[:min(len(fs), len(probes))] {
		a := probes[i].Decides
		if a == "" || filled[a] || probes[i].Named || f.Outcome == finding.NotApplicable || f.Outcome == finding.NotChecked {
			continue
		}
		filled[a] = true
		switch a {
		case access.Pull:
			row(f, a, s.pull)
		case access.List, access.Catalog:
			row(f, a, s.list)
		}
	}
	// Once for the image, not once more for what is run once for the endpoint.
	if g.own != nil && slices.ContainsFunc(probes, func(p Probe) bool { return p.Per != Once }) {
		r := access.Row{Registry: g.door.target.Name, Endpoint: g.door.endpointName(), Repository: &s.ref.Repository, Identity: s.entitled.Name, Action: access.Pull,
			Intended: access.Allow, Claimed: access.Unknown, Observed: access.Allow, Outcome: string(finding.Pass), Evidence: g.own.Root.Evidence}
		out = append(out, r)
	}
	return append(out, g.namedRows(probes, fs)...)
}

// namedRows are the cells of named identities. Whoever showed that the image is
// there has his row already.
func (g *group) namedRows(probes []Probe, fs []finding.Finding) []access.Row {
	var out []access.Row
	t := &Trial{group: g}
	for _, f := range fs {
		at := slices.IndexFunc(probes, func(p Probe) bool { return p.ID == f.Probe })
		id := t.identity(f.Identity)
		if at < 0 || id == nil || !probes[at].Named || probes[at].Decides == "" || f.Observed == "unknown" {
			continue
		}
		r := access.Row{
			Registry: f.Registry, Endpoint: f.Endpoint, Identity: f.Identity, Action: probes[at].Decides, Intended: access.Unknown, Claimed: access.Unknown,
			Observed: access.Effect(f.Observed), Outcome: string(f.Outcome), Evidence: f.Evidence,
		}
		if f.Repository == "" {
			r.Action = access.Catalog
		} else {
			r.Repository = &f.Repository
		}
		if r.Action == access.Pull && g.own != nil && f.Identity == g.subject.entitled.Name {
			continue
		}
		if allow, stated, rule := t.May(id, f.Repository, r.Action); stated {
			r.Intended, r.Rule = access.Deny, rule
			if allow {
				r.Intended = access.Allow
			}
		}
		if r.Evidence == nil {
			r.Evidence = []string{}
		}
		out = append(out, r)
	}
	return out
}

// identity is a named one of this registry, nil if there is none of that name.
func (t *Trial) identity(name string) *Identity {
	for _, id := range t.Identities() {
		if id.Name == name {
			return id
		}
	}
	return nil
}

// sequence hands groups on in order, whatever order they end in.
type sequence struct {
	mu   sync.Mutex
	next int
	late map[int]func()
	emit func([]finding.Finding, []access.Row)
}

func newSequence(emit func([]finding.Finding, []access.Row)) *sequence {
	return &sequence{late: map[int]func(){}, emit: emit}
}

func (s *sequence) put(at int, fs []finding.Finding, rows []access.Row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.late[at] = func() { s.emit(fs, rows) }
	for {
		do, ok := s.late[s.next]
		if !ok {
			return
		}
		delete(s.late, s.next)
		s.next++
		do()
	}
}
