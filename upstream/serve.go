// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Place is what a request was for.
type Place string

// The places.
const (
	API           Place = "api"            // anything that is no token service
	OwnTokens     Place = "own tokens"     // the token service on the upstream's own host
	ForeignTokens Place = "foreign tokens" // the one on another host
)

// The paths of the token services. They are the same in every run: the registry
// of the distribution project learns them as it starts.
const (
	ownPath     = "/token"
	foreignPath = "/foreign/token"
)

const service = "regproof-upstream"

// Request is one request that came, without any secret: of a credential there
// is only how it was sent.
type Request struct {
	At         time.Time
	From       netip.Addr
	Method     string
	Target     string // its path, and of its query the service and the scopes
	Host       string
	Agent      string
	Place      Place
	Credential string // Basic, another Authorization, or the parameter; "" is none
	Scopes     string
	Status     int
	Challenges []string
}

// Asks says whether the request is for a repository whose name has this word.
func (r Request) Asks(word string) bool {
	return strings.Contains(r.Scopes, word) || strings.Contains(r.Target, word)
}

// ServeHTTP answers 401 to everybody.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	got := Request{At: time.Now(), Method: r.Method, Target: target(r.URL), Host: r.Host, Agent: r.UserAgent(), Place: API, Status: http.StatusUnauthorized}
	if at, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		got.From = at.Addr().Unmap()
	}
	switch r.URL.Path {
	case ownPath:
		got.Place = OwnTokens
	case foreignPath:
		got.Place = ForeignTokens
	}
	form := r.URL.Query()
	if got.Place != API && r.Method == http.MethodPost {
		body, _ := io.ReadAll(r.Body) // what is cut off is not looked at
		sent, _ := url.ParseQuery(string(body))
		for k, v := range sent {
			form[k] = append(form[k], v...)
		}
	}
	got.Credential = credential(r, form)
	got.Scopes = strings.Join(form["scope"], " ")
	if got.Place == API {
		got.Challenges = s.challenges(r)
	}
	// Kept before it is answered: who has the answer finds it noted.
	s.keep(got)
	h := w.Header()
	h.Set("Docker-Distribution-Api-Version", "registry/2.0")
	h.Set("Content-Type", "application/json")
	h["Www-Authenticate"] = got.Challenges
	w.WriteHeader(got.Status)
	if r.Method != http.MethodHead {
		fmt.Fprintln(w, `{"errors":[{"code":"UNAUTHORIZED","message":"nothing is served here"}]}`)
	}
}

// target is a path, and what of a query is no secret.
func target(u *url.URL) string {
	kept := url.Values{}
	for _, key := range []string{"service", "scope"} {
		if v, ok := u.Query()[key]; ok {
			kept[key] = v
		}
	}
	if len(kept) == 0 {
		return u.EscapedPath()
	}
	return u.EscapedPath() + "?" + kept.Encode()
}

// credential says how a credential was sent, and forgets it.
func credential(r *http.Request, form url.Values) string {
	if scheme, value, ok := strings.Cut(strings.TrimSpace(r.Header.Get("Authorization")), " "); ok && strings.TrimSpace(value) != "" {
		if strings.EqualFold(scheme, "basic") {
			return "Basic"
		}
		return "Authorization"
	}
	for _, key := range []string{"password", "refresh_token", "client_secret", "assertion", "access_token"} {
		if form.Get(key) != "" {
			return key + " as a parameter"
		}
	}
	return ""
}

// challenges are what WWW-Authenticate says, with the scope that is asked for
// below /v2/.
func (s *Server) challenges(r *http.Request) []string {
	s.mu.Lock()
	offer := s.offer
	s.mu.Unlock()
	scope := ""
	if rest, ok := strings.CutPrefix(r.URL.Path, "/v2/"); ok {
		for _, part := range []string{"/manifests/", "/blobs/", "/tags/", "/referrers/"} {
			if i := strings.LastIndex(rest, part); i > 0 && !strings.ContainsAny(rest[:i], "\"\\\r\n") {
				scope = `,scope="repository:` + rest[:i] + `:pull"`
				break
			}
		}
	}
	bearer := func(base *url.URL, path string) string {
		return fmt.Sprintf(`Bearer realm="%s%s",service="%s"%s`, base, path, service, scope)
	}
	own, foreign := bearer(s.opts.URL, ownPath), bearer(s.opts.Foreign, foreignPath)
	switch offer {
	case OwnAlone:
		return []string{own}
	case ForeignAlone:
		return []string{foreign}
	}
	return []string{foreign, own}
}

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// few is a listener that takes so many connections at a time.
type few struct {
	net.Listener
	slots chan struct{}
}

func (l *few) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.slots <- struct{}{}:
			return &counted{Conn: c, free: sync.OnceFunc(func() { <-l.slots })}, nil
		default:
			_ = c.Close() // one too many
		}
	}
}

type counted struct {
	net.Conn
	free func()
}

func (c *counted) Close() error {
	c.free()
	return c.Conn.Close()
}
