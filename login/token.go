// SPDX-License-Identifier: Apache-2.0

package login

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/regproof/regproof/wire"
)

// maxToken bounds the answer of a token service, in bytes.
const maxToken = 1 << 20

// token asks the realm for a token: by GET, or by POST when all there is is
// a refresh token, or when the service does not take a GET (404, 405).
func (c *Client) token(ctx context.Context, reg Registry, id Identity, ch Challenge, scope []string) Grant {
	d, why := destination(ctx, reg, id, ch.Params["realm"])
	if why != "" {
		return Grant{Problem: why}
	}
	cred := id.Secret.Credential
	if !cred.Refresh.IsZero() || !cred.Subject.IsZero() {
		return c.post(ctx, reg, id, d, ch, scope)
	}
	g, again := c.get(ctx, reg, id, d, ch, scope)
	if again && cred.Username != "" {
		post := c.post(ctx, reg, id, d, ch, scope)
		post.Evidence = append(g.Evidence, post.Evidence...)
		return post
	}
	return g
}

func (c *Client) get(ctx context.Context, reg Registry, id Identity, d wire.Destination, ch Challenge, scope []string) (g Grant, again bool) {
	q := d.URL.Query()
	if s := ch.Params["service"]; s != "" {
		q.Set("service", s)
	}
	for _, s := range scope {
		q.Add("scope", s)
	}
	headers := reg.Headers
	if cred := id.Secret.Credential; cred.Username != "" {
		q.Set("account", cred.Username)
		headers = append(headers[:len(headers):len(headers)], [2]string{"Authorization", basic(cred)})
	}
	resp, evidence, problem := c.ask(ctx, reg, id, d, "GET", q.Encode(), headers, nil, nil)
	if problem != "" {
		return Grant{Evidence: evidence, Problem: problem}, false
	}
	return read(resp, evidence, d), resp.Status == http.StatusNotFound || resp.Status == http.StatusMethodNotAllowed
}

func (c *Client) post(ctx context.Context, reg Registry, id Identity, d wire.Destination, ch Challenge, scope []string) Grant {
	cred := id.Secret.Credential
	form := url.Values{"service": {ch.Params["service"]}, "client_id": {"regproof"}, "scope": {strings.Join(scope, " ")}}
	if !cred.Subject.IsZero() {
		form = Exchange(ch.Params["service"], cred.Subject.Reveal(), scope...)
	} else if cred.Refresh.IsZero() {
		form.Set("grant_type", "password")
		form.Set("username", cred.Username)
		form.Set("password", cred.Password.Reveal())
	} else {
		form.Set("grant_type", "refresh_token")
		form.Set("refresh_token", cred.Refresh.Reveal())
	}
	headers := append(reg.Headers[:len(reg.Headers):len(reg.Headers)], [2]string{"Content-Type", "application/x-www-form-urlencoded"})
	resp, evidence, problem := c.ask(ctx, reg, id, d, "POST", d.URL.RawQuery, headers, []byte(form.Encode()), nil)
	if problem != "" {
		return Grant{Evidence: evidence, Problem: problem}
	}
	g := read(resp, evidence, d)
	if resp.Status == http.StatusBadRequest && !cred.Subject.IsZero() {
		g.Refused, g.Problem = true, "" // RFC 8693 section 2.2.2
	}
	return g
}

// Exchange is the form that asks a token service to give one of its own tokens
// for that of a workload (RFC 8693 section 2.1).
func Exchange(service, subject string, scope ...string) url.Values {
	form := url.Values{
		"grant_type":    {"urn:ietf:params:oauth:grant-type:token-exchange"},
		"subject_token": {subject}, "subject_token_type": {"urn:ietf:params:oauth:token-type:id_token"},
		"requested_token_type": {"urn:ietf:params:oauth:token-type:access_token"},
		"client_id":            {"regproof"}, "scope": {strings.Join(scope, " ")},
	}
	if service != "" {
		form.Set("service", service)
		form.Set("audience", service)
	}
	return form
}

// ask sends one request to the token service. A redirect is followed by
// anonymous alone, since a secret never leaves its origin, and only to where may
// lets it lead; nil is anywhere.
func (c *Client) ask(ctx context.Context, reg Registry, id Identity, d wire.Destination, method, query string, headers [][2]string, body []byte, may func(wire.Destination) bool) (wire.Response, []string, string) {
	var evidence []string
	for range wire.MaxHops + 1 {
		target := d.URL.EscapedPath()
		if target == "" {
			target = "/"
		}
		if query != "" {
			target += "?" + query
		}
		req := wire.Request{
			Identity: id.Name, Method: method, Scheme: d.URL.Scheme, Target: target, Host: d.URL.Host, SNI: d.URL.Hostname(),
			Address: d.Address, Header: headers, Body: body, Sensitive: true, Limit: maxToken, Cert: id.Cert,
		}
		resp := c.Wire.Do(ctx, req)
		if resp.Failure == wire.Stale { // the service closed an idle connection: not its answer
			evidence = append(evidence, resp.ID)
			req.Fresh = true
			resp = c.Wire.Do(ctx, req)
		}
		evidence = append(evidence, resp.ID)
		if resp.Failure != "" && !resp.WantsCertificate() {
			return resp, evidence, fmt.Sprintf("the token service %s: %s", d.Origin, resp.Failure)
		}
		if resp.Status/100 != 3 || !resp.Header.Has("Location") {
			return resp, evidence, ""
		}
		next, err := reg.Guard.Check(ctx, d.URL, resp.Header.Get("Location"), wire.Realm)
		switch {
		case err != nil:
			return resp, evidence, err.Error()
		case !id.Anonymous() && !next.SameOrigin:
			return resp, evidence, fmt.Sprintf("the token service %s redirects to %s, where the secret of %s does not go", d.Origin, next.Origin, id.Name)
		case may != nil && !may(next):
			return resp, evidence, fmt.Sprintf("the token service %s redirects to %s", d.Origin, next.Origin)
		}
		d, query = next, next.URL.RawQuery
	}
	return wire.Response{}, evidence, fmt.Sprintf("the token service redirects more than %d times", wire.MaxHops)
}

// read judges the answer of a token service. Fewer rights than were asked for
// are not an error there, so a grant may be empty (token.md).
func read(resp wire.Response, evidence []string, d wire.Destination) Grant {
	g := Grant{Evidence: evidence}
	switch {
	case Filtered(resp):
		g.Problem = fmt.Sprintf("a bot filter in front of the token service %s answered 403", d.Origin)
		return g
	case resp.Status == http.StatusUnauthorized, resp.Status == http.StatusForbidden, resp.WantsCertificate():
		g.Refused = true
		return g
	case resp.Status/100 != 2:
		g.Problem = fmt.Sprintf("the token service %s answered %d", d.Origin, resp.Status)
		return g
	}
	var t struct {
		Token       string `json:"token"`
		AccessToken string `json:"access_token"`
		ExpiresIn   any    `json:"expires_in"`
	}
	if err := json.Unmarshal(resp.Body, &t); err != nil || resp.Truncated {
		g.Problem = fmt.Sprintf("the token service %s did not answer with JSON", d.Origin)
		return g
	}
	if t.Token == "" {
		t.Token = t.AccessToken
	}
	if t.Token == "" || strings.ContainsAny(t.Token, "\r\n\x00 ") {
		g.Problem = fmt.Sprintf("the token service %s answered without a usable token", d.Origin)
		return g
	}
	g.Header = "Bearer " + t.Token
	subject, access, err := peek(t.Token)
	g.Opaque, g.Subject, g.Access = err != nil, subject, access
	seconds, _ := t.ExpiresIn.(float64)
	g.Life = life(t.Token, seconds)
	return g
}

// life is how long a token may be used: what the service says and what the token
// says itself, whichever is less; 60 s where neither does (token.md).
func life(token string, expiresIn float64) time.Duration {
	const unsaid, most = 60, 24 * 60 * 60
	seconds := int64(most)
	said := expiresIn >= 1
	if said && expiresIn < most {
		seconds = int64(expiresIn)
	}
	if j, err := ParseJWT(token); err == nil {
		exp, ends := j.Seconds("exp")
		if iat, begins := j.Seconds("iat"); ends && begins && exp > iat && exp-iat > 0 && exp-iat < most { // > 0: or it is too large to tell
			said, seconds = true, min(seconds, exp-iat)
		}
	}
	if !said {
		seconds = unsaid
	}
	return time.Duration(seconds) * time.Second
}

// Filtered says whether an answer is the 403 of a bot filter or a rate limit: it
// has their mark, or it is a page.
func Filtered(resp wire.Response) bool {
	if resp.Status != http.StatusForbidden {
		return false
	}
	for _, mark := range []string{"Cf-Mitigated", "X-Amzn-Waf-Action", "Retry-After"} {
		if resp.Header.Has(mark) {
			return true
		}
	}
	return strings.Contains(strings.ToLower(resp.Header.Get("Content-Type")), "html") || strings.Contains(resp.Header.Get("Server"), "AkamaiGHost")
}

// peek reads what a JWT says of itself. It verifies nothing: that is the
// registry's task, and whoever asks only wants to know what to try.
func peek(token string) (subject string, access []Access, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", nil, errors.New("not a JWT")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", nil, err
	}
	var claims struct {
		Subject string    `json:"sub"`
		Access  *[]Access `json:"access"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return "", nil, err
	}
	if claims.Access == nil {
		return claims.Subject, nil, errors.New("a JWT without an access claim")
	}
	for _, a := range *claims.Access {
		if len(a.Actions) > 0 {
			access = append(access, a)
		}
	}
	return claims.Subject, access, nil
}
