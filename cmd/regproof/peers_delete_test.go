// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"slices"
	"testing"

	"github.com/regproof/regproof/internal/peer"
)

// deleteCases are registries that are told to delete nothing. What else may be
// written to them is that of sandboxCases.
func deleteCases() []peerCase {
	const probe = "immutability/delete-disabled"
	only := []string{"--only", probe}
	return []peerCase{
		{
			name: "delete-disabled-3.1.0", software: "distribution v3.1.0", setup: "htpasswd, delete is disabled, and tags are deleted none the less (CVE-2026-41888)", twin: "delete-disabled-3.1.2", needs: []string{peer.Registry310},
			exit: 1, fails: []string{probe}, build: undeletable(peer.Registry310, only...),
		},
		{
			name: "delete-disabled-3.0.0-rc.2", software: "distribution v3.0.0-rc.2", setup: "the same, a version before", twin: "delete-disabled-3.1.2", needs: []string{peer.RegistryRC2},
			exit: 1, fails: []string{probe}, build: undeletable(peer.RegistryRC2, only...),
		},
		{
			// Distribution has no immutable tags.
			name: "delete-disabled-3.1.0-all", software: "distribution v3.1.0", setup: "the same as delete-disabled-3.1.0, with every probe that writes", twin: "sandbox-registry-false", needs: []string{peer.Registry310},
			exit: 1, fails: []string{probe, "immutability/tag"}, build: undeletable(peer.Registry310),
		},
		{
			name: "delete-disabled-3.1.2", software: "distribution v3.1.2", setup: "htpasswd, delete is disabled", needs: []string{peer.Registry},
			passes: []string{probe}, build: undeletable(peer.Registry, only...),
		},
	}
}

// undeletable starts a registry that is told to delete nothing, and lets
// regproof write to a repository of its own.
func undeletable(name string, args ...string) func(*testing.T, *peerWorld) target {
	return func(t *testing.T, w *peerWorld) target {
		at := peer.StartRegistryWith(t, name, peer.Local(peer.Port(t)), peer.Htpasswd(t, peerUser, peerPassword), func(config map[string]any) {
			section(config, "storage")["delete"] = map[string]any{"enabled": false}
		})
		w.fill(t, at, peerUser+":"+peerPassword)
		return target{image: at + "/" + peerImage, args: slices.Concat([]string{"--write-sandbox", "sandbox/trials"}, args)}
	}
}
