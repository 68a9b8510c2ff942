// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
)

// neighbours tries those who may push to the sandbox, and not to the image's
// repository, on an upload that was begun in the latter.
func (x *finishing) neighbours(ctx context.Context) {
	t := x.t
	owner := pusher(t)
	ids := slices.DeleteFunc(t.Others(t.Repository(), access.Push), func(id *probe.Identity) bool {
		allow, stated, _ := t.May(id, t.SandboxName(), access.Push)
		return !allow || !stated
	})
	if owner == nil || t.Repository() == t.SandboxName() {
		return
	}
	for _, id := range ids {
		tk := x.taker(id)
		if !t.Allows(probe.CancelledWrite) {
			tk.decide(probe.Result{Outcome: finding.NotChecked, Reason: fmt.Sprintf("it needs %s beside the sandbox (effect %s)", probe.CancelledWrite.Flag(), probe.CancelledWrite)})
		}
		if tk.result == nil {
			x.fromElsewhere(ctx, tk, owner)
		}
	}
}

// cancelled is what Cancel says of an upload that is gone.
const cancelled = "it was cancelled"

// fromElsewhere begins an upload, has somebody try to finish it in the sandbox,
// and once more if that worked.
func (x *finishing) fromElsewhere(ctx context.Context, tk *taker, owner *probe.Identity) {
	r := probe.Result{Outcome: finding.Unknown, Observed: "unknown", Attempts: 1, Subject: &finding.Subject{Kind: "upload"}}
	for n := range 2 {
		s, why := x.t.BeginUpload(ctx, owner, oci.Request{Repository: x.t.Repository()})
		if r.Evidence = append(r.Evidence, s.Answer.Trail...); why != "" {
			r.Reason = fmt.Sprintf("no control: %s started no upload in %s (%s)", owner.Name, x.t.Repository(), why)
		} else {
			r.Reason = x.oneBegun(ctx, tk, s, &r)
		}
		if s.Location != nil {
			done, trail := x.t.Cancel(ctx, s)
			r.Evidence = append(r.Evidence, trail...)
			if r.Reason == "" && done != cancelled { // what was finished is gone
				r.Message += "; in " + s.Repository + " " + done
			}
		}
		if r.Attempts = n + 1; n == 1 && r.Outcome == "" {
			r.Outcome, r.Reason = finding.Unknown, "201 to finishing the upload of "+x.t.Repository()+", and a denial when it was tried again"
		}
		if r.Reason != "" || r.Outcome == "" || tk.result != nil {
			break
		}
	}
	switch {
	case r.Outcome == "" || tk.result != nil: // denied, or decided
		return
	case r.Reason == "":
		r.Outcome, r.Observed, r.Control = finding.Fail, "allow", x.box.Control
		r.Reason = "PUT was answered 201 twice, each time the upload was gone for who began it, and a made-up name is refused"
		r.Message = fmt.Sprintf("%s finishes the upload that %s began in %s, under the sandbox %s", tk.who(), owner.Name, x.t.Repository(), x.t.SandboxName()) + r.Message
	}
	tk.decide(r)
}

// oneBegun tries one upload. It returns why nothing can be said of it; r.Outcome
// is "" where it was denied.
func (x *finishing) oneBegun(ctx context.Context, tk *taker, s probe.Begun, r *probe.Result) string {
	there := func() bool {
		a := x.t.AskBegun(ctx, s.Owner, s.Under(http.MethodGet, s.Repository, true), 0)
		r.Evidence = append(r.Evidence, a.Trail...)
		tk.control = append(tk.control, a.Trail...)
		return a.Status/100 == 2
	}
	if !there() {
		return "no control: " + s.Owner.Name + " is not shown its own upload"
	}
	if a := x.t.AskBegun(ctx, tk.id, s.Under(http.MethodGet, x.t.SandboxName(), true), 0); a.Status/100 == 2 {
		r.Outcome = ""
		tk.decide(probe.NotApplicable(tk.who() + " is shown the upload of " + s.Repository + " under the sandbox, which authz/upload-session tells"))
		return ""
	}
	states := []bool{true, false}
	if s.Location.RawQuery == "" {
		states = states[:1]
	}
	for _, state := range states {
		body := content()
		a := tk.box.FinishBegun(ctx, s, state, body)
		r.Evidence = append(r.Evidence, a.Trail...)
		if a.Status != http.StatusCreated {
			tk.replies = append(tk.replies, x.likeAnother(ctx, tk, state, s, a))
			continue
		}
		held := tk.box.Blob(ctx, oci.SHA256(body), true)
		r.Evidence = append(r.Evidence, held.Trail...)
		if r.Message = "; " + tk.box.Withdraw(ctx, oci.SHA256(body)); held.Digest != oci.SHA256(body) {
			r.Message = fmt.Sprintf("; the blob %s is not read there (%s), and may be left in %s, where nothing refers to it", oci.SHA256(body), probe.Says(held.Answer), s.Repository)
		}
		other := content()
		made := tk.box.FinishBegun(ctx, elsewise(s), state, other)
		r.Evidence = append(r.Evidence, made.Trail...)
		if made.Status == http.StatusCreated {
			tk.box.Withdraw(ctx, oci.SHA256(other))
			return "201 to finishing an upload, also for one that nobody began"
		}
		if there() {
			return fmt.Sprintf("201 to finishing the upload of %s, which is still there for who began it", s.Repository)
		}
		r.Variant = "PUT"
		return ""
	}
	r.Outcome = ""
	return ""
}

// elsewise is an upload that nobody began.
func elsewise(s probe.Begun) probe.Begun {
	s.Location = &url.URL{Path: "/00000000-0000-4000-8000-000000000000", RawQuery: s.Location.RawQuery}
	return s
}

// likeAnother makes a denial of an answer that an upload which nobody began gets
// too, when it is none by itself.
func (x *finishing) likeAnother(ctx context.Context, tk *taker, state bool, s probe.Begun, a probe.Answer) probe.Reply {
	got := refusedWrite(x.t, a)
	if got.Saw != probe.Nothing || a.Status/100 != 4 || a.Status == http.StatusTooManyRequests {
		return got
	}
	if made := tk.box.FinishBegun(ctx, elsewise(s), state, content()); alike(a, made) {
		got.Saw, got.What, got.Trail = probe.Denied, probe.Says(a)+", as for an upload that nobody began", append(slices.Clone(a.Trail), made.Trail...)
	}
	return got
}
