// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"context"
	"strings"

	"github.com/regproof/regproof/evidence"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/product"
	"github.com/regproof/regproof/wire"
)

// Bytes of an answer that are read; of a manifest it is wire.DefaultLimit.
const (
	pingLimit  = 64 << 10
	debugLimit = 256 << 10
)

// door is the candidate before anything is known of it.
func (c Candidate) door() Door {
	return Door{Kind: c.Kind, URL: c.URL, Address: c.Address, Host: c.Host, Why: c.Why}
}

// ask looks at one door.
func (s *scan) ask(ctx context.Context, c Candidate) Door {
	d := c.door()
	if ctx.Err() != nil {
		d.State, d.Note = NotAsked, "interrupted"
		return d
	}
	if c.Kind == Debug {
		s.debug(ctx, c, &d)
		return d
	}
	ping := s.send(ctx, c, &d, pingCall(), pingLimit)
	if d.State != "" {
		return d
	}
	var manifest *wire.Response
	// The name of a private repository is told to the registry's own machine,
	// and to others only where a registry may be.
	if !speaksTLS(ping) && s.want.comparable() && (s.want.own(c.Address.Addr()) || maybeRegistry(ping)) {
		m := s.send(ctx, c, &d, s.want.manifestCall(), wire.DefaultLimit)
		manifest = &m
	}
	s.judge(c, &d, ping, manifest)
	return d
}

// comparable says whether there is content to ask for.
func (w Want) comparable() bool { return w.Repository != "" && w.Digest.Hash() != nil }

func pingCall() oci.Request { return oci.Request{Kind: oci.Ping} }

func (w Want) manifestCall() oci.Request {
	return oci.Request{Kind: oci.Manifest, Repository: w.Repository, Reference: string(w.Digest), Accept: oci.AcceptManifests()}
}

// Targets are what a candidate may be sent, each by GET, in this order. An
// answer may make the later ones needless.
func (w Want) Targets(c Candidate) []string {
	if c.Kind == Debug {
		var out []string
		for _, p := range pages() {
			out = append(out, p.path)
		}
		return out
	}
	out := []string{pingCall().Target()}
	if w.comparable() {
		out = append(out, w.manifestCall().Target())
	}
	return out
}

// send puts a call of the API on the wire.
func (s *scan) send(ctx context.Context, c Candidate, d *Door, r oci.Request, limit int64) wire.Response {
	return s.get(ctx, c, d, r.Target(), r.Accept, limit)
}

// get sends one request and keeps what the answer tells of the door. When
// nobody answers the first one, the state says so.
func (s *scan) get(ctx context.Context, c Candidate, d *Door, target string, accept []string, limit int64) wire.Response {
	r := wire.Request{
		Identity: "anonymous", Method: "GET", Scheme: c.URL.Scheme, Target: target,
		Host: c.authority(), SNI: c.name(), Address: c.Address, Proto: wire.HTTP11, Fresh: true,
		Limit: limit, Connect: connectTime, Timeout: answerTime,
		Header: append([][2]string{}, s.headers...),
	}
	if c.Kind == Debug {
		r.Timeout = pageTime
	}
	if !wire.Header(r.Header).Has("Accept-Encoding") {
		r.Header = append(r.Header, [2]string{"Accept-Encoding", "identity"})
	}
	if len(accept) > 0 {
		r.Header = append(r.Header, [2]string{"Accept", strings.Join(accept, ", ")})
	}
	resp := s.do.Do(ctx, r)
	first := len(d.Evidence) == 0
	if resp.ID != "" {
		d.Evidence = append(d.Evidence, resp.ID)
	}
	if resp.TLS != nil && resp.TLS.Version != "" {
		d.TLS = strings.TrimPrefix(resp.TLS.Version, "TLS ")
		d.Problem = evidence.Printable(resp.TLS.Problem, 300)
	}
	if first && resp.Status == 0 {
		d.State, d.Note = silence(resp)
	}
	if p := product.Detect(resp.Header); d.Product == "" && p != product.Unknown {
		d.Product = p
	}
	return resp
}
