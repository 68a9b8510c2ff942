// SPDX-License-Identifier: Apache-2.0

package immutability

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
)

// Digest pushes content under a digest that it does not have.
var Digest = probe.Probe{
	ID:    "immutability/digest",
	Title: "Content is stored under its own digest alone",
	Why: "Whoever pulls by digest trusts that name to fix the bytes. A registry that stores under it " +
		"what it was told lets whoever pushes decide what a pinned image is, for every client that does not check.",
	How: []string{
		"in the sandbox: PUT of a manifest under a random digest, and an upload of a blob that is ended with a random digest; both must be refused, with a digest of sha256 and with one of sha512",
		"critical: the bytes are served under the digest that they do not have, by their hash, twice; medium: the push was accepted and they are not served",
	},
	Fix:      "Compute the digest of what was received, and refuse it with 400 DIGEST_INVALID when the name is another (distribution-spec, Pushing).",
	NotWhen:  "Never.",
	Severity: finding.Critical,
	Control:  "content-digest",
	Effect:   probe.SandboxWrite,
	Per:      probe.Primary,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		s, why := t.Sandbox(ctx)
		if s == nil {
			return why
		}
		var all []probe.Result
		for _, algorithm := range []string{"sha256", "sha512"} {
			as := strings.TrimPrefix(algorithm+" digest", "sha256 ")
			d, blob := s.Image(), []byte("A blob that regproof stores under a wrong digest: "+string(s.Image().Digest))
			wrong, wrongBlob := another(algorithm), another(algorithm)
			m := misnamed{what: "a manifest", as: as, is: d.Digest, put: s.Put(ctx, string(wrong), d, probe.Writing{}), get: func(fresh bool) probe.Held { return s.Get(ctx, string(wrong), fresh) }}
			b := misnamed{what: "a blob", as: as, is: oci.SHA256(blob), put: s.Upload(ctx, blob, wrongBlob), get: func(fresh bool) probe.Held { return s.Blob(ctx, wrongBlob, fresh) }}
			all = append(all, m.judge(s), b.judge(s))
		}
		return worst(all...)
	},
}

// another is a digest that nothing has.
func another(algorithm string) oci.Digest {
	b := make([]byte, map[string]int{"sha256": 32, "sha512": 64}[algorithm])
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return oci.Digest(fmt.Sprintf("%s:%x", algorithm, b))
}

// misnamed is content that was pushed under a wrong digest.
type misnamed struct {
	what string
	as   string // how its name is called
	is   oci.Digest
	put  probe.Answer
	get  func(fresh bool) probe.Held
}

func (m misnamed) judge(s *probe.Sandbox) probe.Result {
	if r := s.Undecided(m.put); r.Outcome != "" && m.put.Status < 500 {
		return r
	}
	held := m.get(false)
	answers := []probe.Answer{m.put, held.Answer}
	if held.Digest == m.is {
		again := m.get(true)
		if answers = append(answers, again.Answer); again.Digest == m.is {
			r := s.Result(finding.Fail, "served under a digest that its bytes do not have", answers...)
			r.Message = fmt.Sprintf("%s is stored and served under a %s that its bytes do not have", m.what, m.as)
			r.Subject = &finding.Subject{Kind: m.what[2:], Digest: string(m.is)}
			return r
		}
	}
	if r := s.Undecided(m.put, held.Answer); r.Outcome != "" {
		return r
	}
	if m.put.Status/100 == 2 {
		r := s.Result(finding.Fail, fmt.Sprintf("accepted with %d; under that digest is answered %s", m.put.Status, probe.Says(held.Answer)), answers...)
		r.Severity = finding.Medium
		r.Message = fmt.Sprintf("%s that was pushed under a %s which its bytes do not have was accepted, though it is not served there", m.what, m.as)
		return r
	}
	if held.Status == http.StatusOK {
		return s.Result(finding.Unknown, fmt.Sprintf("%s was refused with %s, and something else is served under that digest", m.what, probe.Says(m.put)), answers...)
	}
	return s.Result(finding.Pass, fmt.Sprintf("%s under a wrong %s was refused with %s", m.what, m.as, probe.Says(m.put)), answers...)
}

// worst is the gravest of several results; the reasons of the same outcome go
// together.
func worst(all ...probe.Result) probe.Result {
	out := all[0]
	for _, r := range all[1:] {
		switch {
		case r.Outcome == out.Outcome && r.Outcome == finding.Fail:
			if r.Severity.Rank() > out.Severity.Rank() && out.Severity != "" || r.Severity == "" && out.Severity != "" {
				r, out = out, r
			}
			out.Deviations = append(out.Deviations, finding.Deviation{Variant: r.Message, Evidence: r.Evidence})
		case r.Outcome == out.Outcome:
			if !strings.Contains(out.Reason, r.Reason) {
				out.Reason += "; " + r.Reason
			}
			out.Evidence = append(out.Evidence, r.Evidence...)
		case finding.Worse(out.Outcome, r.Outcome) == r.Outcome:
			out = r
		}
		out.Attempts = max(out.Attempts, len(out.Evidence))
	}
	return out
}
