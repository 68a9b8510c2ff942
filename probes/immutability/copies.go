// SPDX-License-Identifier: Apache-2.0

package immutability

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// places are where the manifest is served before it is deleted.
func places(ctx context.Context, s *probe.Sandbox, m move) []*copyOf {
	at := func(s *probe.Sandbox) []*copyOf {
		var out []*copyOf
		for how, reference := range map[string]string{"by digest": string(m.first), "by tag": m.tag} {
			if reference != "" {
				out = append(out, &copyOf{at: s, what: "a manifest, asked for " + how + ",", want: m.first, get: func(ctx context.Context, fresh bool) probe.Held { return s.Get(ctx, reference, fresh) }})
			}
		}
		slices.SortFunc(out, func(a, b *copyOf) int { return strings.Compare(a.what, b.what) })
		return out
	}
	out := at(s)
	for _, other := range s.Others() {
		if other.Cache(ctx) != "" {
			continue
		}
		for _, c := range at(other) {
			if c.get(ctx, false).Digest == m.first {
				out = append(out, c)
			}
		}
	}
	return out
}

// replicas is on how many new connections what is gone is asked for again, since
// one replica of several may go on serving it.
const replicas = 4

// look asks for what was deleted.
func (c *copyOf) look(ctx context.Context) {
	c.held = c.get(ctx, false)
	for i := 0; i < replicas && c.held.Status == http.StatusNotFound && ctx.Err() == nil; i++ {
		if h := c.get(ctx, true); h.Digest == c.want {
			c.held = h
		}
	}
}

// again asks until it is served once more, and says whether it was each time.
func (c *copyOf) again(ctx context.Context) (h probe.Held, always bool) {
	for i := range replicas {
		if h = c.get(ctx, true); h.Digest == c.want {
			return h, i == 0
		}
	}
	return h, false
}

// served looks where the deleted is served, for as long as it may take.
func served(ctx context.Context, s *probe.Sandbox, copies []*copyOf, answers []probe.Answer) probe.Result {
	const step = settles / 10
	for waited := time.Duration(0); ; waited += step {
		still := false
		for _, c := range copies {
			if c.held.Status == http.StatusNotFound {
				continue
			}
			c.look(ctx)
			still = still || c.held.Digest == c.want
		}
		if !still || waited >= settles || ctx.Err() != nil {
			break
		}
		s.Wait(ctx, step)
	}
	var all []probe.Result
	var unclear probe.Result
	for _, c := range copies {
		answers = append(answers, c.held.Answer)
		if r := c.at.Undecided(c.held.Answer); r.Outcome != "" {
			unclear = r
			continue
		}
		if c.held.Digest != c.want {
			continue
		}
		again, always := c.again(ctx)
		if again.Digest != c.want {
			continue
		}
		r := c.at.Result(finding.Fail, fmt.Sprintf("served %s after its delete was accepted", settles), append(answers[:len(answers):len(answers)], again.Answer)...)
		r.Message = fmt.Sprintf("%s is served %s after its delete was accepted", c.what, settles)
		if !always {
			r.Message += ", and not each time: one replica of several may have it"
		}
		r.Subject = &finding.Subject{Kind: "manifest", Digest: string(c.want)}
		r.Endpoint, r.Expected, r.Observed = c.at.Endpoint(), "404", "served"
		all = append(all, r)
	}
	switch {
	case len(all) > 0:
		return byEndpoint(all)
	case unclear.Outcome != "":
		return unclear
	}
	r := s.Result(finding.Pass, fmt.Sprintf("%d ways to ask for it found nothing", len(copies)), answers...)
	r.Expected, r.Observed = "404", "404"
	return r
}

// byEndpoint keeps one finding for each endpoint, its other ways inside.
func byEndpoint(all []probe.Result) probe.Result {
	var out []probe.Result
	for _, r := range all {
		if n := len(out); n > 0 && out[n-1].Endpoint == r.Endpoint {
			out[n-1].Deviations = append(out[n-1].Deviations, finding.Deviation{Variant: r.Message, Evidence: r.Evidence[max(0, len(r.Evidence)-1):]})
			continue
		}
		out = append(out, r)
	}
	out[0].Also = out[1:]
	return out[0]
}
