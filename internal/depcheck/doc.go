// SPDX-License-Identifier: Apache-2.0

// Package depcheck holds the house rules that a compiler does not: who may
// import whom, and that every probe is listed. It refuses to ask go list, whose
// answers in a subprocess may come from a stale cache: its tests parse the
// source files themselves. There is nothing to import here.
package depcheck
