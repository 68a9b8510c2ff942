// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/wire"
)

// Way is how an endpoint is reached: what something in front of a registry
// could decide on.
type Way struct {
	URL       *url.URL
	Primary   *url.URL // of the registry
	Prefix    string   // before repository names
	Addresses []netip.AddrPort
	Names     []string // other names in its certificate, but those that are meant to be public
	Product   string   // of the registry behind, by what it answers
	Run       string   // id of the run
	User      string   // who may read the image; "" is nobody
	Open      string   // a repository that policy opens to everybody; "" is none
}

// Way describes the endpoint of the trial.
func (t *Trial) Way() Way {
	d := t.door
	w := Way{URL: d.ep.URL, Primary: d.target.Endpoints[0].URL, Prefix: d.ep.Prefix, Addresses: d.addresses, Run: d.run.opts.ID}
	if id := t.subject.entitled; id != nil {
		w.User = id.Name
	}
	for _, i := range d.run.opts.Images {
		if w.Open == "" && i.Registry == d.target.Name && t.Open(i.Repository) {
			w.Open = i.Repository
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	w.Product = d.product
	for _, name := range d.names {
		if !strings.EqualFold(name, d.ep.URL.Hostname()) && !strings.Contains(name, "*") && !d.target.public(name) && len(w.Names) < maxNames {
			w.Names = append(w.Names, name)
		}
	}
	return w
}

// maxNames bounds how many names of a certificate are tried.
const maxNames = 8

// anyPrivate is the first image of the registry that policy does not open to
// strangers, to ask a door for that is meant to have none.
func (t *Trial) anyPrivate() (ImageRef, bool) {
	for _, i := range t.door.run.opts.Images {
		if i.Registry == t.door.target.Name && !t.Open(i.Repository) {
			return i, true
		}
	}
	return ImageRef{}, false
}

// Allows says whether the run may have an effect.
func (t *Trial) Allows(e Effect) bool { return t.door.run.allows(e) }

// BlobLimits is how much of a blob is read, and which part of it is kept to
// recognise it by.
func BlobLimits(c *image.Content) image.Limits {
	l := image.Limits{Limit: image.SmallBlob, Keep: image.SmallBlob}
	if c.Size >= 0 { // whoever answers with more has something else
		most := min(max(c.Size+1, 64<<10), image.SmallBlob)
		l = image.Limits{Limit: most, Keep: most}
	}
	if len(c.Sample) > 0 && c.Offset > 0 {
		l.KeepFrom, l.Keep = c.Offset, int64(len(c.Sample))
	}
	return l
}

// Ask asks as a stranger, without a login, at the first address, all at once,
// and returns the answers in the order of the attempts.
func (t *Trial) Ask(ctx context.Context, attempts ...Attempt) []Answer {
	t.turn(ctx)
	out := make([]Answer, len(attempts))
	var wg sync.WaitGroup
	for i, a := range attempts {
		wg.Go(func() {
			out[i] = t.ask(ctx, question{
				lane: t.door.first(), id: anonymous, phase: a.phase(), request: a.Request, change: made(within(a.Change)), limits: a.Limits, variant: true, direct: true, odd: t.optional(), fresh: a.Fresh, lent: t.lend(a),
			})
			if t.door.sentinels.answered() {
				t.rounds.Go(func() { t.door.sentinels.check(ctx, t.group) })
			}
		})
	}
	wg.Wait()
	t.done(ctx)
	return out
}

// Doubt says why answers prove nothing: they were not given, or at a time when
// the door did not answer as before. It returns the zero Result when they
// stand.
func (t *Trial) Doubt(answers ...Answer) Result {
	r := Result{Attempts: len(answers), Observed: "unknown"}
	for _, a := range answers {
		switch {
		case a.NotAsked != "":
			r.Outcome, r.Reason = finding.NotChecked, a.NotAsked
		case a.Failure == wire.ClientCert:
			// It was answered, by a denial.
		case a.Status == 0:
			r.Outcome, r.Reason = finding.Unknown, silence(a.Response)
		case a.Status == 429 || a.Status >= 500:
			r.Outcome, r.Reason = finding.Unknown, fmt.Sprintf("answered %d", a.Status)
		default:
			if why := t.door.sentinels.tainted(a.begin, a.end); why != "" && !signed(a.First) {
				r.Outcome, r.Reason = finding.Unknown, doubt(why)
			}
		}
		if r.Outcome != "" {
			r.Evidence = slices.Clone(a.Trail)
			return r
		}
	}
	return Result{}
}

// ErrorCode is the code of the specification's error body, "" without one.
func ErrorCode(resp wire.Response) string { return strings.TrimSpace(errorCode(resp)) }
