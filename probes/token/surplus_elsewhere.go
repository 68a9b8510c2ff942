// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
)

// maxElsewhere bounds on how many other images a token is used that names their
// repositories.
const maxElsewhere = 4

// elsewhereUse is what a token allows in other repositories, and how that is used.
type elsewhereUse struct {
	sets []probe.Set
	rest []login.Access // nothing here can use it
	bare []string       // repositories that nobody was seen to read: a denial there proves nothing
}

// usesElsewhere looks for an image of each other repository that a token names.
// What policy opens to everybody is nobody's surplus.
func usesElsewhere(ctx context.Context, t *probe.Trial, g given, more []login.Access) (u elsewhereUse) {
	tried := map[string]bool{}
	for _, a := range more {
		switch {
		case a.Name == t.Name(t.Repository()):
			continue // see write
		case a.Type == "registry" && a.Name == "catalog":
			continue // see catalog
		case a.Type != "repository":
			u.rest = append(u.rest, a)
			continue
		}
		writes := a
		writes.Actions = slices.DeleteFunc(slices.Clone(a.Actions), func(s string) bool { return s == "pull" })
		reads := slices.Contains(a.Actions, "pull") || slices.Contains(a.Actions, "*")
		var images []probe.ImageRef
		if reads && !t.Open(strings.TrimPrefix(a.Name, t.Name(""))) {
			if images = imagesOf(t, a.Name); len(images) == 0 {
				writes = a
			}
		}
		if len(writes.Actions) > 0 {
			u.rest = append(u.rest, writes)
		}
		for _, i := range images {
			if !tried[i.Repository] && len(u.sets) < maxElsewhere {
				tried[i.Repository] = true
				u.add(ctx, t, g, i)
			}
		}
	}
	return u
}

// imagesOf are the other images of a repository, in the names of tokens, or of all
// where the name is a pattern, without those that are open to everybody.
func imagesOf(t *probe.Trial, name string) []probe.ImageRef {
	return slices.DeleteFunc(t.Images(), func(i probe.ImageRef) bool {
		before, _, pattern := strings.Cut(name, "*")
		is := t.Name(i.Repository)
		return i.Repository == t.Repository() || t.Open(i.Repository) || is != name && !(pattern && strings.HasPrefix(is, before))
	})
}

// add uses the token on an image. Who may have it shows first that it is there.
func (u *elsewhereUse) add(ctx context.Context, t *probe.Trial, g given, i probe.ImageRef) {
	severity := finding.High // of a repository that its user may not read at all
	if allow, stated, _ := t.May(g.mint.As, i.Repository, access.Pull); allow || !stated {
		severity = finding.Medium
	}
	plain := probe.Attempt{
		Request: oci.Request{Method: http.MethodGet, Kind: oci.Manifest, Repository: i.Repository, Reference: i.Reference},
		Direct:  true, Lent: true,
		Judge: func(ctx context.Context, t *probe.Trial, a probe.Attempt, answer probe.Answer) probe.Verdict {
			return judgeElsewhere(ctx, t, a, answer, severity)
		},
	}
	if plain.Control = shownElsewhere(ctx, t, plain.Request); plain.Control == nil {
		u.bare = append(u.bare, i.Repository)
	}
	odd := form{name: g.name + ", used on " + i.Repository, token: g.Token, with: "a token that was asked for to pull another image", as: g.as(), secret: true}.attempt(plain)
	u.sets = append(u.sets, probe.Set{Plain: plain, Odd: []probe.Attempt{odd}})
}

// shownElsewhere is how an identity that may have an image gets it; nil when none
// does.
func shownElsewhere(ctx context.Context, t *probe.Trial, r oci.Request) []string {
	for _, id := range t.Identities() {
		if allow, stated, _ := t.May(id, r.Repository, access.Pull); stated && !allow {
			continue
		}
		if a := t.As(ctx, id, r, probe.Attempt{}); manifestIn(a) {
			return a.Trail
		}
	}
	return nil
}

func manifestIn(a probe.Answer) bool {
	_, err := oci.ParseDocument(a.Body)
	return a.Status == http.StatusOK && err == nil && !a.Truncated
}

// judgeElsewhere: a manifest of another repository is content, unless the image's
// own repository has the same.
func judgeElsewhere(ctx context.Context, t *probe.Trial, a probe.Attempt, answer probe.Answer, severity finding.Severity) probe.Verdict {
	d := oci.SHA256(answer.Body)
	switch {
	case manifestIn(answer) && (t.Known() == nil || t.Known().Find(d) == nil):
		with := a.With
		if with == "" {
			with = "everybody"
		}
		return probe.Verdict{
			Outcome: finding.Fail, Severity: severity, Reason: "served to " + with, Evidence: answer.Trail,
			Message: fmt.Sprintf("the manifest %s of %s is served to %s", d.Short(), a.Request.Repository, with),
			Subject: &finding.Subject{Kind: "manifest", Digest: string(d)},
		}
	case manifestIn(answer):
		return probe.Verdict{Outcome: finding.Pass, Reason: "200 with the image's own manifest", Evidence: answer.Trail, Control: answer.Trail}
	case a.Class == probe.Variant:
		return probe.JudgeOdd(ctx, t, a, answer)
	}
	return probe.Content(ctx, t, a, answer)
}

// unused says of a pass what a token allows that nothing here could use: that is
// not the same as being denied.
func (u elsewhereUse) unused(r probe.Result) probe.Result {
	switch {
	case r.Outcome != finding.Pass:
	case len(u.bare) > 0:
		r.Outcome, r.Observed = finding.Unknown, "unknown"
		r.Reason = "no control: the token says that it allows " + strings.Join(u.bare, ", ") + " as well, whose image nobody was seen to read"
	case len(u.rest) > 0:
		r.Outcome, r.Observed = finding.NotChecked, "unknown"
		r.Reason = "asked for to pull this image alone, the token says that it allows " + spell(u.rest) + " as well, which was not used: " +
			"reading another repository needs an image of it in the configuration, and nothing is written to one"
	}
	return r
}
