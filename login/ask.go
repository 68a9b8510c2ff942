// SPDX-License-Identifier: Apache-2.0

package login

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/wire"
)

// Ask is one request to a token service, as it is put: what the flow itself
// would not ask.
type Ask struct {
	Method  string      // GET when empty
	Query   string      // raw, after the realm's own path; "" is the realm's own query
	Form    string      // body of a POST, application/x-www-form-urlencoded
	Header  [][2]string // further fields
	Without bool        // the identity's own Basic credential is left out
}

// ErrUntrusted is wrapped by what Put says of a token service that is neither
// on the registry's own host nor named for it: it gets no odd request.
var ErrUntrusted = errors.New("the token service is not known to belong to the registry")

// Put sends one request to the token service at realm as identity, and returns
// its answer with the exchanges. Nothing is remembered and nothing tried again.
// A realm that gets no odd request is ErrUntrusted: not even a stranger asks, and
// none is asked because a realm redirects there.
func (c *Client) Put(ctx context.Context, reg Registry, id Identity, realm string, a Ask) (wire.Response, []string, error) {
	d, why := destination(ctx, reg, id, realm)
	if why != "" {
		return wire.Response{}, nil, errors.New(why)
	}
	if !Owned(reg, id, d) {
		return wire.Response{}, nil, ErrUntrusted
	}
	method, query, headers := a.Method, a.Query, reg.Headers
	if method == "" {
		method = "GET"
	}
	if query == "" {
		query = d.URL.RawQuery
	}
	headers = append(headers[:len(headers):len(headers)], a.Header...)
	if cred := id.Secret.Credential; cred.Username != "" && !a.Without {
		headers = append(headers, [2]string{"Authorization", basic(cred)})
	}
	var body []byte
	if a.Form != "" {
		headers = append(headers, [2]string{"Content-Type", "application/x-www-form-urlencoded"})
		body = []byte(a.Form)
	}
	astray := false
	owned := func(to wire.Destination) bool {
		astray = !Owned(reg, id, to)
		return !astray
	}
	resp, trail, problem := c.ask(ctx, reg, id, d, method, query, headers, body, owned)
	if problem == "" && resp.Failure != "" {
		problem = fmt.Sprintf("the token service %s: %s", d.Origin, resp.Failure)
	}
	switch {
	case astray:
		return resp, trail, fmt.Errorf("%s: %w", problem, ErrUntrusted)
	case problem != "":
		return resp, trail, errors.New(problem)
	}
	return resp, trail, nil
}

// Owned says whether a token service may be asked oddly: it is on the
// registry's own host, or the configuration names it.
func Owned(reg Registry, id Identity, realm wire.Destination) bool {
	for _, o := range append(append([]credential.Origin{}, reg.Guard.Allowed...), id.Realms...) {
		if o == realm.Origin {
			return true
		}
	}
	return strings.EqualFold(realm.URL.Hostname(), reg.URL.Hostname()) && (realm.URL.Scheme == "https" || reg.URL.Scheme == "http")
}

// Reply is what a token service answered (token.md, oauth.md). ExpiresIn is in
// seconds, 0 when it does not say.
type Reply struct {
	Token, Refresh, ID string
	ExpiresIn          int64
	Scope              string
}

// ReadReply reads the body of an answer of status 200.
func ReadReply(body []byte) (Reply, error) {
	var t struct {
		Token       string      `json:"token"`
		AccessToken string      `json:"access_token"`
		Refresh     string      `json:"refresh_token"`
		ID          string      `json:"id_token"`
		ExpiresIn   json.Number `json:"expires_in"`
		Scope       any         `json:"scope"`
	}
	if err := json.Unmarshal(body, &t); err != nil {
		return Reply{}, err
	}
	r := Reply{Token: t.Token, Refresh: t.Refresh, ID: t.ID}
	if r.Token == "" {
		r.Token = t.AccessToken
	}
	r.Scope, _ = t.Scope.(string)
	if f, err := t.ExpiresIn.Float64(); err == nil && f > 0 && f < 1e12 {
		r.ExpiresIn = int64(f)
	}
	for _, s := range []string{r.Token, r.Refresh, r.ID} {
		if strings.ContainsAny(s, "\r\n\x00 ") {
			return Reply{}, errors.New("a token that cannot be sent")
		}
	}
	return r, nil
}
