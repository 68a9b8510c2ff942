// SPDX-License-Identifier: Apache-2.0

package discover_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regproof/regproof/discover"
	"github.com/regproof/regproof/wire"
)

// clocked answers by a clock of its own (testing/synctest): ports up to 17 drop
// what comes, 18 takes the connection and says nothing, the others refuse.
type clocked struct {
	mu           sync.Mutex
	now, most, n int
	seen         []wire.Request
}

func (f *clocked) Do(ctx context.Context, r wire.Request) wire.Response {
	f.mu.Lock()
	f.n++
	f.now++
	f.most = max(f.most, f.now)
	f.seen = append(f.seen, r)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.now--
		f.mu.Unlock()
	}()
	wait, resp := time.Duration(0), wire.Response{Request: r, Failure: wire.Refused, Err: errors.New("refused")}
	switch {
	case r.Address.Port() <= 17:
		wait = r.Connect
		resp.Failure, resp.Err = wire.Timeout, &net.OpError{Op: "dial", Err: context.DeadlineExceeded}
	case r.Address.Port() == 18:
		wait = r.Timeout
		resp.Failure, resp.Err = wire.Timeout, context.DeadlineExceeded
	}
	select {
	case <-time.After(wait):
	case <-ctx.Done():
		resp.Failure, resp.Err = wire.Canceled, ctx.Err()
	}
	return resp
}

func ports(from, to uint16) (out []uint16) {
	for p := from; p <= to; p++ {
		out = append(out, p)
	}
	return out
}

// TestRounds: silent doors are waited for side by side. The clock is the
// test's, so that the times are exact.
func TestRounds(t *testing.T) {
	for _, tc := range []struct {
		name      string
		http      []uint16
		addresses []string
		took      time.Duration
		asked     int
	}{
		{"20 doors, 17 of them silent", append(ports(1, 17), ports(19, 21)...), []string{"127.0.0.1"}, 1500 * time.Millisecond, 20},
		{"one takes the connection", ports(1, 20), []string{"127.0.0.1"}, 2 * time.Second, 20},
		{"as many as there may be", ports(1, 17), []string{"127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"}, 3 * time.Second, 64},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, w := &clocked{}, wanted(t, tc.addresses...)
				w.Ports.HTTP = tc.http
				begin := time.Now()
				survey := discover.Scan(t.Context(), f, w)
				if took := time.Since(begin); took != tc.took || f.n != tc.asked || f.most > 32 {
					t.Errorf("took %s, %d requests, %d at once", took, f.n, f.most)
				}
				if len(survey.Doors) != tc.asked || strings.Contains(strings.Join(survey.Notes, " "), "beyond 64") != (tc.asked == 64) {
					t.Errorf("%d doors, notes %q", len(survey.Doors), survey.Notes)
				}
				for _, d := range survey.Doors {
					if want := d.Address.Port() <= 18; want != (d.State == discover.Silent) || d.State.Reachable() {
						t.Errorf("%s is %s", d.URL, d.State)
					}
				}
			})
		})
	}
}

// TestInterrupted: what was not asked says so, and nothing is sent any more.
func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, w := &clocked{}, wanted(t, "127.0.0.1", "127.0.0.2", "127.0.0.3")
		w.Ports.HTTP = ports(1, 17)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		survey := discover.Scan(ctx, f, w)
		if time.Since(begin) != time.Second || f.n != 32 || len(survey.Doors) != 51 {
			t.Errorf("took %s, %d requests, %d doors", time.Since(begin), f.n, len(survey.Doors))
		}
		for _, d := range survey.Doors {
			if d.State != discover.NotAsked || d.Note != "interrupted" {
				t.Errorf("%s is %s: %s", d.URL, d.State, d.Note)
			}
		}
	})
}

// TestGuarded: only a registry of this machine is looked for on loopback, and
// only one of a private network on private addresses.
func TestGuarded(t *testing.T) {
	pinned := map[string][]netip.Addr{
		"loop.test":    {netip.MustParseAddr("127.0.0.9")},
		"private.test": {netip.MustParseAddr("10.0.0.9")},
		"linked.test":  {netip.MustParseAddr("169.254.169.254")},
		"public.test":  {netip.MustParseAddr("203.0.113.9")},
	}
	for home, want := range map[string]string{
		"203.0.113.5":     "public.test",
		"10.0.0.5":        "private.test public.test",
		"127.0.0.1":       "loop.test public.test",
		"169.254.169.254": "public.test", // and its own ports are left alone as well
	} {
		f, w := &clocked{}, wanted(t, home)
		w.Guard.Pinned = pinned
		w.Ports.HTTP = []uint16{8080}
		w.Names = []string{"linked.test", "loop.test", "private.test", "public.test", "metadata.google.internal"}
		w.Guard.Pinned["metadata.google.internal"] = []netip.Addr{netip.MustParseAddr("203.0.113.10")}
		survey := discover.Scan(t.Context(), f, w)
		var asked []string
		for _, d := range survey.Doors {
			if d.State != discover.NotAsked && d.Why == "name in the certificate" {
				asked = append(asked, d.URL.Host)
			}
		}
		if got := strings.Join(asked, " "); got != want {
			t.Errorf("from %s: %s, want %s", home, got, want)
		}
		for _, r := range f.seen {
			if a := r.Address.Addr(); a.IsLinkLocalUnicast() || r.Host == "metadata.google.internal" {
				t.Errorf("from %s: %s at %s was dialled", home, r.Host, a)
			}
		}
		if len(survey.Doors) != 6 {
			t.Errorf("%d doors", len(survey.Doors))
		}
	}
}

// TestNoAddresses: what is not given is asked of DNS, and a registry that is
// nowhere has no doors.
func TestNoAddresses(t *testing.T) {
	f, w := &clocked{}, wanted(t)
	w.Addresses, w.Ports.HTTP = nil, []uint16{8080}
	w.Guard.Pinned = map[string][]netip.Addr{host: {netip.MustParseAddr("203.0.113.5"), netip.MustParseAddr("2001:db8::5")}}
	if survey := discover.Scan(t.Context(), f, w); len(survey.Doors) != 2 {
		t.Errorf("got %+v", survey)
	}
	w.URL = &url.URL{Scheme: "https", Host: nowhere}
	if survey := discover.Scan(t.Context(), f, w); len(survey.Doors) != 0 {
		t.Errorf("got %+v", survey)
	}
	if survey := discover.Scan(t.Context(), f, discover.Want{}); len(survey.Doors)+len(survey.Notes) != 0 {
		t.Errorf("got %+v", survey)
	}
}
