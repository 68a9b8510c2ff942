// SPDX-License-Identifier: Apache-2.0

package oci

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// maxName is the longest host and repository together that clients accept.
const maxName = 255

var (
	repositoryPattern = regexp.MustCompile(`^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$`)
	tagPattern        = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)
	hostPattern       = regexp.MustCompile(`^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?$`)
)

// CheckRepository says whether s is a repository name of the specification.
func CheckRepository(s string) error {
	if len(s) > maxName || !repositoryPattern.MatchString(s) {
		return fmt.Errorf("%q is not a repository name: lower-case letters, digits, and . _ - between them, components divided by /", s)
	}
	return nil
}

// CheckTag says whether s is a tag of the specification.
func CheckTag(s string) error {
	if !tagPattern.MatchString(s) {
		return fmt.Errorf("%q is not a tag: a letter, digit or _, then at most 127 of letters, digits and . _ -", s)
	}
	return nil
}

// CheckReference says whether s is a tag or a digest. A colon decides which:
// a tag never holds one.
func CheckReference(s string) error {
	if strings.Contains(s, ":") {
		_, err := ParseDigest(s)
		return err
	}
	return CheckTag(s)
}

// Name is what a person types for an image: HOST[:PORT][/REPO[:TAG|@DIGEST]].
type Name struct {
	Host       string // host[:port]
	Repository string // "" when only a registry was named
	Tag        string
	Digest     Digest
}

// ErrNoHost is returned by ParseName for a name without a registry's host.
var ErrNoHost = errors.New("no registry host")

// Reference is the digest if there is one, else the tag.
func (n Name) Reference() string {
	if n.Digest != "" {
		return string(n.Digest)
	}
	return n.Tag
}

// ParseName reads HOST[:PORT][/REPO[:TAG][@DIGEST]]. The first component is a
// host only if it holds a dot or a colon, or is localhost, as docker reads it;
// otherwise the error wraps ErrNoHost. A scheme is refused: it belongs to
// an endpoint, not to a name.
func ParseName(s string) (Name, error) {
	if i := strings.Index(s, "://"); i >= 0 {
		return Name{}, fmt.Errorf("%q is a URL; an image is named HOST/REPO:TAG, without %s", s, s[:i+3])
	}
	host, rest, slash := strings.Cut(s, "/")
	if !strings.ContainsAny(host, ".:") && host != "localhost" {
		return Name{}, fmt.Errorf("%q: %w", s, ErrNoHost)
	}
	// alpine:3 is an image and registry:5000 a host: without a slash, a name
	// of one label is an image, as docker reads it (registry:5000/ is a host).
	if label, _, _ := strings.Cut(host, ":"); !slash && (strings.Contains(host, "@") || label != "localhost" && !strings.ContainsAny(label, ".[")) {
		return Name{}, fmt.Errorf("%q: %w", s, ErrNoHost)
	}
	if !hostPattern.MatchString(host) {
		return Name{}, fmt.Errorf("%q is not a host or host:port", host)
	}
	n := Name{Host: strings.ToLower(host)}
	if !slash || rest == "" {
		return n, nil
	}
	rest, digest, at := strings.Cut(rest, "@")
	if at {
		d, err := ParseDigest(digest)
		if err != nil {
			return Name{}, err
		}
		n.Digest = d
	}
	if i := strings.LastIndexByte(rest, ':'); i >= 0 {
		n.Tag = rest[i+1:]
		rest = rest[:i]
		if err := CheckTag(n.Tag); err != nil {
			return Name{}, err
		}
	}
	if err := CheckRepository(rest); err != nil {
		return Name{}, err
	}
	n.Repository = rest
	return n, nil
}
