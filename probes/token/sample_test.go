// SPDX-License-Identifier: Apache-2.0

package token

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func ms(values ...float64) (out []time.Duration) {
	for _, v := range values {
		out = append(out, time.Duration(v*float64(time.Millisecond)))
	}
	return out
}

// TestMannWhitney: the first is the example in the manual of SciPy's mannwhitneyu
// (asymptotic, two-sided, with the correction for continuity); the others were
// computed by the definition, rank by rank.
func TestMannWhitney(t *testing.T) {
	for _, tc := range []struct {
		name string
		a, b []time.Duration
		want float64
	}{
		{"the example of SciPy's manual", ms(19, 22, 16, 29, 24), ms(20, 11, 17, 12), 0.11134688653314041},
		{"all below", ms(1, 2, 3, 4, 5), ms(6, 7, 8, 9, 10), 0.012185780355344818},
		{"ties across", ms(1, 2, 2, 3), ms(2, 2, 4, 5), 0.2817179158257299},
		{"alike", ms(1, 2, 3), ms(1, 2, 3), 1},
		{"all the same", ms(7, 7, 7), ms(7, 7), 1},
		{"nothing", nil, ms(1), 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := mannWhitney(tc.a, tc.b); math.Abs(got-tc.want) > 1e-9 {
				t.Errorf("p = %.6f, want %.6f", got, tc.want)
			}
		})
	}
}

// TestMannWhitneyProperties: it is symmetric, does not depend on order, unit or
// monotonous changes of scale, and is a probability.
func TestMannWhitneyProperties(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	few := func() (out []time.Duration) {
		for range r.IntN(40) {
			out = append(out, time.Duration(r.IntN(1+r.IntN(50))))
		}
		return out
	}
	scale := func(d []time.Duration) (out []time.Duration) {
		for _, v := range d {
			out = append(out, v*v*1000+v*7)
		}
		return out
	}
	for range 2000 {
		a, b := few(), few()
		p := mannWhitney(a, b)
		if math.IsNaN(p) || p < 0 || p > 1 {
			t.Fatalf("p = %v of %v and %v", p, a, b)
		}
		if q := mannWhitney(b, a); math.Abs(p-q) > 1e-9 {
			t.Fatalf("%v one way, %v the other: %v, %v", p, q, a, b)
		}
		turned := slices.Clone(a)
		slices.Reverse(turned)
		if q := mannWhitney(scale(turned), scale(b)); math.Abs(p-q) > 1e-9 {
			t.Fatalf("%v, %v on another scale: %v, %v", p, q, a, b)
		}
	}
}

// TestMannWhitneyIsHonest: of samples of one distribution, about one in a hundred
// has p below 0.01.
func TestMannWhitneyIsHonest(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	below := 0
	for range 4000 {
		if mannWhitney(network(r, 50, 0), network(r, 50, 0)) < 0.01 {
			below++
		}
	}
	if below < 20 || below > 70 {
		t.Errorf("%d of 4000 below 0.01", below)
	}
}

func TestMedian(t *testing.T) {
	for _, tc := range []struct {
		of   []time.Duration
		want time.Duration
	}{
		{nil, 0}, {ms(3), 3 * time.Millisecond}, {ms(9, 1, 5), 5 * time.Millisecond}, {ms(4, 1, 3, 2), 2500 * time.Microsecond},
		{[]time.Duration{math.MaxInt64, math.MaxInt64}, math.MaxInt64},
	} {
		before := slices.Clone(tc.of)
		if got := median(tc.of); got != tc.want || !slices.Equal(before, tc.of) {
			t.Errorf("median of %v is %v", before, got)
		}
	}
}

// network is how long answers take on a busy network: mostly alike, with a long
// tail, and now and then a pause.
func network(r *rand.Rand, n int, more time.Duration) []time.Duration {
	out := make([]time.Duration, n)
	for i := range out {
		d := 20*math.Exp(0.3*r.NormFloat64()) + 2*r.ExpFloat64()
		if r.IntN(20) == 0 {
			d += 200 * r.Float64()
		}
		out[i] = time.Duration(d*float64(time.Millisecond)) + more
	}
	return out
}

// TestTimingAccusesNobody: where names take alike, 100 comparisons of two rounds
// each accuse nobody, also while the network gets slower under way, or is slower
// for one name that does not exist than for the other.
func TestTimingAccusesNobody(t *testing.T) {
	for _, tc := range []struct {
		name  string
		drift time.Duration // over a round
		other time.Duration // what the second made-up name takes longer
	}{
		{"a busy network", 0, 0}, {"a network that gets slower", 300 * time.Millisecond, 0},
		{"something else is measured", 0, 12 * time.Millisecond},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(3, 4))
			for range 100 {
				accused := true
				for range 2 {
					s := sampled{network(r, each, 0), network(r, each, 0), network(r, each, tc.other)}
					for i := range each {
						slower := tc.drift * time.Duration(i) / each
						s.known[i], s.made[i], s.other[i] = s.known[i]+slower, s.made[i]+slower, s.other[i]+slower
					}
					accused = accused && s.compare().differs()
				}
				if accused {
					t.Fatal("accused")
				}
			}
		})
	}
}

// TestTimingSees: a password hash that is computed for names that exist alone is
// seen each time, also the other way round; a difference below the bar is none.
func TestTimingSees(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 100 {
		slow := sampled{network(r, each, 55*time.Millisecond), network(r, each, 0), network(r, each, 0)}
		fast := sampled{network(r, each, 0), network(r, each, 12*time.Millisecond), network(r, each, 12*time.Millisecond)}
		little := sampled{network(r, each, time.Millisecond), network(r, each, 0), network(r, each, 0)}
		between := sampled{network(r, each, 12*time.Millisecond), network(r, each, 0), network(r, each, 24*time.Millisecond)}
		noise := sampled{network(r, each, 0), network(r, each, 40*time.Millisecond), network(r, each, 80*time.Millisecond)}
		near := sampled{network(r, each, 6500*time.Microsecond), network(r, each, 5*time.Millisecond), network(r, each, 0)}
		if !slow.compare().differs() || !fast.compare().differs() {
			t.Fatal("missed")
		}
		if little.compare().differs() || between.compare().differs() || noise.compare().differs() || near.compare().differs() {
			t.Fatal("accused")
		}
	}
}
