// SPDX-License-Identifier: Apache-2.0

// Package access holds the nouns of who may do what: actions, permissions and
// the rows of the access matrix. It does nothing and knows no policy.
package access

// Action is what someone does to a registry.
type Action string

// The actions. List is tags and referrers of a repository; Catalog is the
// list of repositories.
const (
	Pull    Action = "pull"
	Push    Action = "push"
	Delete  Action = "delete"
	List    Action = "list"
	Catalog Action = "catalog"
)

// Permission is one question: may this identity do this there?
type Permission struct {
	Identity   string
	Groups     []string
	Repository string // "" for the catalog
	Action     Action
}

// Effect is the answer. The zero value denies.
type Effect string

// The effects, as the report writes them.
const (
	Deny    Effect = "deny"
	Allow   Effect = "allow"
	Unknown Effect = "unknown"
)

// Row is one cell of the access matrix: what is intended, what the management
// API claims, and what was observed on the wire.
type Row struct {
	Registry   string   `json:"registry"`
	Endpoint   string   `json:"endpoint"`
	Repository *string  `json:"repository"` // nil for listings of the registry
	Identity   string   `json:"identity"`
	Action     Action   `json:"action"`
	Intended   Effect   `json:"intended"`
	Claimed    Effect   `json:"claimed"`
	Observed   Effect   `json:"observed"`
	Outcome    string   `json:"outcome"`
	Evidence   []string `json:"evidence"`
	Rule       string   `json:"rule"`
}
