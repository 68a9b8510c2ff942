// SPDX-License-Identifier: Apache-2.0

package immutability

import (
	"context"
	"fmt"
	"sync"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// heat is one round.
type heat struct {
	both, wrong, unclear bool
	answers              []probe.Answer
	result               probe.Result
	digest               string
}

func race(ctx context.Context, s *probe.Sandbox, lying bool) probe.Result {
	var all []probe.Answer
	var worst *heat
	both, wrong, clear := 0, 0, 0
	var undecided probe.Result
	for range rounds {
		h := run(ctx, s, lying)
		all = append(all, h.answers...)
		switch {
		case h.result.Outcome != "":
			undecided = h.result
			if h.result.Outcome == finding.NotChecked {
				return h.result
			}
			continue
		case h.unclear:
			continue
		}
		clear++
		if h.both {
			both++
		}
		if h.wrong {
			wrong++
		}
		if (h.both || h.wrong) && worst == nil {
			worst = &h
		}
	}
	switch {
	case worst != nil:
		r := s.Result(finding.Fail, fmt.Sprintf("in %d of %d rounds both pushes were accepted, in %d the refused one is there", both, rounds, wrong), worst.answers...)
		r.Attempts = len(all)
		r.Message = fmt.Sprintf("two who pushed to a new tag at the same moment were both told that it is theirs (%d of %d rounds)", both, rounds)
		if both == 0 {
			r.Message = fmt.Sprintf("the image whose push was refused is the one under the tag (%d of %d rounds)", wrong, rounds)
		}
		r.Subject = &finding.Subject{Kind: "manifest", Digest: worst.digest}
		return r
	case clear < rounds && undecided.Outcome != "":
		return undecided
	case clear == 0:
		return s.Result(finding.Unknown, fmt.Sprintf("in none of %d rounds one of the two pushes was accepted", rounds), all...)
	}
	return s.Result(finding.Pass, fmt.Sprintf("one of two alone won in %d rounds", clear), all...)
}

// run is one round: both pushes wait for each other, then the tag is read twice.
func run(ctx context.Context, s *probe.Sandbox, lying bool) heat {
	tag := s.Tag()
	docs := [2]probe.Doc{s.Image(), s.Image()}
	var put [2]probe.Answer
	ready := make(chan struct{})
	var wg sync.WaitGroup
	for i := range docs {
		push := s.Prepare(tag, docs[i], probe.Writing{})
		wg.Go(func() {
			<-ready
			put[i] = push(ctx)
		})
	}
	close(ready)
	wg.Wait()
	first := s.Get(ctx, tag, false)
	second := s.Get(ctx, tag, true)
	h := heat{answers: []probe.Answer{put[0], put[1], first.Answer, second.Answer}, digest: string(second.Digest)}
	if h.result = s.Undecided(h.answers...); h.result.Outcome != "" {
		return h
	}
	won := func(i int) bool { return put[i].Status/100 == 2 }
	switch {
	case won(0) && won(1):
		h.both = !lying || first.Digest != second.Digest
	case !won(0) && !won(1):
		h.unclear = true
	case won(0):
		h.wrong = second.Digest == docs[1].Digest
	default:
		h.wrong = second.Digest == docs[0].Digest
	}
	return h
}
