// SPDX-License-Identifier: Apache-2.0

package clients

import (
	"path"
	"slices"
	"strings"
)

// certs is what one folder of certificates adds to a door.
type certs struct {
	ca   []string
	cert string
	key  string
}

func (d Door) with(c certs) Door {
	d.CAFiles, d.CertFile, d.KeyFile = c.ca, c.cert, c.key
	return d
}

// certFolder reads a folder as docker lays it out: *.crt are authorities, and
// *.cert with *.key are client certificates (containers-certs.d(5)). Docker and
// podman refuse to talk to the registry if one of a pair is missing; containerd
// looks for the key in the .cert then.
func (r *reader) certFolder(dir string, keyInside bool) certs {
	var c certs
	names := r.dir(dir)
	for _, name := range names {
		p := path.Join(dir, name)
		switch base, ext := strings.TrimSuffix(name, path.Ext(name)), path.Ext(name); ext {
		case ".crt":
			if real, ok := r.pem(p, p, 0); ok {
				c.ca = append(c.ca, real)
			}
		case ".cert":
			key := path.Join(dir, base+".key")
			if !slices.Contains(names, base+".key") {
				if !keyInside {
					r.problem(p, 0, "%s.key is not beside it: the client refuses the whole folder; an authority is to be named %s.crt", base, base)
					continue
				}
				key = p
			}
			r.pair(&c, p, key, p, 0)
		case ".key":
			if !slices.Contains(names, base+".cert") {
				r.problem(p, 0, "%s.cert is not beside it", base)
			}
		}
	}
	if len(names) > 0 {
		r.result.Files = append(r.result.Files, r.shown(dir))
	}
	return c
}

// pair takes a client certificate. A client with several presents the one that
// the registry asks for; only the first can be tried here.
func (r *reader) pair(c *certs, cert, key, file string, line int) {
	if c.cert != "" {
		r.problem(file, line, "%s is a second client certificate: doors are given the first one alone", r.shown(cert))
		return
	}
	realCert, okCert := r.pem(cert, file, line)
	realKey, okKey := r.pem(key, file, line)
	if okCert && okKey {
		c.cert, c.key = realCert, realKey
	}
}
