// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
)

// finishing are the tries of everybody to finish uploads of others.
type finishing struct {
	t       *probe.Trial
	box     *probe.Sandbox // as who begins them in the sandbox
	control []string       // exchanges in which who began one finished it
	problem string         // why a denial proves nothing
	takers  []*taker
}

// taker is one who tries; his replies are denials that are to count.
type taker struct {
	id      *probe.Identity // nil is a stranger
	box     *probe.Sandbox
	result  *probe.Result
	replies []probe.Reply
	control []string
}

func (tk *taker) who() string {
	if tk.id == nil {
		return "a stranger"
	}
	return tk.id.Name
}

func (tk *taker) decide(r probe.Result) {
	if tk.result == nil {
		tk.result = &r
	}
}

// taker adds somebody.
func (x *finishing) taker(id *probe.Identity) *taker {
	tk := &taker{id: id, box: x.box.Stranger()}
	if id != nil {
		var why probe.Result
		if tk.box, why = x.t.SandboxAs(id); tk.box == nil {
			tk.decide(why)
		}
	}
	x.takers = append(x.takers, tk)
	return tk
}

// begun is an upload in the sandbox, and what makes a blob of it.
type begun struct {
	up     *probe.Session
	body   []byte // of the last request
	digest oci.Digest
	trail  []string
}

// content is 1 KiB that nobody else has.
func content() []byte {
	text := "Made by regproof in its sandbox. It may be deleted.\n" + probe.RandomDigest() + "\n"
	return []byte(text + strings.Repeat(".", 1024-len(text)))
}

// begin starts an upload, with its content sent already or not. It is nil where
// that failed, which is a problem.
func (x *finishing) begin(ctx context.Context, filled bool) *begun {
	a, up := x.box.Start(ctx)
	b := &begun{up: up, body: content(), trail: slices.Clone(a.Trail)}
	b.digest = oci.SHA256(b.body)
	if up == nil {
		x.problem = fmt.Sprintf("no control: %s started no upload in the sandbox (%s)", x.box.Name(), probe.Says(a))
		return nil
	}
	if filled {
		sent, why := x.box.Fill(ctx, up, b.body)
		b.body, b.trail = []byte{}, append(b.trail, sent.Trail...)
		if why != "" {
			x.problem = "no control: " + why
			x.box.Cancel(ctx, up)
			return nil
		}
	}
	return b
}

// strangers tries those who may not push to the sandbox on uploads that were
// begun there.
func (x *finishing) strangers(ctx context.Context) {
	who := []*taker{x.taker(nil)}
	for _, id := range x.t.Others(x.t.SandboxName(), access.Push) {
		who = append(who, x.taker(id))
	}
	for _, filled := range []bool{true, false} {
		b := x.begin(ctx, filled)
		for _, tk := range who {
			if b == nil || tk.result != nil {
				continue
			}
			a := tk.box.Finish(ctx, b.up, b.body, b.digest)
			if a.Status != http.StatusCreated {
				tk.replies = append(tk.replies, refusedWrite(x.t, a))
				continue
			}
			x.finished(ctx, tk, filled, b, a)
			b = x.begin(ctx, filled)
		}
		if b == nil {
			return
		}
		a := x.box.Finish(ctx, b.up, b.body, b.digest)
		x.control = append(append(x.control, b.trail...), a.Trail...)
		if a.Status != http.StatusCreated {
			x.problem = fmt.Sprintf("no control: %s cannot finish its own upload in the sandbox (%s)", x.box.Name(), probe.Says(a))
			x.box.Cancel(ctx, b.up)
			return
		}
		x.box.Withdraw(ctx, b.digest)
	}
}

// finished judges a 201: the blob must be there, and be made once more.
func (x *finishing) finished(ctx context.Context, tk *taker, filled bool, b *begun, a probe.Answer) {
	r := probe.Result{Outcome: finding.Unknown, Observed: "unknown", Subject: &finding.Subject{Kind: "upload", Digest: string(b.digest)}, Attempts: 1}
	if start, up := tk.box.Start(ctx); up != nil {
		tk.box.Cancel(ctx, up)
		x.box.Withdraw(ctx, b.digest)
		r = probe.NotApplicable(tk.who() + " starts uploads in the sandbox itself, which policy does not let it: what it may finish follows from that")
		r.Evidence = start.Trail
		tk.decide(r)
		return
	}
	done := ""
	for n := range 2 {
		if n > 0 {
			if b = x.begin(ctx, filled); b == nil {
				r.Reason = "201 to finishing the upload of somebody else, and then " + x.problem
				break
			}
			a = tk.box.Finish(ctx, b.up, b.body, b.digest)
			r.Attempts++
		}
		held := x.box.Blob(ctx, b.digest, true)
		r.Evidence = slices.Concat(r.Evidence, b.trail, a.Trail, held.Trail)
		if a.Status != http.StatusCreated {
			r.Reason = fmt.Sprintf("201 to finishing the upload of somebody else, and %s when it was tried again", probe.Says(a))
			x.box.Cancel(ctx, b.up)
			break
		}
		if done = x.box.Withdraw(ctx, b.digest); held.Digest != b.digest {
			r.Reason = fmt.Sprintf("201 to finishing the upload of somebody else, and the blob is not there (%s)", probe.Says(held.Answer))
			break
		}
	}
	if r.Reason == "" {
		with := "with content of its own"
		if r.Variant = "PUT with content"; filled {
			with, r.Variant = "which makes a blob of the bytes sent so far", "PUT without content"
		}
		r.Outcome, r.Observed, r.Control = finding.Fail, "allow", x.box.Control
		r.Reason = "PUT was answered 201 twice, and the blob was read in the sandbox"
		r.Message = fmt.Sprintf("%s finishes the upload that %s began in %s, %s; %s", tk.who(), x.box.Name(), x.t.SandboxName(), with, done)
		if tk.id == nil {
			r.Severity = finding.Critical
		}
	}
	tk.decide(r)
}

// settle makes the result of one who tried.
func (x *finishing) settle(ctx context.Context, tk *taker) (r probe.Result) {
	switch {
	case tk.result != nil:
		r = *tk.result
	case x.problem != "" && len(tk.control) == 0:
		r = probe.Result{Outcome: finding.Unknown, Observed: "unknown", Reason: x.problem, Evidence: x.control}
	default:
		r = denied(ctx, x.t, tk.id, union(x.control, tk.control), tk.replies...)
	}
	if r.Identity = "anonymous"; tk.id != nil {
		r.Identity = tk.id.Name
	}
	if r.Subject == nil {
		r.Subject = &finding.Subject{Kind: "upload"}
	}
	return r
}
