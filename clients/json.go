// SPDX-License-Identifier: Apache-2.0

package clients

import (
	"bytes"
	"encoding/json"
	"slices"
)

// jsonLists reads the named lists of strings of a JSON object, with their lines.
// The texts of faults quote nothing of the file.
func jsonLists(data []byte, keys ...string) (map[string][]setting, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	line := func() int { return 1 + bytes.Count(data[:d.InputOffset()], []byte("\n")) }
	bad := func() error { return &fault{line(), "not valid JSON"} }
	if t, err := d.Token(); err != nil {
		return nil, bad()
	} else if t != json.Delim('{') {
		return nil, &fault{line(), "expected a JSON object"}
	}
	lists := map[string][]setting{}
	for d.More() {
		t, err := d.Token()
		key, ok := t.(string)
		if err != nil || !ok {
			return nil, bad()
		}
		if !slices.Contains(keys, key) {
			var skip json.RawMessage
			if d.Decode(&skip) != nil {
				return nil, bad()
			}
			continue
		}
		if lists[key] != nil {
			return nil, &fault{line(), key + " stands there twice"}
		}
		if t, err := d.Token(); err != nil {
			return nil, bad()
		} else if t != json.Delim('[') {
			return nil, &fault{line(), key + ": expected a list of strings"}
		}
		lists[key] = []setting{}
		for d.More() {
			t, err := d.Token()
			if err != nil {
				return nil, bad()
			}
			text, ok := t.(string)
			if !ok {
				return nil, &fault{line(), key + ": expected a list of strings"}
			}
			lists[key] = append(lists[key], setting{text, line()})
		}
		if _, err := d.Token(); err != nil {
			return nil, bad()
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, bad()
	}
	if rest := bytes.TrimSpace(data[d.InputOffset():]); len(rest) > 0 {
		return nil, bad()
	}
	return lists, nil
}
