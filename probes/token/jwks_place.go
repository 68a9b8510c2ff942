// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/probe"
)

// discovery is where an OpenID provider describes itself, below its name (OpenID
// Connect Discovery 1.0 section 4).
const discovery = "/.well-known/openid-configuration"

// place is where a token service may have its keys.
type place struct {
	host string // scheme://host[:port]
	path string
}

// places are the usual ones at the token service, and below the name of the
// issuer. Keycloak's are beside its token service.
func (m *template) places(t *probe.Trial) (out []place) {
	u, err := t.Way().URL.Parse(m.issuer.Realm)
	if err != nil {
		return nil
	}
	at := u.Scheme + "://" + u.Host
	for _, p := range []string{discovery, "/.well-known/jwks.json", "/jwks", path.Join("/", u.Path, "jwks"), path.Join("/", path.Dir(u.Path), "jwks")} {
		out = append(out, place{at, p})
	}
	if before, ok := strings.CutSuffix(u.Path, "/protocol/docker-v2/auth"); ok {
		out = append(out, place{at, before + "/protocol/openid-connect/certs"})
	}
	if is, ok := m.named(t, u); ok {
		out = append(out, place{is.Scheme + "://" + is.Host, strings.TrimSuffix(is.Path, "/") + discovery})
	}
	slices.SortFunc(out, func(a, b place) int { return strings.Compare(a.host+a.path, b.host+b.path) })
	return slices.Compact(out)
}

// named is the issuer of its tokens, where that is a URL of the token service's
// origin or of a place that the configuration names.
func (m *template) named(t *probe.Trial, realm *url.URL) (*url.URL, bool) {
	for _, j := range m.tokens() {
		u, err := url.Parse(j.Text("iss"))
		if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && u.Scheme != "http") {
			continue
		}
		if same(u, realm) || t.Named(u.String()) {
			return u, true
		}
	}
	return nil, false
}

// same says whether two URLs have one origin.
func same(a, b *url.URL) bool {
	one, err := credential.ParseOrigin(a.Scheme + "://" + a.Host)
	other, bad := credential.ParseOrigin(b.Scheme + "://" + b.Host)
	return err == nil && bad == nil && one == other
}

// published asks where token services have their keys.
func published(ctx context.Context, t *probe.Trial, m *template) (out []public) {
	places := m.places(t)
	docs := make([][]byte, len(places))
	tasks := make([]func(), len(places))
	for i, p := range places {
		tasks[i] = func() {
			docs[i] = document(ctx, t, p)
			if u, err := url.Parse(p.host); err == nil && strings.HasSuffix(p.path, discovery) {
				docs[i] = document(ctx, t, place{p.host, named(docs[i], u)})
			}
		}
	}
	together(tasks...)
	for i, doc := range docs {
		out = append(out, parseSet(doc, "at "+places[i].path)...)
	}
	return out
}

func document(ctx context.Context, t *probe.Trial, p place) []byte {
	if p.path == "" {
		return nil
	}
	if a := t.Published(ctx, probe.Issuer{Realm: p.host}, p.path); a.NotAsked == "" && a.Problem == "" && a.Status == http.StatusOK && !a.Truncated {
		return a.Body
	}
	return nil
}

// certified are the keys of the servers' certificates: many a token service signs
// with the key of its TLS certificate.
func certified(ctx context.Context, t *probe.Trial) (out []public) {
	for _, l := range t.Leaves(ctx) {
		if asymmetric(l.Certificate.PublicKey) {
			out = append(out, public{key: l.Certificate.PublicKey, certificate: l.Certificate.Raw, from: "in the TLS certificate of " + l.Of})
		}
	}
	return out
}

// configured are the keys that the configuration holds.
func configured(t *probe.Trial) (out []public) {
	if v := t.Verifies(); v != nil {
		out = append(out, public{key: v.Key, certificate: v.Certificate, file: v.File, from: "tokens.publicKey"})
	}
	if s := t.Signing(); s != nil {
		out = append(out, public{key: s.Key.Public(), from: "tokens.signingKey"})
	}
	return out
}
