// SPDX-License-Identifier: Apache-2.0

// Command registry-rc2 is the registry of the distribution project, v3.0.0-rc.2: a peer for
// tests, and nothing else. It takes the key that a token brings along for a trusted one (CVE-2025-24976).
// The storage drivers of clouds are left out, which take longest to build and
// no test needs.
package main

import (
	"os"

	"github.com/distribution/distribution/v3/registry"
	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd"
	_ "github.com/distribution/distribution/v3/registry/auth/silly"
	_ "github.com/distribution/distribution/v3/registry/auth/token"
	_ "github.com/distribution/distribution/v3/registry/proxy"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
)

func main() {
	if err := registry.RootCmd.Execute(); err != nil {
		os.Exit(1)
	}
}
