// SPDX-License-Identifier: Apache-2.0

// Package sandbox keeps the journal of what a run makes in a registry: each
// object is written down, and on the disk, before it is made, so that whatever
// happens somebody can find and remove it. It refuses to hold a secret (an
// identity is a name in it), and it sends nothing itself.
package sandbox

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/regproof/regproof/oci"
)

// Kind says what was made.
type Kind string

// The kinds, in the order in which they are removed: an upload is cancelled, a
// tag goes before the manifest that it names, a manifest before its blobs.
const (
	Upload   Kind = "upload"
	Tag      Kind = "tag"
	Manifest Kind = "manifest"
	Blob     Kind = "blob"
)

// Kinds lists them in the order of removal.
func Kinds() []Kind { return []Kind{Upload, Tag, Manifest, Blob} }

// Entry is one object. Repository is without the prefix of the endpoint.
type Entry struct {
	N          int       `json:"n"`
	Registry   string    `json:"registry"`          // its name in the run
	Endpoint   string    `json:"endpoint"`          // scheme://host[:port]
	Address    string    `json:"address,omitempty"` // that was pinned
	Prefix     string    `json:"prefix,omitempty"`
	Repository string    `json:"repository"`
	Kind       Kind      `json:"kind"`
	Reference  string    `json:"reference"`        // tag, digest, or where an upload lives; "" before that is known
	Digest     string    `json:"digest,omitempty"` // what a tag was to name
	Identity   string    `json:"identity"`
	At         time.Time `json:"at"`
	// Kept says why it could not be removed, "" when nobody tried.
	Kept string `json:"-"`
}

// String names the object for a person.
func (e Entry) String() string {
	switch {
	case e.Kind == Upload && e.Reference == "":
		return "an upload"
	case e.Kind == Upload:
		place, _, _ := strings.Cut(e.Reference, "?")
		return "upload " + place
	}
	return string(e.Kind) + " " + e.Reference
}

// Check refuses an entry that no run could have written: what it says is used to
// delete.
func (e Entry) Check() error {
	fault := func(why string, args ...any) error {
		return fmt.Errorf("entry %d: %s", e.N, fmt.Sprintf(why, args...))
	}
	u, err := url.Parse(e.Endpoint)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.User != nil {
		return fault("%q is no endpoint", e.Endpoint)
	}
	if e.Address != "" {
		if _, err := netip.ParseAddr(e.Address); err != nil {
			return fault("%q is no address", e.Address)
		}
	}
	if err := oci.CheckRepository(e.Prefix + e.Repository); err != nil {
		return fault("%v", err)
	}
	switch e.Kind {
	case Tag:
		err = oci.CheckTag(e.Reference)
	case Manifest, Blob:
		_, err = oci.ParseDigest(e.Reference)
	case Upload:
		if strings.ContainsAny(e.Reference, "\r\n\x00 ") {
			err = fmt.Errorf("%q is no place of an upload", e.Reference)
		}
	default:
		err = fmt.Errorf("%q is nothing that is kept here", e.Kind)
	}
	if err != nil {
		return fault("%v", err)
	}
	return nil
}

// Ordered sorts entries into the order of removal; within a kind the last one
// made goes first.
func Ordered(entries []Entry) []Entry {
	out := slices.Clone(entries)
	rank := func(k Kind) int { return slices.Index(Kinds(), k) }
	slices.SortStableFunc(out, func(a, b Entry) int {
		if c := rank(a.Kind) - rank(b.Kind); c != 0 {
			return c
		}
		return b.N - a.N
	})
	return out
}
