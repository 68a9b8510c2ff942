// SPDX-License-Identifier: Apache-2.0

// Command registry is the registry of the distribution project, v3.1.2: a peer for
// tests, and nothing else. It has none of the weaknesses of its elders beside it.
// The storage drivers of clouds are left out, which take longest to build and
// no test needs.
package main

import (
	_ "net/http/pprof" // as the project's own command has it, on the debug port
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
