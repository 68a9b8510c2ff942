// SPDX-License-Identifier: Apache-2.0

package clients

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

const (
	hub       = "docker.io"
	hubServer = "registry-1.docker.io"
)

// publicServers are registries in which strangers may have images of any name.
var publicServers = []string{
	hub, "index.docker.io", hubServer, "registry.hub.docker.com", "hub.docker.com", "mirror.gcr.io",
	"quay.io", "ghcr.io", "gcr.io", "us.gcr.io", "eu.gcr.io", "asia.gcr.io", "k8s.gcr.io", "registry.k8s.io",
	"public.ecr.aws", "mcr.microsoft.com", "registry.gitlab.com", "lscr.io", "nvcr.io", "docker.elastic.co",
	"registry.access.redhat.com", "registry.redhat.io", "registry.fedoraproject.org", "registry.opensuse.org",
	"registry.suse.com", "docker.mirrors.ustc.edu.cn", "registry.cn-hangzhou.aliyuncs.com", "docker.m.daocloud.io",
}

// public says whether a server is one of those, whatever its port.
func public(server string) bool {
	return slices.Contains(publicServers, strings.ToLower(hostname(server)))
}

// hostname cuts the port off.
func hostname(server string) string {
	if h, _, err := net.SplitHostPort(server); err == nil {
		return h
	}
	return strings.Trim(server, "[]")
}

func port(server string) string {
	_, p, err := net.SplitHostPort(server)
	if err != nil {
		return ""
	}
	return p
}

// loopback is what containerd and docker take for this machine by its name alone.
func loopback(server string) bool {
	h := hostname(server)
	if h == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(h)
	return err == nil && a.IsLoopback()
}

// sameServer compares two servers; the port of https may be left out.
func sameServer(a, b string) bool {
	norm := func(s string) string { return strings.TrimSuffix(strings.ToLower(s), ":443") }
	return norm(a) == norm(b)
}

// serverOf is the server that a client connects to for a registry.
func serverOf(host string) string {
	if host == hub {
		return hubServer
	}
	return host
}

// link is the URL of a door; a user name or password in a file does not come into it.
func link(scheme, server, path string) *url.URL {
	return &url.URL{Scheme: scheme, Host: server, Path: strings.TrimSuffix(path, "/")}
}
