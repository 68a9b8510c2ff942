// SPDX-License-Identifier: Apache-2.0

package clients

import (
	"bytes"
	"encoding/json"
	"slices"
)

// jsonLists reads the named lists of strings of a JSON object, with their lines.
// Of two with one name the last counts, as it does for docker. The texts of
// faults quote nothing of the file.
func (r *reader) jsonLists(file string, data []byte, keys ...string) (map[string][]setting, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	line := func() int { return 1 + bytes.Count(data[:d.InputOffset()], []byte("\n")) }
	bad := func() error { return &fault{line: line(), text: "not valid JSON"} }
	if t, err := d.Token(); err != nil {
		return nil, bad()
	} else if t != json.Delim('{') {
		return nil, &fault{line: line(), text: "expected a JSON object"}
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
			r.problem(file, line(), "%s stands there twice: the last one counts", key)
		}
		if t, err := d.Token(); err != nil {
			return nil, bad()
		} else if t != json.Delim('[') {
			return nil, &fault{line: line(), text: key + ": expected a list of strings"}
		}
		lists[key] = []setting{}
		for d.More() {
			t, err := d.Token()
			if err != nil {
				return nil, bad()
			}
			text, ok := t.(string)
			if !ok {
				return nil, &fault{line: line(), text: key + ": expected a list of strings"}
			}
			if len(lists[key]) >= maxEntries {
				return nil, &fault{line: line(), text: key + ": too many entries"}
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
