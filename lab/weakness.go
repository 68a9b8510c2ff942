// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"cmp"
	"crypto/tls"
	"slices"
	"time"

	"github.com/distribution/distribution/v3/configuration"
)

// Kind says what a door of that kind must be judged to be.
type Kind string

// The kinds.
const (
	Weak       Kind = "weak"       // fail: it leaks
	Sound      Kind = "sound"      // pass: it holds, however odd it looks
	Unprovable Kind = "unprovable" // unknown: its answers prove nothing
	Hostile    Kind = "hostile"    // anything but a pass, a crash, a hang or a leaked secret
)

// Weakness is one entry of the list: a way for a door to be.
type Weakness struct {
	Name  string // kebab-case
	Title string // one sentence
	Kind  Kind
	Twin  string // the sound entry that looks alike and holds; "" for sound ones
	Probe string // the id of the probe that decides it
	Entry string // the id in failures.yaml, "" when there is none
	Needs Needs
}

// Needs is what an entry cannot be without; a door switches it on by itself.
type Needs struct {
	Token bool // token authentication
	TLS   bool

	// Certificate: a client certificate is the credential, or half of it (see
	// Lab.ClientCert).
	Certificate bool
}

// entry is a Weakness with what makes it so.
type entry struct {
	Weakness
	front     front
	referrers bool                // stands before the registry with the referrers API
	second    bool                // listens on 127.0.0.2 too
	storage   bool                // has an object storage to redirect to
	hideTLS   bool                // the URL says http, the port speaks TLS
	fakeTLS   bool                // the URL says https, the port speaks plain HTTP
	tokens    func(*tokenService) // what its token service does otherwise
	verifies  bool                // tokens are verified by a front of ours and not by distribution
	flaws     flaw                // of that front
	plainToo  bool                // the port answers plain HTTP besides TLS
	quiet     bool                // browsers are not told to keep to https
	secure    secure              // how it speaks TLS otherwise
	workload  *workloadFlaw       // workloads of an issuer are let in

	storagePublic bool                                      // the object storage asks for no signature
	signedFor     time.Duration                             // how long its URLs are good, 0: as usual
	configure     func(*configuration.Configuration, *Door) // what distribution is told otherwise

	tls       func(*tls.Config, *Door) // how TLS is spoken otherwise
	tokenHost *tls.ClientAuthType      // the token service has a port of its own, and asks so for certificates

	tokenSecure secure // how that port speaks TLS otherwise
	tokenPlain  front  // that port answers plain HTTP too, through this
}

// entries is every entry, by name.
func entries() []entry {
	all := slices.Concat(weakEntries(), soundEntries(), unprovableEntries(), hostileEntries())
	slices.SortFunc(all, func(a, b entry) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Weaknesses is the whole list, sorted by name.
func Weaknesses() []Weakness {
	var all []Weakness
	for _, e := range entries() {
		all = append(all, e.Weakness)
	}
	return all
}

func find(name string) (entry, bool) {
	all := entries()
	if i := slices.IndexFunc(all, func(e entry) bool { return e.Name == name }); i >= 0 {
		return all[i], true
	}
	return entry{}, false
}

func names() []string {
	var all []string
	for _, w := range Weaknesses() {
		all = append(all, w.Name)
	}
	return all
}
