// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regproof/regproof/internal/peer"
)

// The second user of the token services: dev may pull what is public.
const (
	peerDev         = "dev"
	peerDevPassword = "other-secret"
)

// tokenCases are real registries with a token service of the peers'.
func tokenCases() []peerCase {
	v3, rc2 := []string{peer.Registry}, []string{peer.RegistryRC2}
	const current, old, sound = "distribution v3.1.2, token service", "distribution v3.0.0-rc.2, token service", "token-two-users"
	atLow := []string{"--fail-on", "low"}
	return []peerCase{
		{
			name: sound, software: current, setup: "two users, one of them with lesser rights; strangers get a token without rights", needs: v3,
			build: tokens(peer.Registry, peer.TokenOptions{Stranger: peer.Nothing, Refresh: true}, atLow...),
		},
		{
			name: "token-strict", software: current, setup: "the same, strangers are refused", needs: v3,
			build: tokens(peer.Registry, peer.TokenOptions{Stranger: peer.Refuse, Refresh: true}, atLow...),
		},
		{
			name: "token-issuer-key", software: current, setup: "the issuer's key is at hand, and another token service with the same users", needs: v3,
			passes: []string{"token/issuer", "token/audience", "token/structure", "token/signature", "token/algorithm"},
			build:  keyed(peer.TokenOptions{Stranger: peer.Nothing, Refresh: true}, atLow...),
		},
		{
			name: "token-one-minute", software: current, setup: "tokens live for a minute, and regproof waits for their end (--slow)", needs: v3,
			passes: []string{"token/expiry"},
			build:  keyed(peer.TokenOptions{Stranger: peer.Nothing, Lifetime: time.Minute}, append(atLow, "--slow", "--only", "token/expiry", "--only", "anonymous/*")...),
		},
		{
			name: "token-any-service", software: current, setup: "the token service gives tokens for whatever service is asked for; the registry looks for its own", needs: v3,
			build: tokens(peer.Registry, peer.TokenOptions{Stranger: peer.Nothing, AsAsked: true}, atLow...),
		},
		{
			name: "token-no-audience", software: current, setup: "tokens are for nobody, and the registry takes none", needs: v3, exit: 3,
			build: tokens(peer.Registry, peer.TokenOptions{Stranger: peer.Nothing, Nobody: true}, atLow...),
		},
		{
			name: "token-anonymous-pull", software: current, setup: "strangers get a token that may pull", twin: sound, needs: v3,
			exit: 1, fails: append([]string{"token/stranger"}, everythingBut("catalog")...),
			build: tokens(peer.Registry, peer.TokenOptions{Stranger: peer.Pull}, atLow...),
		},
		{
			name: "token-anonymous-any", software: current, setup: "strangers get whatever they ask for", twin: sound, needs: v3,
			exit: 1, fails: append([]string{"token/stranger"}, andUpload...),
			build: tokens(peer.Registry, peer.TokenOptions{Stranger: peer.Any}, atLow...),
		},
		{
			name: "token-everybody-all", software: current, setup: "the token service knows its users, and gives each whatever is asked for", twin: sound, needs: v3,
			exit: 1, fails: []string{"token/escalation", "authz/pull", "authz/push", "authz/list"},
			build: func(t *testing.T, w *peerWorld) target {
				return tokensFor(t, w, peer.Registry, peer.TokenOptions{Stranger: peer.Nothing}, nil, atLow...)
			},
		},
		{
			name: "token-surplus", software: current, setup: "who asks to pull gets all that he may", twin: sound, needs: v3,
			exit: 1, fails: []string{"token/surplus"}, may: []string{"token/action"},
			build: tokens(peer.Registry, peer.TokenOptions{Stranger: peer.Nothing, Surplus: true}, atLow...),
		},
		{
			name: "token-long-lived", software: current, setup: "tokens live for thirty days", twin: sound, needs: v3,
			exit: 1, fails: []string{"token/lifetime"},
			build: tokens(peer.Registry, peer.TokenOptions{Stranger: peer.Nothing, Lifetime: 30 * 24 * time.Hour}, atLow...),
		},
		{
			name: "token-one-hour", software: current, setup: "tokens live for an hour", twin: sound, needs: v3,
			exit: 1, fails: []string{"token/lifetime"},
			build: tokens(peer.Registry, peer.TokenOptions{Stranger: peer.Nothing, Lifetime: time.Hour}, atLow...),
		},
		{
			name: "token-key-3.0.0-rc.2", software: old, setup: "the registry takes the key that a token brings, if its kid is a trusted one (CVE-2025-24976)", twin: sound, needs: rc2,
			exit: 1, fails: []string{"token/key"},
			build: tokens(peer.RegistryRC2, peer.TokenOptions{Stranger: peer.Nothing, Refresh: true}, atLow...),
		},
	}
}

// readsPublic is what dev may do.
func readsPublic(kind, name, action string) bool {
	return kind == "repository" && strings.HasPrefix(name, "public/") && action == "pull"
}

// tokens starts a token service and a registry that trusts it.
func tokens(registry string, o peer.TokenOptions, args ...string) func(*testing.T, *peerWorld) target {
	return func(t *testing.T, w *peerWorld) target { return tokensFor(t, w, registry, o, readsPublic, args...) }
}

func tokensFor(t *testing.T, w *peerWorld, registry string, o peer.TokenOptions, dev peer.Rights, args ...string) target {
	t.Helper()
	service := tokenService(t, o, dev)
	auth := service.Auth("")
	if registry == peer.RegistryRC2 {
		auth = service.AuthRC2()
	}
	storage := ""
	at := peer.StartRegistryWith(t, registry, peer.Local(peer.Port(t)), auth, func(config map[string]any) { storage = storageOf(config) })
	if !o.Nobody { // or nobody could push
		w.fill(t, at, peerUser+":"+peerPassword)
	}
	a := w.withDev(t, at, strings.TrimSuffix(service.URL, "/token"), args...)
	a.storage = storage
	return a
}

func tokenService(t *testing.T, o peer.TokenOptions, dev peer.Rights) *peer.TokenService {
	t.Helper()
	service := peer.NewTokenServiceWith(t, peerUser, peerPassword, o)
	service.AddUser(peerDev, peerDevPassword, dev)
	return service
}

// keyed is a registry whose issuer's private key regproof is given, and the token
// service of another registry, which has the same users.
func keyed(o peer.TokenOptions, args ...string) func(*testing.T, *peerWorld) target {
	return func(t *testing.T, w *peerWorld) target {
		t.Helper()
		service := tokenService(t, o, readsPublic)
		o.Issuer = "another token service"
		other := tokenService(t, o, readsPublic)
		at := peer.StartRegistry(t, peer.Registry, service.Auth(""))
		w.fill(t, at, peerUser+":"+peerPassword)
		key, id := service.SigningKey()
		extra := fmt.Sprintf("{otherRealms: [%q], signingKey: %q, keyID: %q}", other.URL, key, id)
		return w.withDev(t, at+"\n    tokens: "+extra, strings.TrimSuffix(service.URL, "/token")+`", "`+strings.TrimSuffix(other.URL, "/token"), args...)
	}
}

// withDev is a file with both users and what they may do.
func (w *peerWorld) withDev(t *testing.T, at, realm string, args ...string) target {
	t.Helper()
	a := w.fromFile(t, strings.NewReplacer("FIRST", at, "REALM", realm).Replace(`version: 1
registries:
  - name: corp
    url: http://FIRST
identities:
  - name: ci
    from: {env: [CI_USER, CI_PASSWORD]}
    realms: ["REALM"]
  - name: dev
    from: {env: [DEV_USER, DEV_PASSWORD]}
    realms: ["REALM"]
policy:
  rules:
    - {who: [ci], repos: ["**"], can: [pull, push, delete, list, catalog]}
    - {who: [dev], repos: ["public/**"], can: [pull, list]}
images:
  - {registry: corp, repository: team/app, reference: "1.4"}
  - {registry: corp, repository: public/base, reference: "1"}
check:
  budget: {denied: 3000}
`))
	a.env = append(a.env, "DEV_USER="+peerDev, "DEV_PASSWORD="+peerDevPassword)
	a.args = slices.Concat(a.args, []string{"--try-wrong-password"}, args)
	return a
}

func everythingBut(probe string) []string {
	return slices.DeleteFunc(slices.Clone(everything), func(p string) bool { return p == probe })
}
