// SPDX-License-Identifier: Apache-2.0

// Package oci is the one room for the canonical API path of the OCI
// Distribution Specification, in both directions: a table test writes every
// request and reads it back, so that those who ask and those who answer cannot
// disagree. It refuses what is ambiguous (escapes, empty components, unknown
// routes) instead of cleaning it.
//
// Sources: opencontainers/distribution-spec v1.1.1, spec.md ("Endpoints",
// "Pulling", "Listing Referrers"); image-spec v1.1, media-types.md and
// descriptor.md; Docker Registry HTTP API V2 for the catalog.
package oci
