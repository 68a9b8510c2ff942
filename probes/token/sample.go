// SPDX-License-Identifier: Apache-2.0

package token

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// median of durations, 0 of none. The argument stays as it is.
func median(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(d))
	if n := len(s); n%2 == 0 {
		return s[n/2-1] + (s[n/2]-s[n/2-1])/2
	}
	return s[len(s)/2]
}

// mannWhitney is the two-sided p value of the Mann-Whitney U test: how likely two
// samples of one distribution are ranked at least as unevenly as these. It is the
// normal approximation with the corrections for ties and for continuity, which
// wants some twenty values on each side. It asks nothing of the distribution, so
// that a few slow answers do not matter. 1 for an empty sample.
func mannWhitney(a, b []time.Duration) float64 {
	type value struct {
		d     time.Duration
		first bool
	}
	all := make([]value, 0, len(a)+len(b))
	for _, d := range a {
		all = append(all, value{d, true})
	}
	for _, d := range b {
		all = append(all, value{d, false})
	}
	slices.SortFunc(all, func(x, y value) int { return cmp.Compare(x.d, y.d) })
	var ranks, ties float64 // ranks of the first sample; the sum of t^3-t over ties
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j].d == all[i].d {
			j++
		}
		rank := float64(i+j+1) / 2 // the mean of i+1 .. j
		for _, v := range all[i:j] {
			if v.first {
				ranks += rank
			}
		}
		t := float64(j - i)
		ties += t*t*t - t
		i = j
	}
	n1, n2 := float64(len(a)), float64(len(b))
	n := n1 + n2
	if n1 == 0 || n2 == 0 {
		return 1
	}
	u := ranks - n1*(n1+1)/2
	variance := n1 * n2 / 12 * (n + 1 - ties/(n*(n-1)))
	if !(variance > 0) { // all values are alike
		return 1
	}
	z := max(math.Abs(u-n1*n2/2)-0.5, 0) / math.Sqrt(variance)
	return math.Erfc(z / math.Sqrt2)
}

// The bars of a difference in time.
const (
	significance = 0.001
	gap          = 5 * time.Millisecond
)

// sampled is one round of a comparison: the times of answers for a name that
// exists, and for two that do not.
type sampled struct{ known, made, other []time.Duration }

// compared is what a round came to.
type compared struct {
	known, made, other time.Duration // medians
	p, control         float64       // of known against made, of made against other
}

func (s sampled) compare() compared {
	return compared{
		known: median(s.known), made: median(s.made), other: median(s.other),
		p: mannWhitney(s.known, s.made), control: mannWhitney(s.made, s.other),
	}
}

// differs says whether the name that exists stands out: by the test and by its
// median, from both that do not, which are alike.
func (c compared) differs() bool {
	return c.p < significance && apart(c.known, c.made) && apart(c.known, c.other) && c.above(c.made) == c.above(c.other) && !c.noisy()
}

// noisy says whether two names that do not exist differ as much as one that does
// would have to: then the measurement measures something else.
func (c compared) noisy() bool { return c.control < significance && apart(c.made, c.other) }

// above says whether the name that exists takes longer.
func (c compared) above(other time.Duration) bool { return c.known > other }

func apart(a, b time.Duration) bool { return (a - b).Abs() > gap }
