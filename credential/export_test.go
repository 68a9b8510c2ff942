// SPDX-License-Identifier: Apache-2.0

package credential

import "time"

// WithTimeout lets a test wait less than 10 s.
func (h Helper) WithTimeout(d time.Duration) Helper {
	h.timeout = d
	return h
}

// FindInConfig parses a configuration and decodes the entry of a host, without helpers.
func FindInConfig(data []byte, legacy bool, host, repo string) (Credential, error) {
	f, err := parseConfig(data, legacy)
	if err != nil {
		return Credential{}, err
	}
	normal, err := normalHost(host)
	if err != nil {
		return Credential{}, err
	}
	c, _, err := place{shown: "f", legacy: legacy}.askAuths(f, question{host: normal, repo: repo}, "")
	return c, err
}
