// SPDX-License-Identifier: Apache-2.0

package login

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/wire"
)

// wellKnown are token services that are known to belong to a registry on
// another host (each registry's own documentation names them).
var wellKnown = map[string]string{
	"registry-1.docker.io": "auth.docker.io",
	"docker.io":            "auth.docker.io",
	"index.docker.io":      "auth.docker.io",
	"registry.gitlab.com":  "gitlab.com",
	"ghcr.io":              "ghcr.io",
	"quay.io":              "quay.io",
}

// Trusted says whether the secret of id may go to the token service realm of a
// registry: one on the registry's own host (CONTRACTS.md section 4), whatever
// its port, a well-known one, or one that was named for this identity. It never
// leaves https for http.
func Trusted(reg Registry, id Identity, realm wire.Destination) bool {
	if slices.Contains(id.Realms, realm.Origin) {
		return true
	}
	if strings.EqualFold(realm.URL.Hostname(), reg.URL.Hostname()) {
		return realm.URL.Scheme == "https" || reg.URL.Scheme == "http"
	}
	other, ok := wellKnown[strings.ToLower(reg.URL.Host)]
	return ok && realm.Origin == credential.Origin("https://"+other+":443")
}

// Known resolves a realm that is known to belong to a registry: on its own host,
// a usual one, or one of realms. It says why it is none of those.
func Known(ctx context.Context, reg Registry, realms []credential.Origin, realm string) (wire.Destination, string) {
	id := Identity{Name: Anonymous, Realms: realms}
	d, why := destination(ctx, reg, id, realm)
	if why == "" && !Trusted(reg, id, d) {
		why = fmt.Sprintf("the token service %s is not known to belong to the registry (name it under realms, or pass --allow-realm %s)", d.Origin, d.Origin)
	}
	return d, why
}

// destination checks a realm before anything goes there, and says why not.
func destination(ctx context.Context, reg Registry, id Identity, realm string) (wire.Destination, string) {
	guard := reg.Guard
	guard.Allowed = append(append([]credential.Origin{}, guard.Allowed...), id.Realms...)
	if u, err := reg.URL.Parse(realm); err == nil && strings.EqualFold(u.Hostname(), reg.URL.Hostname()) {
		// The registry's own host on another port is as reachable as the registry.
		if o, err := credential.ParseOrigin(u.Scheme + "://" + u.Host); err == nil && (u.Scheme == "https" || reg.URL.Scheme == "http") {
			guard.Allowed = append(guard.Allowed, o)
		}
	}
	d, err := guard.Check(ctx, reg.URL, realm, wire.Realm)
	if err != nil {
		return d, err.Error()
	}
	if id.Anonymous() {
		return d, ""
	}
	if !Trusted(reg, id, d) {
		return d, fmt.Sprintf("the registry sends %s to the token service %s, which is not known to belong to it: no secret was sent (name it under realms, or pass --allow-realm %s)", id.Name, d.Origin, d.Origin)
	}
	return d, bound(reg, id, d)
}

// bound says why the secret may not go to the token service: the endpoint that
// named it must be one that the secret is bound to, and the way there must not
// be plain unless that was allowed.
func bound(reg Registry, id Identity, d wire.Destination) string {
	if id.Secret.Credential.IsZero() {
		return ""
	}
	o, err := credential.ParseOrigin(reg.URL.Scheme + "://" + reg.URL.Host)
	if err != nil {
		return err.Error()
	}
	if _, ok := id.Secret.For(o); !ok {
		return unbound(id, o)
	}
	there := credential.Bound{Credential: id.Secret.Credential, Origins: []credential.Origin{d.Origin}, PlainHTTP: id.Secret.PlainHTTP}
	if _, ok := there.For(d.Origin); !ok {
		return fmt.Sprintf("the token service %s is plain http: no secret was sent", d.Origin)
	}
	return ""
}

func unbound(id Identity, o credential.Origin) string {
	return fmt.Sprintf("the secret of %s is not bound to %s: name it under origins", id.Name, o)
}
