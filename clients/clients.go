// SPDX-License-Identifier: Apache-2.0

// Package clients reads the configuration files of container clients: which
// doors they go through to a registry, and which settings would let an impostor
// pass or send them to somebody else. It refuses to guess and to change
// anything: what it cannot understand is a Problem with file and line, it opens
// regular files under one root alone and connects to nothing, and it copies no
// header, password or token out of a file.
//
// It follows containerd 1.7 and 2 (core/remotes/docker/config), containers/image
// (containers-registries.conf(5), containers-certs.d(5)) and dockerd 28. What is
// given by flags, environment variables or a kubelet is not in these files and
// is not seen. Paths are those of Linux.
package clients

import (
	"cmp"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
)

// Client is a family of configuration files.
type Client string

// The clients. Podman stands for all that read registries.conf: skopeo, buildah
// and CRI-O too, whose own crio.conf is read with it. Docker is the daemon.
const (
	Containerd Client = "containerd"
	Podman     Client = "podman"
	Docker     Client = "docker"
)

// All lists the clients.
func All() []Client { return []Client{Containerd, Podman, Docker} }

// Any is the Host of what holds for every registry without settings of its own.
const Any = "*"

// Role says what a door is to the client.
type Role string

// The roles. A client asks mirrors first and the origin last. Plain is the same
// server again over HTTP, asked when https failed and the client would not mind.
const (
	Mirror Role = "mirror"
	Origin Role = "origin"
	Plain  Role = "plain"
)

// Door is one way in that a client would use for the images of a registry.
type Door struct {
	Host         string   // the registry as image names have it; Any; or a wildcard of podman, *.example.com
	URL          *url.URL // where the client connects: scheme, host, and what comes before /v2/; never a password
	Scope        string   // the door is for repositories below it, with a trailing slash; "" is for all
	Prefix       string   // what stands on the server in the place of Scope, with a trailing slash or ""
	Namespace    string   // what the client sends as ?ns=, by which a proxy tells its upstreams apart; "" sends none
	Role         Role     //
	CAFiles      []string // believed beside the system's authorities
	CertFile     string   // the client certificate
	KeyFile      string   // its key; may be CertFile again
	Capabilities []string // of pull (by digest), resolve (by tag) and push; nil is all
	File         string   // "" is a default that no file sets
	Line         int      // 0 for a folder of certificates and for defaults
}

// Repository is the name that a repository of Host has at this door, false if
// the client does not come to this door for it.
func (d Door) Repository(name string) (string, bool) {
	if rest, ok := strings.CutPrefix(name, d.Scope); ok {
		return d.Prefix + rest, true
	}
	if name+"/" == d.Scope {
		return strings.TrimSuffix(d.Prefix, "/"), d.Prefix != ""
	}
	return "", false
}

// Problem is what was not understood or not used, and so is not in the result.
type Problem struct {
	File string
	Line int // 0 is the file or folder as a whole
	Text string
}

// String is file:line: text.
func (p Problem) String() string { return printable(at(p.File, p.Line)) + ": " + printable(p.Text) }

func at(file string, line int) string {
	if line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d", file, line)
}

// Result is what a client's files say. Lists are in the order in which the client
// asks, host by host.
type Result struct {
	Doors      []Door
	Weaknesses []Weakness
	Files      []string // read, in this order; none means that the client is not configured here
	Problems   []Problem
}

// Of lists the doors that a client would try for one repository of a host, in
// its order: those of the longest Scope that the repository is in.
func (r Result) Of(host, repository string) []Door {
	var doors []Door
	for _, d := range r.Doors {
		if _, ok := d.Repository(repository); d.Host != host || !ok {
			continue
		}
		if len(doors) > 0 && len(d.Scope) > len(doors[0].Scope) {
			doors = nil
		}
		if len(doors) == 0 || len(d.Scope) == len(doors[0].Scope) {
			doors = append(doors, d)
		}
	}
	return doors
}

// Read reads the files of a client. A host, as in the names of images and with
// its port, leaves what concerns this registry: its doors and weaknesses, and
// those of other registries for which the client comes to this host. The empty
// host is every registry that a file mentions. The root is the folder that
// stands for /, as a node's file system mounted into a container, and the home
// folder in it is /root; the empty root is this machine with this user's home.
// The error is a wrong argument; what is wrong with files is in Problems.
func Read(c Client, root, host string) (Result, error) {
	if err := checkHost(host); err != nil {
		return Result{}, err
	}
	r, err := newReader(root)
	if err != nil {
		return Result{}, err
	}
	switch c {
	case Containerd:
		readContainerd(r, host)
	case Podman:
		readPodman(r, host)
	case Docker:
		readDocker(r, host)
	default:
		return Result{}, fmt.Errorf("client %q: expected containerd, podman or docker", c)
	}
	res := r.result
	if host != "" {
		res = res.about(host)
	}
	res.Weaknesses = unique(res.Weaknesses, func(w Weakness) string {
		return fmt.Sprintf("%q", []any{w.Client, w.Kind, w.Host, w.Server, w.File, w.Line})
	})
	res.Problems = unique(res.Problems, Problem.String)
	res.Doors = unique(res.Doors, func(d Door) string {
		return fmt.Sprintf("%q", []any{d.Host, d.URL.String(), d.Scope, d.Prefix, d.Namespace, d.Role, d.CAFiles, d.CertFile, d.KeyFile, d.Capabilities})
	})
	return res, nil
}

func checkHost(host string) error {
	if host == "" {
		return nil
	}
	u, err := url.Parse("//" + host)
	if err != nil || u.Host != host || strings.ContainsAny(host, "/\\*_ ") || strings.Trim(host, ".") == "" {
		return fmt.Errorf("host %q: expected HOST or HOST:PORT as in the names of images", host)
	}
	return nil
}

// about leaves what concerns one registry. Problems stay: what was not
// understood may concern it.
func (r Result) about(host string) Result {
	r.Doors = slices.DeleteFunc(r.Doors, func(d Door) bool { return d.Host != host && !sameServer(d.URL.Host, host) })
	r.Weaknesses = slices.DeleteFunc(r.Weaknesses, func(w Weakness) bool {
		verifies := w.Kind == SkipVerify || w.Kind == PlainHTTP
		return w.Host != host && (!verifies || !sameServer(w.Server, host))
	})
	return r
}

// unique drops what came before, as a folder that two programs read, and keeps the order.
func unique[T any](list []T, key func(T) string) []T {
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(v T) bool {
		k := key(v)
		again := seen[k]
		seen[k] = true
		return again
	})
}

// sorted lists the keys of a map.
func sorted[K cmp.Ordered, V any](m map[K]V) []K {
	var keys []K
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func newReader(root string) (*reader, error) {
	r := &reader{root: root, config: "/root/.config", left: maxFiles}
	if root != "" {
		info, err := os.Stat(root)
		if err != nil {
			return nil, fmt.Errorf("root: %w", err)
		}
		if !info.IsDir() {
			return nil, fmt.Errorf("root %s: expected a folder", root)
		}
		return r, nil
	}
	r.config = os.Getenv("XDG_CONFIG_HOME")
	if r.config == "" {
		if home, err := os.UserHomeDir(); err == nil {
			r.config = home + "/.config"
		}
	}
	return r, nil
}
