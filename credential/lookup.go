// SPDX-License-Identifier: Apache-2.0

package credential

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"
)

// Lookup searches the user's own docker and podman logins for a host, the quick form of
// naming a source. It reads, in podman's order and then docker's:
//
//  1. AuthFile, or else $REGISTRY_AUTH_FILE: if set, that file alone, and it must exist
//  2. ${XDG_RUNTIME_DIR}/containers/auth.json, or /run/containers/UID/auth.json if that is
//     unset (not on macOS and Windows)
//  3. ${XDG_CONFIG_HOME}/containers/auth.json, or ~/.config/containers/auth.json
//  4. $DOCKER_AUTH_CONFIG, a config.json in a variable
//  5. ${DOCKER_CONFIG}/config.json, or ~/.docker/config.json
//  6. ~/.dockercfg, from before Docker 1.7
//
// Within a file credHelpers[host] wins over credsStore over auths. In auths the most
// specific of host/ns/repo, host/ns and host wins; https://host, https://host/v1/ and
// https://host/v2/ mean host, and docker.io, index.docker.io and registry-1.docker.io
// are one. A helper that has no entry is not a fault; a helper that is missing or fails
// is ([ErrHelper]), even if the file also holds a password. credsStore counts in podman's
// files too, where podman itself ignores it.
//
// Sources: containers-auth.json(5); go.podman.io/image pkg/docker/config/config.go
// (getAuthFilePaths, findCredentialsInFile); docker/cli cli/config/configfile/file.go.
type Lookup struct {
	Host       string // HOST or HOST:PORT, with or without a scheme
	Repository string // for podman's namespaced keys; may be empty
	AuthFile   string // --authfile

	Env  func(string) string // nil is os.Getenv
	Home string              // "" is the user's
	UID  int                 // 0 is this process's
}

// Credential returns the first entry. It returns an error that matches [ErrNotFound]
// when all places were read and none has one, and any other error when a place is
// broken. Source.Tried is filled in either way.
func (l Lookup) Credential(ctx context.Context) (Credential, error) {
	host, err := normalHost(l.Host)
	if err != nil {
		return Credential{}, err
	}
	q := question{host: host, repo: l.Repository}
	var tried []string
	for _, p := range l.places() {
		c, why, err := p.ask(ctx, q)
		tried = append(tried, why...)
		if errors.Is(err, errNoEntry) {
			continue
		}
		if err != nil {
			return Credential{Source: Provenance{Tried: tried}}, err
		}
		c.Source.Tried = tried
		return c, nil
	}
	return Credential{Source: Provenance{Tried: tried}}, &notFoundError{host: host, tried: tried}
}

func (l Lookup) places() []place {
	env := l.Env
	if env == nil {
		env = os.Getenv
	}
	home := l.Home
	if home == "" {
		home = homeDir(env)
	}
	if named := l.AuthFile; named != "" {
		return []place{{path: expandHome(named), shown: named, explicit: true}}
	}
	if named := env("REGISTRY_AUTH_FILE"); named != "" {
		return []place{{path: named, shown: tilde(home, named) + " ($REGISTRY_AUTH_FILE)", explicit: true}}
	}
	var places []place
	add := func(p place, elem ...string) {
		if elem[0] == "" {
			return // no home directory is known
		}
		p.path = filepath.Join(elem...)
		p.shown = tilde(home, p.path)
		places = append(places, p)
	}
	switch dir := env("XDG_RUNTIME_DIR"); {
	case runtime.GOOS == "windows" || runtime.GOOS == "darwin":
	case dir != "":
		add(place{}, dir, "containers", "auth.json")
	default:
		add(place{}, "/run/containers", fmt.Sprint(l.uid()), "auth.json")
	}
	if dir := env("XDG_CONFIG_HOME"); dir != "" {
		add(place{}, dir, "containers", "auth.json")
	} else {
		add(place{}, home, ".config", "containers", "auth.json")
	}
	if content := env("DOCKER_AUTH_CONFIG"); content != "" {
		places = append(places, place{shown: "$DOCKER_AUTH_CONFIG", content: []byte(content), docker: true})
	}
	if dir := env("DOCKER_CONFIG"); dir != "" {
		add(place{docker: true}, dir, "config.json")
	} else {
		add(place{docker: true}, home, ".docker", "config.json")
	}
	add(place{docker: true, legacy: true}, home, ".dockercfg")
	return places
}

func (l Lookup) uid() int {
	if l.UID == 0 {
		return os.Getuid()
	}
	return l.UID
}

// homeDir may return "": a container without $HOME and without a line in /etc/passwd.
func homeDir(env func(string) string) string {
	name := "HOME"
	if runtime.GOOS == "windows" {
		name = "USERPROFILE"
	}
	if home := env(name); home != "" {
		return home
	}
	if u, err := user.Current(); err == nil {
		return u.HomeDir
	}
	return ""
}

// tilde writes a path beneath the home directory with ~.
func tilde(home, path string) string {
	if rest, ok := strings.CutPrefix(path, filepath.Clean(home)+string(filepath.Separator)); ok && home != "" {
		return "~/" + filepath.ToSlash(rest)
	}
	return path
}

type notFoundError struct {
	host  string
	tried []string
}

func (e *notFoundError) Error() string {
	return fmt.Sprintf("no credential for %q: log in with docker or podman, or name a source; looked at: %s", e.host, strings.Join(e.tried, "; "))
}

func (e *notFoundError) Is(target error) bool { return target == ErrNotFound }
