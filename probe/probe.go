// SPDX-License-Identifier: Apache-2.0

// Package probe runs experiments on a registry and judges what came back by
// content and by control (shared rules: a leak is its own proof, a denial
// proves nothing about what is not there). It refuses to call anything good
// that it could not have seen go wrong, and it knows no probe by name: they
// come in as values.
package probe

import (
	"context"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/finding"
)

// Effect is what a run may do to a registry (each needs its flag).
type Effect string

// The effects.
const (
	Read           Effect = "read"
	CancelledWrite Effect = "cancelled-write"
	PrimesCache    Effect = "primes-cache"
	SandboxWrite   Effect = "sandbox-write"  // in the sandbox alone
	WrongPassword  Effect = "wrong-password" // once with a configured user's name
	ManyPasswords  Effect = "many-passwords" // of a user that does not exist
)

// Flag is the option that allows the effect, "" when none is needed.
func (e Effect) Flag() string {
	switch e {
	case CancelledWrite:
		return "--active"
	case PrimesCache:
		return "--prime-caches"
	case DefaultCredentials:
		return "--try-default-credentials"
	case SandboxWrite:
		return "--write-sandbox REPO"
	case WrongPassword:
		return "--try-wrong-password"
	case ManyPasswords:
		return "--try-throttling"
	}
	return ""
}

// Per says what a probe is run once for.
type Per int

// The units: each image, each repository, or the registry, on each endpoint.
// Once is one image for each endpoint, the first that is private: what such
// a probe varies is not the image. Its attempts come after all others. Primary
// is the registry at its primary endpoint, when all that is configured was
// asked. Last is the image of Once on each endpoint, when every registry was
// asked everything else: one probe after the other, those last that may lock a
// user or ban this client.
const (
	Image Per = iota
	Repository
	Registry
	Once
	Primary
	Last
)

// Need is something a probe cannot do without.
type Need string

// The needs. NeedIndex: the image is an index.
const (
	NeedContent Need = "content" // digests, known from whoever may read the image
	NeedIndex   Need = "index"
)

// Probe is one experiment that tests one control. It is a value: help text,
// the documentation and the report are made from its fields.
type Probe struct {
	ID       string // family/name, for ever
	Title    string // a sentence that is true when the probe passes
	Why      string // what it means when it does not
	How      []string
	Fix      string
	NotWhen  string // when a failure is no weakness
	Severity finding.Severity
	Control  string // id in the catalogue
	Effect   Effect
	Option   string // without which it is left out, when that is no effect
	Per      Per
	Required bool // part of the core battery
	Needs    []Need
	Expects  Expect        // runs on endpoints that are meant to be so alone; "" is Same
	Silent   bool          // it runs also where the endpoint does not answer, or not in a way that is understood
	Public   bool          // it runs also where the endpoint is meant to serve everybody
	Decides  access.Action // the cell of the access matrix that it fills; "" is none
	Named    bool          // of named identities, each of which has a result of its own
	// Idle says, without asking anything, why there is nothing to do; the zero
	// Result when there is. nil is the latter. It is asked of probes that come Last,
	// and of others where the image could not be read.
	Idle func(*Trial) Result
	Run  func(context.Context, *Trial) Result
}

// Result is what a probe makes of its attempts.
type Result struct {
	Outcome    finding.Outcome
	Severity   finding.Severity // when other than the probe's
	Reason     string           // one line: why this outcome
	Message    string           // one sentence for a person: what was seen
	Fix        string           // when other than the probe's
	Observed   string           // allow, deny, unknown
	Variant    string
	Address    string
	Protocol   string
	Subject    *finding.Subject
	Evidence   []string
	Control    []string
	Endpoint   string   // when other than the trial's: a door that was found
	Identity   string   // who asked, when not a stranger
	Repository string   // when other than the trial's, or of the sandbox
	Expected   string   // when other than deny
	Catalog    bool     // of the registry's catalog, and not of the trial's repository
	Also       []Result // findings of the same probe at other endpoints
	// Later makes the result, when all that is left is to wait: the run goes on
	// meanwhile. Everything else of this one is ignored then.
	Later      func(context.Context) Result
	Attempts   int
	Deviations []finding.Deviation
}

// NotApplicable is the result for a target that has no such thing.
func NotApplicable(reason string) Result {
	return Result{Outcome: finding.NotApplicable, Reason: reason}
}
