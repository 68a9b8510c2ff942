// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// A rate limit and a ban both deny strangers for reasons that are not access
// control. In front of an open registry they hide it; in front of a guarded one
// they do no harm. Requests with credentials are spared by both.

// limitReq is nginx' limit_req with limit_req_status 403: a leaky bucket per
// client, rate requests per second and burst more at once.
func limitReq(rate, burst float64, open bool) front {
	return func(next http.Handler, d *Door) http.Handler {
		buckets := perClient[bucket]{}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if anonymousAPI(r) && !buckets.use(r, func(b *bucket) bool { return b.take(time.Now(), rate, burst) }) {
				forbidden(w)
				return
			}
			d.behindFront(next, open).ServeHTTP(w, r)
		})
	}
}

// bucket is one client's excess over the rate at the time of its last request.
type bucket struct {
	excess float64
	last   time.Time
}

// take accepts a request or not; one that is refused does not fill the bucket.
func (b *bucket) take(now time.Time, rate, burst float64) bool {
	if b.last.IsZero() {
		b.last = now
		return true
	}
	excess := max(0, b.excess-now.Sub(b.last).Seconds()*rate+1)
	if excess > burst {
		return false
	}
	b.excess, b.last = excess, now
	return true
}

// ban shuts a client out for a while once it has been answered 400 or above
// limit times within window: haproxy's http_err_rate, or fail2ban.
func ban(limit int, window, length time.Duration, open bool) front {
	return func(next http.Handler, d *Door) http.Handler {
		records := perClient[record]{}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !anonymousAPI(r) {
				d.behindFront(next, open).ServeHTTP(w, r)
				return
			}
			if records.use(r, func(c *record) bool { return time.Now().Before(c.until) }) {
				forbidden(w)
				return
			}
			d.behindFront(next, open).ServeHTTP(&rewriter{ResponseWriter: w, on: func(_ http.ResponseWriter, status int) bool {
				if status >= 400 {
					records.use(r, func(c *record) bool { return c.fault(time.Now(), limit, window, length) })
				}
				return false
			}}, r)
		})
	}
}

// record is one client's faults.
type record struct {
	faults []time.Time
	until  time.Time
}

func (c *record) fault(now time.Time, limit int, window, length time.Duration) bool {
	for len(c.faults) > 0 && now.Sub(c.faults[0]) > window {
		c.faults = c.faults[1:]
	}
	if c.faults = append(c.faults, now); len(c.faults) < limit {
		return false
	}
	c.faults, c.until = nil, now.Add(length)
	return true
}

// behindFront is the registry behind the front: the open one, or the guarded one.
func (d *Door) behindFront(next http.Handler, open bool) http.Handler {
	if open {
		return d.open
	}
	return next
}

// perClient keeps one T for each client address.
type perClient[T any] struct {
	mu sync.Mutex
	m  map[string]*T
}

func (p *perClient[T]) use(r *http.Request, f func(*T) bool) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.m == nil {
		p.m = map[string]*T{}
	}
	if p.m[host] == nil {
		p.m[host] = new(T)
	}
	return f(p.m[host])
}
