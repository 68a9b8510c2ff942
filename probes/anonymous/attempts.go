// SPDX-License-Identifier: Apache-2.0

package anonymous

import (
	"fmt"
	"strings"

	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/wire"
)

// clients are agents that real pulls are made with. Some fronts let them
// through where they stop scanners, and others the reverse.
var clients = []struct{ name, agent string }{
	{"User-Agent of docker", probe.DockerAgent},
	{"User-Agent of containerd", "containerd/2.1.1"},
	{"User-Agent of skopeo", "skopeo/1.9.3"},
	{"User-Agent of kubelet", "kubelet/v1.33.0 (linux/amd64) kubernetes/abcdef0"},
	{"no User-Agent", ""},
}

// core is the canonical request, and what real clients would make of it:
// every denial is repeated as each of them, once without our own headers, and
// once more on a fresh connection at the end.
func core(a probe.Attempt) []probe.Attempt {
	a.AllLanes = true
	out := []probe.Attempt{a}
	a.AllLanes = false
	for _, c := range clients {
		b := a
		b.Class, b.Variant = probe.Client, c.name
		b.Change = also(a.Change, func(r *wire.Request) { r.Header = set(r.Header, "User-Agent", c.agent) })
		out = append(out, b)
	}
	bare := a
	bare.Class, bare.Variant, bare.Bare = probe.Client, "no headers of ours", true
	fresh := a
	fresh.Class, fresh.Variant, fresh.Fresh = probe.Client, "a new connection", true
	return append(out, bare, fresh)
}

// asDocker is the canonical request of a probe outside the core, and once more
// as docker would ask it.
func asDocker(a probe.Attempt) []probe.Attempt {
	a.AllLanes = true
	b := a
	b.AllLanes, b.Class, b.Variant = false, probe.Client, clients[0].name
	b.Change = also(a.Change, func(r *wire.Request) { r.Header = set(r.Header, "User-Agent", clients[0].agent) })
	return []probe.Attempt{a, b}
}

// blob is the canonical request for a config or a layer. What is kept of a
// large one is where its sample lies.
func blob(t *probe.Trial, c *image.Content) probe.Attempt {
	return probe.Attempt{
		Request: oci.Request{Method: "GET", Kind: oci.Blob, Repository: t.Repository(), Reference: string(c.Digest)},
		Content: c,
		Limits:  probe.BlobLimits(c),
	}
}

// manifest is the canonical request for a manifest.
func manifest(t *probe.Trial, reference string, c *image.Content) probe.Attempt {
	return probe.Attempt{
		Request: oci.Request{Method: "GET", Kind: oci.Manifest, Repository: t.Repository(), Reference: reference, Accept: oci.AcceptManifests()},
		Content: c,
	}
}

func also(first, then func(*wire.Request)) func(*wire.Request) {
	if first == nil {
		return then
	}
	return func(r *wire.Request) { first(r); then(r) }
}

// set replaces a header; the empty value drops it.
func set(headers [][2]string, name, value string) [][2]string {
	var out [][2]string
	for _, h := range headers {
		if !strings.EqualFold(h[0], name) {
			out = append(out, h)
		}
	}
	if value != "" {
		out = append(out, [2]string{name, value})
	}
	return out
}

// count writes a number and what it counts.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if what == "repository" {
		what = "repositorie"
	}
	return fmt.Sprintf("%d %ss", n, what)
}
