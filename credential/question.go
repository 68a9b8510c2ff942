// SPDX-License-Identifier: Apache-2.0

package credential

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// question is what a file is asked for: one exact key, or else a host and perhaps a
// repository.
type question struct {
	exact string
	host  string // normal
	repo  string
}

// wanted says which keys of a map answer a question.
type wanted struct {
	exact  string   // this key and no other; "" is by name
	names  []string // normal keys, the best first
	prefer []string // spellings that win over others of the same name
}

// String names what is looked for.
func (q question) String() string {
	switch {
	case q.exact != "":
		return q.exact
	case q.repo != "":
		return q.host + "/" + q.repo
	}
	return q.host
}

// helperKeys: helpers are configured per host alone.
func (q question) helperKeys(docker bool) wanted {
	return wanted{exact: q.exact, names: []string{q.host}, prefer: q.hostKeys(docker)}
}

// authKeys are host/ns/repo, host/ns and host, in that order (containers-auth.json(5));
// ~/.dockercfg knows hosts alone.
func (q question) authKeys(p place) wanted {
	var names []string
	for repo := strings.Trim(q.repo, "/"); repo != "" && !p.legacy; {
		names = append(names, q.host+"/"+repo)
		repo = repo[:max(strings.LastIndexByte(repo, '/'), 0)]
	}
	prefer := slices.Concat(names, q.hostKeys(p.docker))
	return wanted{exact: q.exact, names: append(names, q.host), prefer: prefer}
}

// servers are what a helper is asked for, in turn.
func (q question) servers(docker bool) []string {
	if q.exact != "" {
		return []string{q.exact}
	}
	return q.hostKeys(docker)
}

// hostKeys are the spellings of the host in use today: docker and podman keep Docker
// Hub under different names.
func (q question) hostKeys(docker bool) []string {
	switch {
	case q.host == hub && docker:
		return []string{hubKey, hub}
	case q.host == hub:
		return []string{hub, hubKey}
	}
	return []string{q.host}
}

// find returns the key that answers the first of the names that any key answers. Two
// keys of one meaning, neither of them the preferred spelling, that say different things
// are an error: docker takes one at random.
func find[V any](m map[string]V, w wanted, same func(a, b V) bool) (key string, found bool, err error) {
	if w.exact != "" {
		_, found = m[w.exact]
		return w.exact, found, nil
	}
	byName := map[string][]string{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		byName[normalKey(k)] = append(byName[normalKey(k)], k)
	}
	for _, name := range w.names {
		keys := byName[name]
		if len(keys) == 0 {
			continue
		}
		for _, p := range w.prefer {
			if slices.Contains(keys, p) {
				return p, true, nil
			}
		}
		for _, k := range keys[1:] {
			if !same(m[keys[0]], m[k]) {
				return "", false, fmt.Errorf("%q and %q both mean %s and differ: remove one", keys[0], k, name)
			}
		}
		return keys[0], true, nil
	}
	return "", false, nil
}

func sameEntry(a, b json.RawMessage) bool { return string(a) == string(b) }
