// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"strconv"
	"sync"
	"time"
)

// sessions are the refresh tokens that were given, with whose they are. They do
// not expire, as the token specification has it.
type sessions struct {
	mu    sync.Mutex
	given map[string]string
}

func newSessions() *sessions { return &sessions{given: map[string]string{}} }

func (s *sessions) add(name string) string {
	token := randomHex(24)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.given[token] = name
	return token
}

// find is whose token it is, "" for one that was not given.
func (s *sessions) find(token string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.given[token]
}

// throttle counts wrong passwords by user name: after limit of them the name is
// refused for a while, and counted anew. A nil one refuses nobody.
type throttle struct {
	limit int
	pause time.Duration

	mu    sync.Mutex
	count map[string]int
	until map[string]time.Time
}

func newThrottle(limit int, pause time.Duration) *throttle {
	return &throttle{limit: limit, pause: pause, count: map[string]int{}, until: map[string]time.Time{}}
}

func (t *throttle) refuses(name string) bool {
	if t == nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Now().Before(t.until[name])
}

func (t *throttle) wrong(name string) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count[name]++; t.count[name] >= t.limit {
		t.count[name], t.until[name] = 0, time.Now().Add(t.pause)
	}
}

// after is the Retry-After that goes with a refusal, in seconds.
func (t *throttle) after() string { return strconv.Itoa(int(t.pause.Seconds())) }
