// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"strings"
	"testing"

	"github.com/regproof/regproof/internal/peer"
)

// The second user, who has a password and few rights.
const (
	otherUser     = "bob"
	otherPassword = "secret too"
)

// bobReads is what policy gives bob.
const bobReads = `    - {who: [bob], repos: ["public/**"], can: [pull, list]}
    - {who: [bob], repos: [regproof-sandbox], can: [pull, push, list]}
`

// rightsCases are registries with two users, one of whom may do little.
func rightsCases() []peerCase {
	file := func(t *testing.T) string {
		return peer.UsersFile(t, [2]string{peerUser, peerPassword}, [2]string{otherUser, otherPassword})
	}
	users := func(t *testing.T) peer.Auth {
		return peer.Auth{"htpasswd": map[string]any{"realm": "peer", "path": file(t)}}
	}
	flat := []string{"authz/list", "authz/pull", "authz/push"}
	deletes := func(config map[string]any) {
		config["storage"].(map[string]any)["delete"] = map[string]any{"enabled": true}
	}
	return []peerCase{
		{
			name: "two-users-htpasswd", software: "docker-registry 2.8.2", setup: "htpasswd with two users; policy gives one of them nothing", twin: "two-users-token",
			exit: 1, fails: flat, says: "high",
			build: func(t *testing.T, w *peerWorld) target {
				return w.twoUsers(t, peer.StartRegistry(t, peer.DockerRegistry, users(t)), "", "")
			},
		},
		{
			name: "two-users-htpasswd-delete", software: "distribution v3.1.2", setup: "the same, deletion is switched on", twin: "two-users-token", needs: []string{peer.Registry},
			exit: 1, fails: append([]string{"authz/delete"}, flat...),
			build: func(t *testing.T, w *peerWorld) target {
				at := peer.StartRegistryWith(t, peer.Registry, peer.Local(peer.Port(t)), users(t), deletes)
				return w.twoUsers(t, at, "", "")
			},
		},
		{
			name: "two-users-auth-basic", software: "nginx 1.22, docker-registry 2.8.2", setup: "auth_basic with two users before an open registry", twin: "two-users-token", needs: []string{peer.Nginx},
			exit: 1, fails: flat,
			build: func(t *testing.T, w *peerWorld) target {
				front := w.nginx(t, peer.StartRegistry(t, peer.DockerRegistry, nil), "auth_basic R; auth_basic_user_file "+file(t)+"; location / { {PASS} }")
				return w.twoUsers(t, front, "", bobReads)
			},
		},
		{
			name: "two-users-token", software: "distribution v3.1.2, token service", setup: "a token service with rights for each user and repository, deletion switched on, --write-sandbox", needs: []string{peer.Registry},
			passes: []string{
				"authz/blob-existence", "authz/blob-link", "authz/blob-mount", "authz/blob-repository", "authz/blob-status", "authz/delete", "authz/list", "authz/pull", "authz/push",
				"authz/upload-finish", "authz/upload-session",
			},
			build: func(t *testing.T, w *peerWorld) target {
				service := peer.NewTokenService(t, peerUser, peerPassword, peer.Refuse)
				service.AddUser(otherUser, otherPassword, func(kind, name, action string) bool {
					sandbox := name == "regproof-sandbox" && (action == "pull" || action == "push")
					return kind == "repository" && (sandbox || (action == "pull" && strings.HasPrefix(name, "public/")))
				})
				at := peer.StartRegistryWith(t, peer.Registry, peer.Local(peer.Port(t)), service.Auth(""), deletes)
				a := w.twoUsers(t, at, strings.TrimSuffix(service.URL, "/token"), bobReads)
				a.args = append(a.args, "--write-sandbox", "regproof-sandbox", "--skip", "immutability/*") // tags move here
				return a
			},
		},
	}
}

// twoUsers fills a registry, and calls regproof with both users.
func (w *peerWorld) twoUsers(t *testing.T, at, realm, bob string) target {
	t.Helper()
	w.fill(t, at, peerUser+":"+peerPassword)
	realms := ""
	if realm != "" {
		realms = `realms: ["` + realm + `"], `
	}
	a := w.fromFile(t, strings.NewReplacer("REGISTRY", at, "REALMS", realms, "BOB\n", bob).Replace(`version: 1
registries:
  - {name: corp, url: "http://REGISTRY"}
identities:
  - {name: ci, REALMSfrom: {env: [CI_USER, CI_PASSWORD]}}
  - {name: bob, REALMSfrom: {env: [BOB_USER, BOB_PASSWORD]}}
policy:
  rules:
    - {who: [ci], repos: ["**"], can: [pull, push, delete, list, catalog]}
BOB
images:
  - {registry: corp, repository: team/app, reference: "1.4"}
  - {registry: corp, repository: public/base, reference: "1"}
`))
	a.env = append(a.env, "BOB_USER="+otherUser, "BOB_PASSWORD="+otherPassword)
	return a
}
