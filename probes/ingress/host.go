// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"context"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/wire"
)

// Host asks with other Host headers, and with targets that name a host.
var Host = probe.Probe{
	ID:    "ingress/host",
	Title: "No Host header opens what is denied",
	Why: "Fronts choose the server, and with it the guard, by the Host header. A name that " +
		"is spelt otherwise, unknown or absent ends at a server without one.",
	How: []string{
		"the manifest with Host as the address, localhost, an unknown name, the other names in the certificate",
		"the right name with another port, a trailing dot, in upper case; two Host headers; HTTP/1.0 without any",
		"targets in absolute form that name another host, with the right Host beside them",
	},
	Fix: "Put the guard into the default server, and answer 421 to names that are not " +
		"served. Compare names without port and trailing dot.",
	NotWhen:  "The image is meant to be public: say so with a rule in policy.rules.",
	Severity: finding.Critical,
	Control:  "host",
	Effect:   probe.Read,
	Per:      probe.Once,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		rows := hosts
		for _, name := range t.Way().Names {
			rows = append(rows[:len(rows):len(rows)], row{host: name, cause: otherServer}, row{host: name + ":{port}", cause: otherServer})
		}
		sets := setsOf(t, rows)
		if plain, ok := plainOf(t, manifest); ok { // HTTP/1.0 as such is another probe's
			f := factsOf(t, plain.Request)
			plain.Variant, plain.Change = string(wire.HTTP10), func(r *wire.Request) { r.Proto = wire.HTTP10 }
			sets = append(sets, setOf(f, plain, old))
		}
		return t.Vary(ctx, sets...)
	},
}

const (
	literally   = "The guard compares the Host header letter by letter."
	otherServer = "The guard belongs to one host name, and another one is served without it."
	byTarget    = "The front chooses the guard by the host in the target, and the registry is chosen by the Host header."
)

var hosts = []row{
	{host: "{hostname}", cause: literally},
	{host: "{hostname}:{port}", cause: literally},
	{host: "{hostname}:443", cause: literally},
	{host: "{hostname}:80", cause: literally},
	{host: "{hostname}:1", cause: literally},
	{host: "{hostname}.", cause: literally},
	{host: "{hostname}.:{port}", cause: literally},
	{host: "{HOSTNAME}:{port}", cause: literally},
	{host: "{address}", cause: otherServer},
	{host: "{address}:{port}", cause: otherServer},
	{host: "localhost", cause: otherServer},
	{host: "localhost:{port}", cause: otherServer},
	{host: "127.0.0.1", cause: otherServer},
	{host: "{other}", cause: otherServer},
	{host: "-", cause: otherServer},
	{name: "an empty Host", host: "-", header: [][2]string{{"Host", ""}}, cause: otherServer},
	{name: "two Host headers, {other} the second", header: [][2]string{{"Host", "{other}"}}, cause: otherServer},
	{name: "two Host headers, {other} the first", host: "{other}", header: [][2]string{{"Host", "{host}"}}, cause: otherServer},
	{target: "http://{other}{target}", cause: byTarget},
	{target: "https://{other}{target}", cause: byTarget},
	{target: "http://localhost{target}", cause: byTarget},
	{target: "http://{host}{target}", host: "{other}", cause: byTarget},
	{header: [][2]string{{"X-Forwarded-Host", "{other}"}}, cause: otherServer},
	{header: [][2]string{{"X-Forwarded-Host", "localhost"}}, cause: otherServer},
	{header: [][2]string{{"Forwarded", "host=localhost"}}, cause: otherServer},
	{header: [][2]string{{"X-Host", "localhost"}}, cause: otherServer},
}

// old is asked over HTTP/1.0, where no Host is needed.
var old = []row{
	{name: "HTTP/1.0 without Host", host: "-", proto: wire.HTTP10, cause: otherServer},
	{host: "{other}", proto: wire.HTTP10, cause: otherServer},
}
