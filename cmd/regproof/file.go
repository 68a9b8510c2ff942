// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/config"
	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/policy"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/upstream"
	"github.com/regproof/regproof/wire"
)

// fromFile makes a run of a configuration file.
func fromFile(ctx context.Context, path string) (*setup, error) {
	f, err := config.Load(path)
	if err != nil {
		return nil, err
	}
	s := &setup{sha256: f.SHA256, sandboxNamed: f.Check.SandboxNamed}
	s.opts = probe.Options{Policy: rules(f), MaxRequests: f.Check.Budget.Requests, MaxDenied: f.Check.Budget.Denied, Sandbox: f.Check.Sandbox}
	s.opts.Decoy, s.opts.Revocation = f.Check.Decoy, revocation(f.Check.Revoke)
	if u := f.Check.Upstream; u != nil {
		s.opts.Upstream = upstream.New(upstream.Options{Listen: u.Listen.AddrPort, URL: u.Base, Foreign: u.Foreign})
	}
	for _, r := range f.Registries {
		t, err := target(r)
		if err != nil {
			return nil, err
		}
		if s.caFile == "" {
			s.caFile = r.TLS.CA.Resolved
		}
		s.opts.Targets = append(s.opts.Targets, t)
	}
	for _, i := range f.Identities {
		id, err := identity(ctx, f, i)
		if err != nil {
			return nil, err
		}
		if id.Problem != "" && s.problem == "" {
			s.problem = fmt.Sprintf("identity %s (%s:%d) cannot be used: %s", i.Name, f.Path, i.Pos.Line, id.Problem)
		}
		s.opts.Identities = append(s.opts.Identities, id)
		for i := range s.opts.Targets {
			if id.For(s.opts.Targets[i].Name) {
				s.opts.Targets[i].Realms = append(s.opts.Targets[i].Realms, id.Realms...)
			}
		}
		s.loggedIn = true
	}
	for _, i := range f.Images {
		s.opts.Images = append(s.opts.Images, probe.ImageRef{Registry: i.Registry, Repository: i.Repository, Reference: i.Reference, Control: i.Control})
	}
	var faults config.Faults
	for _, r := range f.Check.Require {
		if _, err := matchProbes(r.ID); err != nil {
			faults = append(faults, f.Fault(r.Pos, err.Error(), ""))
		}
		s.require = append(s.require, r.ID)
	}
	if len(faults) > 0 {
		return nil, faults
	}
	if len(f.Images) == 0 {
		s.opts.RegistryWide = true
	}
	return s, nil
}

func target(r config.Registry) (probe.Target, error) {
	roots, err := loadRoots(r.TLS.CA.Resolved)
	if err != nil {
		return probe.Target{}, fmt.Errorf("registry %s: tls.ca: %w", r.Name, err)
	}
	t := probe.Target{
		Name: r.Name, Trust: wire.Trust{Roots: roots}, Mutual: r.TLS.Mutual, MinVersion: r.TLS.MinVersion.Number(), PerSecond: r.Rate.PerSecond, Concurrent: r.Rate.Concurrent,
		Endpoints: []probe.Endpoint{{URL: r.Base}},
	}
	if path := r.Tokens.SigningKey.Resolved; path != "" {
		key, err := loadKey(path)
		if err != nil {
			return probe.Target{}, fmt.Errorf("registry %s: tokens.signingKey: %w", r.Name, err)
		}
		t.Signing = &probe.Signing{KeyID: r.Tokens.KeyID, Key: key}
	}
	if path := r.Tokens.PublicKey.Resolved; path != "" {
		if t.Verifies, err = publicKey(path); err != nil {
			return probe.Target{}, fmt.Errorf("registry %s: tokens.publicKey: %w", r.Name, err)
		}
	}
	for _, realm := range r.Tokens.OtherRealms {
		t.Foreign = append(t.Foreign, probe.Issuer{Realm: realm})
	}
	if r.Type != config.Auto {
		t.Product = string(r.Type)
	}
	for _, e := range r.Endpoints {
		t.Endpoints = append(t.Endpoints, probe.Endpoint{
			URL: e.Base, Address: e.Address, Prefix: e.Prefix, Cache: e.Role == config.Cache,
			Expect: probe.Expect(e.Expect),
		})
	}
	for _, host := range r.Redirects {
		for _, scheme := range []string{"https://", "http://"} {
			if scheme == "http://" && r.Base.Scheme == "https" {
				continue
			}
			if o, err := credential.ParseOrigin(scheme + host); err == nil {
				t.Redirects = append(t.Redirects, o)
			}
		}
	}
	return t, nil
}

func rules(f *config.File) policy.Policy {
	var p policy.Policy
	if f.Policy == nil {
		return p
	}
	for _, r := range f.Policy.Rules {
		rule := policy.Rule{Who: r.Who, Repos: r.Repos, Line: r.Pos.Line}
		for _, a := range r.Can {
			rule.Can = append(rule.Can, access.Action(a))
		}
		p.Rules = append(p.Rules, rule)
	}
	return p
}

// identity resolves the secret of one identity. A secret that cannot be had is
// the identity's problem, and the run goes on without it; it never becomes
// anonymous.
func identity(ctx context.Context, f *config.File, i config.Identity) (probe.Identity, error) {
	id := probe.Identity{Identity: login.Identity{Name: i.Name}, Groups: i.Groups, Registries: i.For}
	id.Secret.PlainHTTP = i.PlainHTTP
	hosts := []string{}
	for _, r := range f.Registries {
		for _, name := range i.For {
			if r.Name == name {
				hosts = append(hosts, r.Base.Host)
				o, _ := credential.ParseOrigin(r.Base.String())
				id.Secret.Origins = append(id.Secret.Origins, o)
			}
		}
	}
	for _, raw := range i.Origins {
		o, err := credential.ParseOrigin(raw)
		if err != nil {
			return id, fmt.Errorf("identity %s: origins: %w", i.Name, err)
		}
		id.Secret.Origins = append(id.Secret.Origins, o)
	}
	for _, raw := range i.Realms {
		o, err := credential.ParseOrigin(raw)
		if err != nil {
			return id, fmt.Errorf("identity %s: realms: %w", i.Name, err)
		}
		id.Realms = append(id.Realms, o)
	}
	if i.Cert != nil {
		cert, err := loadCert(i.Cert.Cert.Resolved, i.Cert.Key.Resolved)
		if err != nil {
			id.Problem = err.Error()
			return id, nil
		}
		id.Identity.Cert = cert
		if ca := i.Cert.CA; ca != nil {
			if id.TestCA, err = loadAuthority(ca.Cert.Resolved, ca.Key.Resolved); err != nil {
				id.Problem = err.Error()
				return id, nil
			}
		}
	}
	if i.From == nil {
		return id, nil
	}
	c, err := secretSource(i.From, strings.Join(hosts[:min(len(hosts), 1)], "")).Credential(ctx)
	if err != nil {
		id.Problem = err.Error()
		return id, nil
	}
	id.Secret.Credential = c
	if i.From.OIDC != nil {
		if id.Workload, err = workload(i.From.OIDC); err != nil {
			id.Problem = err.Error()
		}
	}
	return id, nil
}

func secretSource(s *config.Source, host string) credential.Source {
	switch {
	case s.Env != nil && s.Env.Token != "":
		return credential.EnvToken{Variable: s.Env.Token}
	case s.Env != nil:
		return credential.Env{Username: s.Env.User, Password: s.Env.Password}
	case s.DockerConfig != nil:
		return credential.DockerConfig{Path: s.DockerConfig.Path.Resolved, Key: s.DockerConfig.Key, Host: host}
	case s.CredentialHelper != nil:
		server := s.CredentialHelper.Server
		if server == "" {
			server = host
		}
		return credential.Helper{Name: s.CredentialHelper.Name, Server: server}
	}
	if o := s.OIDC; o != nil {
		return credential.OIDC{
			From: string(o.Source), Audience: o.Audience, Path: o.Path.Resolved, Variable: string(o.Variable),
			Use: credential.Use(o.Exchange), Username: o.User,
		}
	}
	return credential.File{Username: s.File.Username.Resolved, Password: s.File.Password.Resolved}
}
