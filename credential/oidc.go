// SPDX-License-Identifier: Apache-2.0

package credential

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Use is how a registry takes a workload's OIDC token.
type Use string

// The uses. Bearer: as it is, in the place of a registry's own token. Password: as
// the password of a user name that stands for all such tokens. Exchanged: given to
// the token service for one of its own (RFC 8693).
const (
	Bearer    Use = "bearer"
	Password  Use = "basic"
	Exchanged Use = "token-exchange"
)

// OIDC gets a workload's token from where it runs. From is where; of the other fields
// each belongs to some of them. A token that cannot be read, that is for another
// audience or that is over is an error: it would be refused whatever the registry does,
// and one for another audience may open something else to whoever sees it.
type OIDC struct {
	From     string // github, gitlab, kubernetes or file
	Audience string
	Path     string // of kubernetes (ServiceAccountToken by default) and file
	Variable string // of gitlab: the name under id_tokens
	Use      Use
	Username string // of Password
}

// ServiceAccountToken is where a pod's token usually is projected.
const ServiceAccountToken = "/var/run/secrets/kubernetes.io/serviceaccount/token"

// Credential gets the token and looks at it. Nothing of it is verified.
func (o OIDC) Credential(ctx context.Context) (Credential, error) {
	token, p, err := o.token(ctx)
	if err == nil {
		err = o.fits(token, time.Now())
	}
	if err != nil {
		return Credential{}, fmt.Errorf("oidc %s: %w", o.From, err)
	}
	secret := NewSecret(token)
	c := Credential{Token: secret, Source: p}
	switch o.Use {
	case Password:
		if err := checkUsername(o.Username); err != nil {
			return Credential{}, err
		}
		c = Credential{Username: o.Username, Password: secret, Source: p}
	case Exchanged:
		c = Credential{Subject: secret, Source: p}
	}
	return c, nil
}

func (o OIDC) token(ctx context.Context) (string, Provenance, error) {
	switch o.From {
	case "github":
		token, err := o.github(ctx)
		return token, Provenance{Kind: "OIDC", Key: "$" + githubURL}, err
	case "gitlab":
		token, err := variable(o.Variable)
		return token, Provenance{Kind: "OIDC", Key: "$" + o.Variable}, err
	case "kubernetes", "file":
		path := o.Path
		if path == "" && o.From == "kubernetes" {
			path = ServiceAccountToken
		}
		token, note, err := readLine(path)
		return token, Provenance{Kind: "OIDC", Path: path, Note: note}, err
	}
	return "", Provenance{}, errors.New("not a source of tokens: github, gitlab, kubernetes or file")
}

// The variables that GitHub sets in a job which may have a token (permissions:
// id-token: write).
const (
	githubURL   = "ACTIONS_ID_TOKEN_REQUEST_URL"
	githubToken = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
)

// github asks the runner's service once: https alone, except on this machine.
func (o OIDC) github(ctx context.Context) (string, error) {
	raw, err := variable(githubURL)
	if err != nil {
		return "", fmt.Errorf("%w (a job gets it with permissions: id-token: write)", err)
	}
	request, err := variable(githubToken)
	if err != nil {
		return "", err
	}
	origin, err := ParseOrigin(raw)
	if err != nil || (origin.plain() && !origin.loopback()) {
		return "", fmt.Errorf("environment variable %s is no https URL", githubURL)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return "", fmt.Errorf("environment variable %s is no URL", githubURL)
	}
	q := u.Query()
	q.Set("audience", o.Audience)
	u.RawQuery = q.Encode()
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", err
	}
	r.Header.Set("Authorization", "Bearer "+request)
	client := http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(r)
	if err != nil {
		return "", fmt.Errorf("%s: %w", origin, unwrapURL(err))
	}
	defer resp.Body.Close()
	var answer struct{ Value string }
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answered %d", origin, resp.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxSecretBytes)).Decode(&answer); err != nil || answer.Value == "" {
		return "", fmt.Errorf("%s answered without a token", origin)
	}
	return answer.Value, nil
}

// unwrapURL drops the URL, whose query may hold what identifies the job.
func unwrapURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// fits says why a token cannot be what the registry wants.
func (o OIDC) fits(token string, now time.Time) error {
	if err := checkToken(token); err != nil {
		return err
	}
	parts := strings.Split(token, ".")
	var claims struct {
		Audience any     `json:"aud"`
		Expiry   float64 `json:"exp"`
	}
	if len(parts) != 3 {
		return errors.New("what was found is no JWT")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		return errors.New("what was found is no JWT")
	}
	list, _ := claims.Audience.([]any)
	if s, ok := claims.Audience.(string); ok {
		list = []any{s}
	}
	switch {
	case !slices.Contains(list, any(o.Audience)):
		return fmt.Errorf("the token is not for the audience %q: ask for one that is, or name its audience", o.Audience)
	case claims.Expiry > 0 && float64(now.Unix()) >= claims.Expiry:
		return fmt.Errorf("the token is over since %s", time.Unix(int64(claims.Expiry), 0).UTC().Format(time.RFC3339))
	}
	return nil
}
