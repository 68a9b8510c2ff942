// SPDX-License-Identifier: Apache-2.0

package credential

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
)

// place is one file that may hold credentials.
type place struct {
	path     string // as the system knows it
	shown    string // as a person knows it: ~ for the home directory
	content  []byte // instead of a file, when the environment holds it
	legacy   bool   // ~/.dockercfg
	docker   bool   // written by docker rather than podman
	explicit bool   // the user named it, so it must be there
}

// ask returns the credential that the file holds, or else errNoEntry and why nothing in
// it applied. A file that is not there holds nothing, unless it was named.
func (p place) ask(ctx context.Context, q question) (Credential, []string, error) {
	data, note := p.content, ""
	if data == nil {
		var err error
		data, note, err = readFile(p.path, maxConfigBytes)
		if errors.Is(err, fs.ErrNotExist) && !p.explicit {
			return Credential{}, []string{p.shown + ": no such file"}, errNoEntry
		}
		if err != nil {
			return Credential{}, nil, fmt.Errorf("%s: %w: make it a readable file, or name another one", p.shown, err)
		}
	}
	f, err := parseConfig(data, p.legacy)
	if err != nil {
		sep := ": "
		if c := err.Error()[0]; '0' <= c && c <= '9' {
			sep = ":" // path:line:column, which editors understand
		}
		return Credential{}, nil, fmt.Errorf("%s%s%w: repair it, or name another one", p.shown, sep, err)
	}
	return p.askParsed(ctx, f, q, note)
}

// askParsed asks credHelpers, then credsStore, then auths. A helper named for this host
// ends the search in this file, and "" there stands for auths, both as in docker.
func (p place) askParsed(ctx context.Context, f configFile, q question, note string) (Credential, []string, error) {
	key, found, err := find(f.CredHelpers, q.helperKeys(p.docker), func(a, b string) bool { return a == b })
	if err != nil {
		return Credential{}, nil, fmt.Errorf("%s credHelpers: %w", p.shown, err)
	}
	if found && f.CredHelpers[key] != "" {
		return p.askHelper(ctx, f.CredHelpers[key], fmt.Sprintf("credHelpers[%q]", key), q)
	}
	var tried []string
	if !found && f.CredsStore != "" {
		var c Credential
		c, tried, err = p.askHelper(ctx, f.CredsStore, "credsStore", q)
		if !errors.Is(err, errNoEntry) {
			return c, tried, err
		}
	}
	c, more, err := p.askAuths(f, q, note)
	return c, append(tried, more...), err
}

func (p place) askHelper(ctx context.Context, name, key string, q question) (Credential, []string, error) {
	where := fmt.Sprintf("%s=%q", key, name)
	var tried []string
	for _, server := range q.servers(p.docker) {
		h := Helper{Name: name, Server: server}
		c, err := h.get(ctx)
		if errors.Is(err, errNoEntry) {
			tried = append(tried, fmt.Sprintf("%s %s: %s has no entry for %q", p.shown, where, h.program(), server))
			continue
		}
		if err != nil {
			return Credential{}, tried, fmt.Errorf("%s %s: %w", p.shown, where, err)
		}
		c.Source = Provenance{Kind: "docker config", Path: p.shown, Key: where}
		return c, tried, nil
	}
	return Credential{}, tried, errNoEntry
}

func (p place) askAuths(f configFile, q question, note string) (Credential, []string, error) {
	key, found, err := find(f.Auths, q.authKeys(p), sameEntry)
	if err != nil {
		return Credential{}, nil, fmt.Errorf("%s auths: %w", p.shown, err)
	}
	if !found {
		return Credential{}, []string{fmt.Sprintf("%s: no entry for %q", p.shown, q)}, errNoEntry
	}
	where := fmt.Sprintf("auths[%q]", key)
	c, err := parseEntry(f.Auths[key])
	if errors.Is(err, errNoEntry) {
		return Credential{}, []string{p.shown + " " + where + ": the entry is empty"}, errNoEntry
	}
	if err != nil {
		return Credential{}, nil, fmt.Errorf("%s %s: %w: log in again, or name another source", p.shown, where, err)
	}
	c.Source = Provenance{Kind: "docker config", Path: p.shown, Key: where, Note: note}
	return c, nil, nil
}
