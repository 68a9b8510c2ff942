// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/regproof/regproof/clients"
	"github.com/regproof/regproof/probe"
)

// importDoors adds the doors that clients on this machine use to the registries
// of the run, and what in their configuration weakens them.
func (s *setup) importDoors(ctx context.Context, names []string, ask bool) error {
	for _, name := range names {
		client := clients.Client(name)
		if !slices.Contains(clients.All(), client) {
			return fmt.Errorf("--import %q: expected containerd, podman or docker", name)
		}
		for i := range s.opts.Targets {
			if err := s.importFor(ctx, client, &s.opts.Targets[i], ask); err != nil {
				return fmt.Errorf("--import %s: %w", name, err)
			}
		}
	}
	return nil
}

// importFor reads one client's configuration for one registry.
func (s *setup) importFor(ctx context.Context, client clients.Client, t *probe.Target, ask bool) error {
	host := t.Endpoints[0].URL.Host
	if apiHost("docker.io") == host {
		host = "docker.io"
	}
	got, err := clients.Read(client, "", host)
	if err != nil {
		return err
	}
	if t.Imported == nil {
		t.Imported = &probe.Imported{}
	}
	t.Imported.Files += len(got.Files)
	t.Imported.Weaknesses = append(t.Imported.Weaknesses, got.Weaknesses...)
	t.Imported.Problems = append(t.Imported.Problems, got.Problems...)
	for _, p := range got.Problems {
		s.notes = append(s.notes, "--import: "+p.String())
	}
	if len(got.Files) == 0 {
		s.notes = append(s.notes, fmt.Sprintf("--import %s: it has no configuration on this machine", client))
	}
	plain := func(d clients.Door) bool { // the client would go on over http, and somebody is there
		return ask && d.URL.Scheme == "https" && slices.ContainsFunc(got.Doors, func(o clients.Door) bool {
			return o.Role == clients.Plain && o.URL.Host == d.URL.Host
		}) && speaksHTTP(ctx, hostPort(d.URL))
	}
	for _, image := range s.opts.Images {
		if image.Registry != t.Name {
			continue
		}
		for _, d := range got.Of(host, image.Repository) {
			s.importDoor(client, d, image.Repository, t, plain(d))
		}
	}
	if len(s.opts.Images) == 0 {
		for _, d := range got.Doors {
			s.importDoor(client, d, "", t, plain(d))
		}
	}
	return nil
}

// importDoor adds one door as an endpoint, unless it is one already.
func (s *setup) importDoor(client clients.Client, d clients.Door, repository string, t *probe.Target, plain bool) {
	where := fmt.Sprintf("%s:%d", d.File, d.Line)
	if d.File == "" {
		return // the client's default is the registry itself
	}
	prefix := d.Prefix
	if at, ok := d.Repository(repository); repository != "" && (!ok || at != prefix+repository) {
		s.notes = append(s.notes, fmt.Sprintf("--import: %s is not checked: %s asks it for %s by another name (%s)", d.URL, client, repository, where))
		return
	}
	if d.URL.Path != "" && d.URL.Path != "/" {
		s.notes = append(s.notes, fmt.Sprintf("--import: %s is not checked: its path before /v2/ is not supported (%s)", d.URL, where))
		return
	}
	if d.Role == clients.Plain { // asked only when https fails; that nobody answers there is as it should be
		return
	}
	base := &url.URL{Scheme: d.URL.Scheme, Host: strings.ToLower(d.URL.Host)}
	if plain {
		base.Scheme = "http"
	}
	same := func(e probe.Endpoint) bool {
		return e.URL.Scheme == base.Scheme && strings.EqualFold(e.URL.Host, base.Host) && e.Prefix == prefix
	}
	if slices.ContainsFunc(t.Endpoints, same) {
		return
	}
	t.Endpoints = append(t.Endpoints, probe.Endpoint{URL: base, Prefix: prefix, Roots: s.authorities(d.CAFiles, t.Trust.Roots)})
	s.notes = append(s.notes, fmt.Sprintf("--import: %s is checked too, since %s uses it (%s)", base, client, where))
}

// authorities are those that the client believes at a door, beside what is
// believed anyway. They count for that door alone: the credential of the
// registry must not depend on whom a mirror believes. It is nil without any.
func (s *setup) authorities(files []string, roots *x509.CertPool) *x509.CertPool {
	var pool *x509.CertPool
	for _, file := range files {
		pem, err := os.ReadFile(file)
		if err != nil {
			s.notes = append(s.notes, "--import: "+err.Error())
			continue
		}
		if pool == nil {
			pool = believed(roots)
		}
		pool.AppendCertsFromPEM(pem)
	}
	return pool
}

// believed is a copy of what is trusted: the system's authorities when nothing
// was named.
func believed(roots *x509.CertPool) *x509.CertPool {
	if roots != nil {
		return roots.Clone()
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return x509.NewCertPool()
	}
	return pool
}

// hostPort is where a URL leads.
func hostPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	return net.JoinHostPort(u.Hostname(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
}
