// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// Hit is one request that a client let itself be lured into.
type Hit struct {
	Request
	// Secret: an Authorization header, or an entitled password in any place
	// (target, header, body), plain or in base64.
	Secret bool
}

// trap is another origin of the lab's making. It answers everything with what
// a token service would, so that a client which comes goes on.
type trap struct {
	url    string // on another host than the door
	near   string // on the door's own host, another port
	needle []string

	mu   sync.Mutex
	hits []Hit
}

func (d *Door) newTrap(ctx context.Context) (*trap, error) {
	t := &trap{}
	for _, u := range []user{d.lab.keys.ci, d.lab.keys.dev} {
		t.needle = append(t.needle, u.password,
			strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(u.name+":"+u.password)), "="),
			strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(u.password)), "="))
	}
	var err error
	if t.near, err = d.side(ctx, "127.0.0.1:0", t); err != nil {
		return t, err
	}
	t.url, err = d.side(ctx, "127.0.0.3:0", t)
	return t, err
}

// side opens one more listener with the door's own scheme, or a client that
// only refuses a change of scheme would look safe.
func (d *Door) side(ctx context.Context, at string, h http.Handler) (string, error) {
	l, err := listen(ctx, at)
	if err != nil {
		return "", err
	}
	at = d.scheme + "://" + l.Addr().String()
	if d.scheme == "https" {
		d.servers = append(d.servers, serve(ctx, h, d.lab.ca.config(), l))
		return at, nil
	}
	d.servers = append(d.servers, serve(ctx, h, nil, l))
	return at, nil
}

func (t *trap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20)) // what arrived is what matters
	var one requestLog
	one.add(r)
	h := Hit{Request: one.entries[0]}
	h.Status = http.StatusOK
	h.Secret = h.Authorization || t.carries(r, string(body))
	t.mu.Lock()
	if len(t.hits) < logged {
		t.hits = append(t.hits, h)
	}
	t.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"token":"trap","access_token":"trap","expires_in":300,"name":"trap","tags":["trap"],"repositories":["trap"]}`)
}

// carries tells whether any part of the request holds the secret.
func (t *trap) carries(r *http.Request, body string) bool {
	parts := []string{r.RequestURI, r.Host, body}
	for _, s := range []string{r.RequestURI, body} {
		if plain, err := url.QueryUnescape(s); err == nil {
			parts = append(parts, plain)
		}
	}
	for name, values := range r.Header {
		parts = append(append(parts, name), values...)
	}
	return slices.ContainsFunc(parts, func(p string) bool {
		return slices.ContainsFunc(t.needle, func(n string) bool { return strings.Contains(p, n) })
	})
}

func (t *trap) list() []Hit {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.hits)
}
