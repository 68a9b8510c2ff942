// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// ClientConfiguration looks for settings by which a client would be fooled.
var ClientConfiguration = probe.Probe{
	ID:    "exposure/client-configuration",
	Title: "Clients verify the registry and have no other upstream",
	Why: "A client that does not verify the registry gives images and passwords to whoever " +
		"stands between; one that falls back to a public registry pulls what a stranger put there.",
	How: []string{
		"with --import containerd, podman or docker: the configuration files of that client on this machine",
		"hosts.toml and certs.d, registries.conf and its drop-ins, daemon.json; settings that concern this registry",
		"the doors that they name are probed as if they were endpoints of the configuration",
	},
	Fix:      "Give the client the registry's authority (ca) in the place of skip_verify or insecure, and name no public registry as mirror or fallback of a private one.",
	NotWhen:  "The setting is for a registry on loopback.",
	Severity: finding.High,
	Control:  "client-configuration",
	Effect:   probe.Read,
	Option:   "--import",
	Per:      probe.Primary,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		return t.Clients(ctx)
	},
}
