// SPDX-License-Identifier: Apache-2.0

package oci

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"regexp"
	"strings"
)

// Digest is algorithm:encoded, as descriptor.md of image-spec has it.
type Digest string

var digestPattern = regexp.MustCompile(`^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$`)

// ParseDigest reads a digest. Registered algorithms (sha256, sha512) must have
// their exact length in lower-case hexadecimal digits; others pass by grammar.
func ParseDigest(s string) (Digest, error) {
	if len(s) > 256 || !digestPattern.MatchString(s) {
		return "", fmt.Errorf("%q is not a digest: expected algorithm:encoded, like sha256: and 64 hexadecimal digits", clip(s))
	}
	d := Digest(s)
	want := map[string]int{"sha256": 64, "sha512": 128}[d.Algorithm()]
	if want != 0 && (len(d.Encoded()) != want || strings.Trim(d.Encoded(), "0123456789abcdef") != "") {
		return "", fmt.Errorf("%q is not a digest: %s has %d lower-case hexadecimal digits", clip(s), d.Algorithm(), want)
	}
	return d, nil
}

// Algorithm is the part before the colon.
func (d Digest) Algorithm() string {
	a, _, _ := strings.Cut(string(d), ":")
	return a
}

// Encoded is the part after the colon.
func (d Digest) Encoded() string {
	_, e, _ := strings.Cut(string(d), ":")
	return e
}

// Short is the digest cut to algorithm and 12 characters, for a person to read.
func (d Digest) Short() string {
	if e := d.Encoded(); len(e) > 12 {
		return d.Algorithm() + ":" + e[:12]
	}
	return string(d)
}

// Hash is a new hash of the digest's algorithm, or nil if it cannot be
// computed here.
func (d Digest) Hash() hash.Hash {
	switch d.Algorithm() {
	case "sha256":
		return sha256.New()
	case "sha512":
		return sha512.New()
	}
	return nil
}

// Matches says whether the digest is that of b. A digest of an unknown
// algorithm matches nothing.
func (d Digest) Matches(b []byte) bool {
	h := d.Hash()
	if h == nil {
		return false
	}
	h.Write(b)
	return hex.EncodeToString(h.Sum(nil)) == d.Encoded()
}

// SHA256 is the sha256 digest of b.
func SHA256(b []byte) Digest {
	s := sha256.Sum256(b)
	return Digest("sha256:" + hex.EncodeToString(s[:]))
}

// FallbackTag is the tag under which clients keep the referrers of d where
// the registry has no referrers API (distribution-spec, "Referrers Tag Schema").
func (d Digest) FallbackTag() string {
	cut := func(s string, n int) string {
		if len(s) > n {
			s = s[:n]
		}
		return strings.Map(func(r rune) rune {
			if strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-", r) {
				return r
			}
			return '-'
		}, s)
	}
	return cut(d.Algorithm(), 32) + "-" + cut(d.Encoded(), 64)
}

// Attachment says whether a tag is one under which clients keep what is
// attached to an image: a fallback tag, or cosign's .sig, .att and .sbom.
func Attachment(tag string) bool {
	rest, ok := strings.CutPrefix(tag, "sha256-")
	if !ok || len(rest) < 64 {
		return false
	}
	return strings.Trim(rest[:64], "0123456789abcdef") == ""
}

func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "..."
	}
	return s
}
