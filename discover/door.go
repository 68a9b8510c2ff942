// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"net/netip"
	"net/url"

	"github.com/regproof/regproof/credential"
)

// State is what came of looking at a door.
type State string

// The states. The zero value says nothing.
const (
	NotAsked State = "not asked" // Note says why

	Silent  State = "silent" // not reachable from here
	Refused State = "refused"
	NoRoute State = "no route" // of this address family, or to this network

	SpeaksTLS        State = "speaks TLS"    // to plain HTTP
	SpeaksNoTLS      State = "speaks no TLS" // to https
	NeedsCertificate State = "needs a client certificate"

	NotRegistry   State = "not a registry"
	OtherRegistry State = "another registry" // or one that hides the content; see Same
	IsRegistry    State = "a registry"       // and no image is known that could be compared
	Redirects     State = "redirects to a configured door"
	Elsewhere     State = "redirects elsewhere"
	Denies        State = "denies" // the content; Product says whether it is known to be a registry
	Serves        State = "serves the same content to anybody"

	Shows   State = "shows debug pages"
	NoPages State = "no debug pages"

	Unclear State = "unclear" // it answers, and that proves nothing
)

// Reachable says whether anybody answered.
func (s State) Reachable() bool {
	switch s {
	case "", NotAsked, Silent, Refused, NoRoute:
		return false
	}
	return true
}

// Door is a candidate that was looked at. What a server said is printable.
type Door struct {
	Kind    Kind
	URL     *url.URL
	Address netip.AddrPort // not valid when the name does not resolve
	Host    string         // who was asked for there, when that is not the host of URL
	Why     string         // it was looked at

	State   State
	Same    bool              // it shows the same registry: the same content, or the same token service for the same service
	Digest  string            // of the manifest that it served
	To      credential.Origin // where it redirects to
	Pages   []string          // the debug pages that it shows
	Product string            // "" when nothing says that it is a registry
	TLS     string            // version, as "1.3"
	Problem string            // why the certificate does not verify

	Evidence []string // exchanges
	Note     string
}

// Survey is what came of a scan.
type Survey struct {
	Doors []Door
	Notes []string // what was left out, and why
}
