// SPDX-License-Identifier: Apache-2.0

// Package evidence records what went over the wire, so that every finding can
// point at exchanges that reproduce it. It refuses to keep a secret: headers
// and query values are redacted by allow-list when they are recorded, and of
// bodies only the length and the SHA-256 are kept. What a probe made up itself
// is no secret, and is kept so that it can be repeated.
package evidence
