// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// logged is how many requests a door remembers.
const logged = 100_000

// Request is what a door saw of one request. Of the headers only Host and
// User-Agent are kept, so no credential is.
type Request struct {
	Time          time.Time
	Method        string
	URI           string // exactly as it was received
	Host          string
	Proto         string
	RemoteAddr    string
	LocalAddr     string // which of the door's addresses it came to
	UserAgent     string
	Status        int  // 0: nothing has been answered, or below HTTP
	Authorization bool // the header was there
}

// requestLog counts every request and remembers the last ones.
type requestLog struct {
	mu      sync.Mutex
	total   int64
	entries []Request // entries[len-1] is request number total
}

// add remembers a request and returns its number.
func (l *requestLog) add(r *http.Request) int64 {
	e := Request{
		Time: time.Now(), Method: r.Method, URI: r.RequestURI, Host: r.Host, Proto: r.Proto,
		RemoteAddr: r.RemoteAddr, LocalAddr: localAddr(r), UserAgent: r.UserAgent(),
		Authorization: len(r.Header.Values("Authorization")) > 0,
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.entries) >= logged+logged/10 {
		l.entries = slices.Delete(l.entries, 0, len(l.entries)-logged)
	}
	l.total++
	l.entries = append(l.entries, e)
	return l.total
}

func (l *requestLog) answered(number int64, status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := int64(len(l.entries)) - 1 - (l.total - number); n >= 0 {
		l.entries[n].Status = status
	}
}

func (l *requestLog) count() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total
}

func (l *requestLog) list() []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries[max(0, len(l.entries)-logged):])
}

// handler logs, then answers with next.
func (l *requestLog) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := l.add(r)
		next.ServeHTTP(&watched{ResponseWriter: w, on: func(status int) { l.answered(n, status) }}, r)
	})
}

// localAddr is the address of this side of the connection.
func localAddr(r *http.Request) string {
	if a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		return a.String()
	}
	return ""
}

// watched calls on once, with the final status, before it is sent.
type watched struct {
	http.ResponseWriter
	on   func(status int)
	done bool
}

func (w *watched) WriteHeader(status int) {
	if !w.done && (status >= 200 || status == http.StatusSwitchingProtocols) {
		w.done = true
		w.on(status)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *watched) Write(p []byte) (int, error) {
	if !w.done {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}

// Flush lets a registry that streams keep streaming.
func (w *watched) Flush() {
	if !w.done {
		w.WriteHeader(http.StatusOK)
	}
	_ = http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController reach the connection.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }
