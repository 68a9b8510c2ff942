// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/regproof/regproof/config"
	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/policy"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/wire"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// quickFlags are the options of a check without a file.
type quickFlags struct {
	endpoints  []string
	caFile     string
	certFile   string
	keyFile    string
	resolve    []string
	plainHTTP  bool
	authFile   string
	username   string
	password   bool
	allowRealm []string
}

func (q *quickFlags) add(fl *pflag.FlagSet) {
	fl.StringSliceVar(&q.endpoints, "endpoint", nil, "another way in, as a URL; repeatable")
	fl.StringVar(&q.caFile, "ca-file", "", "PEM file of the certificate authority")
	fl.StringVar(&q.certFile, "cert-file", "", "PEM file of a client certificate")
	fl.StringVar(&q.keyFile, "key-file", "", "PEM file of its key")
	fl.StringSliceVar(&q.resolve, "resolve", nil, "HOST:ADDR to use instead of asking DNS; repeatable")
	fl.BoolVar(&q.plainHTTP, "plain-http", false, "the registry speaks http; credentials may go over it")
	fl.StringVar(&q.authFile, "authfile", "", "credentials file (default: those of podman and docker)")
	fl.StringVar(&q.username, "username", "", "user name for the positive control, with --password-stdin")
	fl.BoolVar(&q.password, "password-stdin", false, "read the password from stdin")
	fl.StringSliceVar(&q.allowRealm, "allow-realm", nil, "URL of a token service that may see the credential; repeatable")
}

// used names a flag of the quick form that was set, "" if none was.
func (q *quickFlags) used(fl *pflag.FlagSet) string {
	for _, name := range []string{"endpoint", "ca-file", "cert-file", "key-file", "resolve", "plain-http", "authfile", "username", "password-stdin", "allow-realm"} {
		if fl.Changed(name) {
			return name
		}
	}
	return ""
}

// setup makes a run of a name: HOST, HOST/REPO, HOST/REPO:TAG.
func (q *quickFlags) setup(cmd *cobra.Command, arg string, ask bool) (*setup, error) {
	name, err := parseName(arg)
	if err != nil {
		return nil, err
	}
	resolve, err := parseResolve(q.resolve)
	if err != nil {
		return nil, err
	}
	roots, err := loadRoots(q.caFile)
	if err != nil {
		return nil, fmt.Errorf("--ca-file: %w", err)
	}
	s := &setup{name: arg, caFile: q.caFile}
	primary := &url.URL{Scheme: q.scheme(cmd.Context(), name.Host, ask), Host: apiHost(name.Host)}
	if primary.Scheme == "http" && !q.plainHTTP {
		s.notes = append(s.notes, name.Host+" speaks plain http on this machine, so it is asked that way")
	}
	target := probe.Target{Name: name.Host, Trust: wire.Trust{Roots: roots}, Endpoints: []probe.Endpoint{{URL: primary}}}
	origins := []credential.Origin{}
	for _, raw := range append([]string{primary.String()}, q.endpoints...) {
		o, err := credential.ParseOrigin(raw)
		if err != nil {
			return nil, fmt.Errorf("--endpoint %q: %w", raw, err)
		}
		origins = append(origins, o)
		if raw != primary.String() {
			u, _ := url.Parse(raw)
			target.Endpoints = append(target.Endpoints, probe.Endpoint{URL: &url.URL{Scheme: u.Scheme, Host: u.Host}})
		}
	}
	id, err := q.identity(cmd, s, &target, name, origins)
	if err != nil {
		return nil, err
	}
	s.opts = probe.Options{
		Targets: []probe.Target{target}, Policy: policy.Policy{}, Resolve: resolve,
		MaxRequests: 20_000, MaxDenied: 600, Sandbox: config.Sandbox,
	}
	if id != nil {
		s.opts.Identities = []probe.Identity{*id}
		s.loggedIn = true
	}
	if name.Repository == "" {
		s.opts.RegistryWide = true
	} else {
		s.opts.Images = []probe.ImageRef{{Registry: name.Host, Repository: name.Repository, Reference: name.Reference()}}
	}
	return s, nil
}

func parseName(arg string) (oci.Name, error) {
	name, err := oci.ParseName(arg)
	if errors.Is(err, oci.ErrNoHost) {
		full := arg
		if !strings.Contains(arg, "/") {
			full = "library/" + arg
		}
		return name, fmt.Errorf("%q names no registry, did you mean docker.io/%s?", arg, full)
	}
	if err != nil {
		return name, err
	}
	if name.Host == "docker.io" && name.Repository != "" && !strings.Contains(name.Repository, "/") {
		name.Repository = "library/" + name.Repository
	}
	return name, nil
}

// apiHost is where the API of a registry lives, when that is another host than
// the one in image names.
func apiHost(host string) string {
	if host == "docker.io" || host == "index.docker.io" {
		return "registry-1.docker.io"
	}
	return host
}

// scheme is https, except that a registry on this very machine is asked
// whether it speaks it.
func (q *quickFlags) scheme(ctx context.Context, host string, ask bool) string {
	if q.plainHTTP {
		return "http"
	}
	bare, port, err := net.SplitHostPort(host)
	if err != nil {
		bare, port = host, "443"
	}
	addr, err := netip.ParseAddr(strings.Trim(bare, "[]"))
	if bare != "localhost" && (err != nil || !addr.IsLoopback()) {
		return "https"
	}
	if !ask { // a plan sends nothing, so the port has to tell
		if strings.HasSuffix(port, "443") {
			return "https"
		}
		return "http"
	}
	if speaksHTTP(ctx, net.JoinHostPort(strings.Trim(bare, "[]"), port)) {
		return "http"
	}
	return "https"
}

// speaksHTTP asks a port of this machine for plain HTTP, and says whether the
// answer is that of a server that does not want TLS: some of those wait for
// more when TLS is spoken to them, so TLS itself is no question to ask.
func speaksHTTP(ctx context.Context, addr string) bool {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	if _, err := io.WriteString(conn, "GET /v2/ HTTP/1.1\r\nHost: "+addr+"\r\nConnection: close\r\n\r\n"); err != nil {
		return false
	}
	answer, _ := io.ReadAll(io.LimitReader(conn, 4096))
	text := strings.ToLower(string(answer))
	// Go, nginx and Apache say this on a port for TLS.
	return strings.HasPrefix(text, "http/") && !strings.Contains(text, "http request to an https server") && !strings.Contains(text, "plain http request was sent to https port") && !strings.Contains(text, "speaking plain http to an ssl-enabled")
}

// identity finds who makes the positive control: --username, a client
// certificate, or the user's docker or podman credentials. It is nil when
// there is none; a source that is broken is an error of the run, never
// nothing.
func (q *quickFlags) identity(cmd *cobra.Command, s *setup, target *probe.Target, name oci.Name, origins []credential.Origin) (*probe.Identity, error) {
	cert, err := loadCert(q.certFile, q.keyFile)
	if err != nil {
		return nil, err
	}
	id := &probe.Identity{Identity: login.Identity{Name: "you", Cert: cert}}
	id.Secret.Origins, id.Secret.PlainHTTP = origins, q.plainHTTP
	for _, r := range q.allowRealm {
		o, err := credential.ParseOrigin(r)
		if err != nil {
			return nil, fmt.Errorf("--allow-realm %q: %w", r, err)
		}
		id.Realms = append(id.Realms, o)
		target.Realms = append(target.Realms, o)
	}
	if q.password != (q.username != "") {
		return nil, errors.New("--username and --password-stdin go together")
	}
	if q.username != "" {
		c, err := credential.Reader{Username: q.username, R: cmd.InOrStdin()}.Credential(cmd.Context())
		if err != nil {
			return nil, fmt.Errorf("--password-stdin: %w", err)
		}
		id.Name, id.Secret.Credential = q.username, c
		return id, nil
	}
	lookup := credential.Lookup{Host: name.Host, Repository: name.Repository, AuthFile: q.authFile, Env: os.Getenv, Home: home()}
	c, err := lookup.Credential(cmd.Context())
	switch {
	case errors.Is(err, credential.ErrNotFound):
		if q.authFile != "" {
			return nil, fmt.Errorf("--authfile: %w", err)
		}
		if cert == nil {
			return nil, nil
		}
		id.Name = "client-certificate"
		return id, nil
	case err != nil:
		s.problem = "the credential for " + name.Host + " cannot be used: " + err.Error()
		id.Problem = err.Error()
		return id, nil
	}
	if c.Username != "" {
		id.Name = c.Username
	}
	id.Secret.Credential = c
	s.notes = append(s.notes, fmt.Sprintf("the positive control is %s, from %s", id.Name, c.Source))
	return id, nil
}

func home() string {
	dir, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return dir
}
