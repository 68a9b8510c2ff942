// SPDX-License-Identifier: Apache-2.0

package clients

import (
	"errors"
	"net/url"
	"path"
	"strings"
)

// criMirrors notes the doors of registry.mirrors and registry.configs, which
// containerd 1 has (registryEndpoints): the endpoints of the host or of "*", then
// the registry itself unless one of them is it.
func (r *reader) criMirrors(s imageSettings, host string) {
	hosts := map[string]bool{}
	for h := range s.mirrors {
		hosts[h] = true
	}
	for h := range s.tls {
		hosts[h] = true
	}
	if host != "" && len(hosts) > 0 {
		hosts[host] = true
	}
	for _, h := range sorted(hosts) {
		m, ok := s.mirrors[h]
		if !ok {
			m = s.mirrors[Any]
		}
		own := h == Any
		for _, e := range m.endpoints {
			u, err := criEndpoint(e.text)
			if err != nil {
				r.problem(m.file, e.line, "%v", err)
				continue
			}
			own = own || u.Host == h
			r.criDoor(s, h, u, m, e)
		}
		if !own {
			u, _ := criEndpoint(serverOf(h))
			if u != nil {
				r.criDoor(s, h, u, criMirror{}, nil)
			}
		}
	}
}

// criEndpoint puts a scheme where none is written: http for loopback.
func criEndpoint(s string) (*url.URL, error) {
	if !strings.Contains(s, "://") {
		u, err := url.Parse("dummy://" + s)
		if err == nil && loopback(u.Host) {
			s = "http://" + s
		} else {
			s = "https://" + s
		}
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("endpoint: expected https://HOST or http://HOST")
	}
	if u.Path == "" {
		u.Path = "/v2"
	}
	return u, nil
}

// criDoor notes one endpoint; e is nil for the registry itself.
func (r *reader) criDoor(s imageSettings, host string, u *url.URL, m criMirror, e *node) {
	d := Door{Host: host, Role: Origin, File: m.file, Capabilities: []string{"pull", "resolve"}}
	if e != nil {
		d.Line = e.line
		if !sameServer(u.Host, serverOf(host)) {
			d.Role = Mirror
			if host != Any {
				d.Namespace = host
			}
		}
	}
	w := Weakness{Client: string(Containerd), Host: host, Server: u.Host, File: d.File, Line: d.Line}
	if e != nil {
		w.Setting = "endpoint: " + e.render()
	}
	tls := s.tls[u.Host]
	if tls.skip != nil {
		skip := w
		skip.Kind, skip.File, skip.Line, skip.Setting = SkipVerify, tls.file, tls.skip.line, tls.skip.text
		skip.Fix = "remove insecure_skip_verify; if the registry's certificate is from an authority of your own, name it with ca_file"
		r.weak(skip)
	}
	if u.Scheme == "http" && e != nil {
		plain := w
		plain.Kind, plain.Fix = PlainHTTP, "write https:// for the endpoint"
		r.weak(plain)
	}
	if public(u.Host) && !public(host) {
		fall := w
		fall.Kind, fall.Fix = PublicFallback, "take the public registry out of the endpoints of the private one"
		r.weak(fall)
	}
	var c certs
	if tls.ca.text != "" {
		if real, ok := r.pem(tls.ca.text, tls.file, tls.ca.line); ok {
			c.ca = []string{real}
		}
	}
	if tls.cert.text != "" || tls.key.text != "" {
		if tls.cert.text == "" || tls.key.text == "" {
			r.problem(tls.file, tls.cert.line+tls.key.line, "cert_file and key_file: one without the other")
		} else {
			r.pair(&c, tls.cert.text, tls.key.text, tls.file, tls.cert.line)
		}
	}
	base, prefix, ok := splitAPI(path.Clean(u.Path))
	if !ok {
		r.problem(d.File, d.Line, "an endpoint without /v2 in its path: this door is no registry that could be tested")
		return
	}
	d = d.with(c)
	d.Prefix, d.URL = prefix, link(u.Scheme, u.Host, base)
	r.door(d)
}
