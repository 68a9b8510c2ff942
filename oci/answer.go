// SPDX-License-Identifier: Apache-2.0

package oci

import (
	"encoding/json"
	"strings"
)

// Error is one entry of the specification's error body ("Error Codes").
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// ParseErrors reads an error body. It answers nil for anything that is not
// one: an error body is optional and of any format.
func ParseErrors(body []byte) []Error {
	var e struct {
		Errors []Error `json:"errors"`
	}
	if json.Unmarshal(body, &e) != nil {
		return nil
	}
	return e.Errors
}

// ParseTags reads the answer of tags/list: the repository it names and its
// tags. ok is false if body is not such an answer.
func ParseTags(body []byte) (name string, tags []string, ok bool) {
	var l struct {
		Name *string  `json:"name"`
		Tags []string `json:"tags"`
	}
	if json.Unmarshal(body, &l) != nil || (l.Name == nil && l.Tags == nil) {
		return "", nil, false
	}
	if l.Name != nil {
		name = *l.Name
	}
	return name, l.Tags, true
}

// ParseCatalog reads the answer of _catalog. ok is false if body is not such
// an answer.
func ParseCatalog(body []byte) (repositories []string, ok bool) {
	var l struct {
		Repositories *[]string `json:"repositories"`
	}
	if json.Unmarshal(body, &l) != nil || l.Repositories == nil {
		return nil, false
	}
	return *l.Repositories, true
}

// NextLink finds the target of rel="next" in a Link header (RFC 8288), as
// written: the caller resolves it and decides whether it may be followed.
func NextLink(header string) string {
	for len(header) > 0 {
		open := strings.IndexByte(header, '<')
		if open < 0 {
			return ""
		}
		header = header[open+1:]
		end := strings.IndexByte(header, '>')
		if end < 0 {
			return ""
		}
		target := header[:end]
		header = header[end+1:]
		params := header
		if next := strings.Index(header, ",<"); next >= 0 {
			params, header = header[:next], header[next+1:]
		} else if next := strings.Index(header, ", <"); next >= 0 {
			params, header = header[:next], header[next+2:]
		} else {
			header = ""
		}
		for p := range strings.SplitSeq(params, ";") {
			k, v, _ := strings.Cut(strings.TrimSpace(p), "=")
			if strings.EqualFold(k, "rel") && strings.EqualFold(strings.Trim(v, `"`), "next") {
				return target
			}
		}
	}
	return ""
}
