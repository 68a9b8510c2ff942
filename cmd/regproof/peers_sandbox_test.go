// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"fmt"
	"testing"

	"github.com/regproof/regproof/internal/peer"
)

// sandboxCases write to registries that nobody here wrote. Distribution has no
// immutable tags, so that control fails on all of them; what else it holds is
// held to that.
func sandboxCases() []peerCase {
	holds := []string{"immutability/anonymous-write", "immutability/digest", "immutability/manifest-type", "immutability/foreign-layer"}
	var out []peerCase
	for _, r := range []struct{ peer, software string }{{peer.DockerRegistry, "docker-registry 2.8.2"}, {peer.Registry, "distribution v3.1.2"}} {
		for _, deletes := range []bool{true, false} {
			c := peerCase{
				name: fmt.Sprintf("sandbox-%s-%t", r.peer, deletes), software: r.software, setup: "htpasswd, --write-sandbox, deletes allowed", needs: []string{r.peer},
				exit: 1, fails: []string{"immutability/tag"}, passes: append([]string{"immutability/deleted-content"}, holds...),
				build: func(t *testing.T, w *peerWorld) target {
					storage := ""
					at := peer.StartRegistryWith(t, r.peer, peer.Local(peer.Port(t)), peer.Htpasswd(t, peerUser, peerPassword), func(config map[string]any) {
						config["storage"].(map[string]any)["delete"] = map[string]any{"enabled": deletes}
						storage = storageOf(config)
					})
					w.fill(t, at, peerUser+":"+peerPassword)
					return target{image: at + "/" + peerImage, args: []string{"--write-sandbox", "sandbox/trials", "--active"}, storage: storage}
				},
			}
			if !deletes {
				c.setup = "htpasswd, --write-sandbox, deletes disabled"
				c.passes = append([]string{"immutability/delete-disabled"}, holds...)
			}
			out = append(out, c)
		}
	}
	// A stranger who may push everything is found by what he pushed.
	return append(out, peerCase{
		name: "sandbox-open", software: "docker-registry 2.8.2", setup: "no auth section, --write-sandbox", twin: "sandbox-docker-registry-true",
		exit: 1, fails: append([]string{"immutability/anonymous-write", "immutability/tag"}, everything...),
		build: func(t *testing.T, w *peerWorld) target {
			return target{image: w.open + "/" + peerImage, args: []string{"--write-sandbox", "sandbox/trials"}}
		},
	})
}

// storageOf is the folder in which a registry keeps what it has.
func storageOf(config map[string]any) string {
	return config["storage"].(map[string]any)["filesystem"].(map[string]any)["rootdirectory"].(string)
}
