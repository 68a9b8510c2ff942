// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/regproof/regproof/clients"
	"github.com/regproof/regproof/evidence"
	"github.com/regproof/regproof/finding"
)

// Imported is what was read of the clients' configuration for one registry.
type Imported struct {
	Files      int
	Weaknesses []clients.Weakness
	Problems   []clients.Problem
}

// Clients makes findings of what clients are told about the registry.
func (t *Trial) Clients(ctx context.Context) Result {
	in := t.door.target.Imported
	switch {
	case in == nil:
		return Result{Outcome: finding.NotChecked, Reason: "it needs --import containerd, podman or docker"}
	case in.Files == 0:
		return Result{Outcome: finding.NotApplicable, Reason: "the client has no configuration on this machine"}
	}
	var all []Result
	for _, w := range in.Weaknesses {
		severity := finding.High
		switch w.Kind {
		case clients.PublicFallback:
			severity = finding.Medium
		case clients.ShortName:
			severity = finding.Low
		}
		all = append(all, Result{
			Outcome: finding.Fail, Severity: severity, Observed: "allow", Attempts: 1, Variant: fmt.Sprintf("%s:%d", w.File, w.Line), Subject: &finding.Subject{Kind: "file"},
			Reason: fmt.Sprintf("%s:%d", w.File, w.Line), Message: w.Message() + ": " + w.Why, Fix: w.Fix, Evidence: []string{t.read(w.File, w.Line, w.Setting)},
		})
	}
	if len(all) == 0 && len(in.Problems) > 0 {
		return Result{Outcome: finding.Unknown, Reason: fmt.Sprintf("%s not understood, the first: %s", count(len(in.Problems), "setting"), in.Problems[0])}
	}
	id := t.read("client configuration", 0, fmt.Sprintf("%d files", in.Files))
	return t.several(ctx, all, Result{
		Outcome: finding.Pass, Observed: "deny", Attempts: in.Files, Evidence: []string{id}, Control: []string{id},
		Reason: fmt.Sprintf("%s read, none of which weakens it", count(in.Files, "file")),
	})
}

// read records what stands in a file: evidence that is no exchange.
func (t *Trial) read(file string, line int, setting string) string {
	if line > 0 {
		file = fmt.Sprintf("%s:%d", file, line)
	}
	return t.door.run.opts.Recorder.Record(evidence.Exchange{At: time.Now().UTC(), Identity: anonymous.Name, Method: http.MethodGet, Target: "file:" + file, Error: "in the file: " + setting, Of: "none"})
}
