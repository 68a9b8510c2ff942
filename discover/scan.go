// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/regproof/regproof/wire"
)

const (
	maxDoors      = 64 // that are asked for one registry
	maxConcurrent = 32
	maxAddresses  = 4 // of one name

	resolveTime = time.Second
	connectTime = 1500 * time.Millisecond
	answerTime  = 2 * time.Second // for one exchange with its connection
	pageTime    = 1500 * time.Millisecond
)

// Scan looks at the candidates, all at once, each with at most two requests
// (three for debug pages). A silent one costs connectTime; one that answers
// slowly twice answerTime. The order of the result does not depend on
// who answers first.
func Scan(ctx context.Context, do Exchanger, w Want) Survey {
	if w.URL == nil {
		return Survey{}
	}
	s := &scan{do: do, want: w}
	s.home(ctx)
	candidates, notes := Candidates(s.want)
	doors, asked := s.resolve(ctx, candidates, &notes)

	seen := map[string]bool{}
	for _, c := range asked {
		seen[c.key()] = true
	}
	asked = s.cut(asked, 0, &notes)
	first := s.askAll(ctx, asked)
	var more []Candidate // what was asked in the wrong scheme
	for i, d := range first {
		if c := asked[i].other(); d.flip() && !seen[c.key()] && !s.want.known(c) {
			seen[c.key()] = true
			more = append(more, c)
		}
	}
	more = s.cut(more, len(asked), &notes)
	doors = slices.Concat(doors, first, s.askAll(ctx, more))
	return Survey{Doors: sorted(doors), Notes: notes}
}

type scan struct {
	do       Exchanger
	want     Want
	headers  [][2]string
	marks    []string // of the registry's challenges
	loopback bool     // the registry is on this machine, and its doors may be
}

// home finds out where the registry lives.
func (s *scan) home(ctx context.Context) {
	w := &s.want
	if len(w.Addresses) == 0 {
		ctx, cancel := context.WithTimeout(ctx, resolveTime)
		defer cancel()
		w.Addresses, _ = w.Guard.Lookup(ctx, w.URL) // without any, names are left
	}
	s.loopback = len(w.Addresses) > 0
	w.Guard.Home = slices.Clone(w.Guard.Home)
	for _, a := range w.Addresses {
		w.Guard.Home = append(w.Guard.Home, a.Addr())
		s.loopback = s.loopback && a.Addr().Unmap().IsLoopback()
	}
	s.marks = marks(w.Challenges)
	for _, h := range w.Headers {
		switch strings.ToLower(h[0]) {
		case "user-agent", "x-regproof-run", "accept-encoding":
			s.headers = append(s.headers, h)
		}
	}
}

// cut keeps as many candidates as may still be asked.
func (s *scan) cut(cs []Candidate, used int, notes *[]string) []Candidate {
	if room := maxDoors - used; len(cs) > room {
		*notes = append(*notes, fmt.Sprintf("%d candidates beyond %d are not asked, the first %s", len(cs)-room, maxDoors, cs[room].URL))
		cs = cs[:room]
	}
	return cs
}

// askAll asks every candidate, and returns one door for each, in order.
func (s *scan) askAll(ctx context.Context, cs []Candidate) []Door {
	doors := make([]Door, len(cs))
	each(len(cs), func(i int) { doors[i] = s.ask(ctx, cs[i]) })
	return doors
}

// each calls f for 0 to n-1, maxConcurrent at a time.
func each(n int, f func(int)) {
	slots := make(chan struct{}, maxConcurrent)
	var wg sync.WaitGroup
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			f(i)
		})
	}
	wg.Wait()
}

// resolve finds the addresses of names, and drops what may not be dialled:
// that is a door that was not asked.
func (s *scan) resolve(ctx context.Context, cs []Candidate, notes *[]string) (refused []Door, out []Candidate) {
	found := make([][]Candidate, len(cs))
	problems := make([]error, len(cs))
	each(len(cs), func(i int) { found[i], problems[i] = s.lookup(ctx, cs[i]) })
	seen := map[string]bool{}
	for i := range cs {
		if problems[i] != nil {
			*notes = append(*notes, fmt.Sprintf("%s (%s) does not resolve", cs[i].URL, cs[i].Why))
		}
		for _, c := range found[i] {
			if seen[c.key()] || s.want.known(c) {
				continue
			}
			seen[c.key()] = true
			if why := s.refuses(c); why != "" {
				d := c.door()
				d.State, d.Note = NotAsked, c.Address.Addr().String()+" is "+why
				refused = append(refused, d)
				continue
			}
			out = append(out, c)
		}
	}
	return refused, out
}

// lookup is one candidate for each address of its host.
func (s *scan) lookup(ctx context.Context, c Candidate) ([]Candidate, error) {
	if c.Address.IsValid() {
		return []Candidate{c}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTime)
	defer cancel()
	addrs, err := s.want.Guard.Lookup(ctx, c.URL)
	if err != nil {
		return nil, err
	}
	var out []Candidate
	for _, a := range addrs[:min(len(addrs), maxAddresses)] {
		c.Address = a
		out = append(out, c)
	}
	return out, nil
}

// refuses says why a candidate must not be dialled. The registry's own
// addresses are named by the configuration.
func (s *scan) refuses(c Candidate) string {
	a := c.Address.Addr()
	named := s.want.own(a) || s.loopback && a.IsLoopback()
	return s.want.Guard.Refuses(c.URL.Hostname(), a, named)
}

var _ Exchanger = (*wire.Client)(nil)
