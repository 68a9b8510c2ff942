// SPDX-License-Identifier: Apache-2.0

package credential

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// DockerConfig names one docker config.json or podman auth.json, and with Key one entry
// of it: that very key of credHelpers, what credsStore has under it, or of auths. Without
// Key the entry is found by Host (HOST or HOST:PORT), by the rules of [Lookup].
// Path may begin with ~/ and is docker's own file when empty. No file, no entry and an
// entry without a secret are errors.
type DockerConfig struct{ Path, Key, Host string }

// Credential reads the file, and asks the helper that it names, if any.
func (d DockerConfig) Credential(ctx context.Context) (Credential, error) {
	p := place{path: expandHome(d.Path), shown: d.Path, docker: true, explicit: true}
	if d.Path == "" {
		p.path = dockerFile()
		p.shown = tilde(homeDir(os.Getenv), p.path)
	}
	q := question{exact: d.Key}
	if d.Key == "" {
		host, err := normalHost(d.Host)
		if err != nil {
			return Credential{}, err
		}
		q.host = host
	}
	c, tried, err := p.ask(ctx, q)
	c.Source.Tried = tried
	if errors.Is(err, errNoEntry) {
		return c, fmt.Errorf("no secret for %q: log in, or name another key; looked at: %s", q, strings.Join(tried, "; "))
	}
	return c, err
}

func dockerFile() string {
	if dir := os.Getenv("DOCKER_CONFIG"); dir != "" {
		return filepath.Join(dir, "config.json")
	}
	return filepath.Join(homeDir(os.Getenv), ".docker", "config.json")
}
