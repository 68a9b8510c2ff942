// SPDX-License-Identifier: Apache-2.0

package login

import "strings"

// Challenge is one authentication challenge of a WWW-Authenticate field
// (RFC 9110 section 11.6.1). Names of parameters are in lower case.
type Challenge struct {
	Scheme string // in lower case
	Params map[string]string
}

// maxChallenges bounds what is read from one answer.
const maxChallenges = 16

// ParseChallenges reads the values of WWW-Authenticate: several challenges in
// one field, several fields, quoted strings with escapes. What cannot be read
// is skipped.
func ParseChallenges(values []string) []Challenge {
	var out []Challenge
	for _, v := range values {
		p := &scanner{s: v}
		for len(out) < maxChallenges {
			p.skip(" \t,")
			scheme := p.token()
			if scheme == "" {
				comma := strings.IndexByte(p.s[p.i:], ',')
				if comma < 0 {
					break
				}
				p.i += comma
				continue
			}
			c := Challenge{Scheme: strings.ToLower(scheme), Params: map[string]string{}}
			p.skip(" \t")
			if !p.token68() {
				p.params(c.Params)
			}
			out = append(out, c)
		}
	}
	return out
}

type scanner struct {
	s string
	i int
}

func (p *scanner) skip(set string) {
	for p.i < len(p.s) && strings.IndexByte(set, p.s[p.i]) >= 0 {
		p.i++
	}
}

func (p *scanner) token() string {
	start := p.i
	for p.i < len(p.s) && strings.IndexByte(" \t,=\"", p.s[p.i]) < 0 {
		p.i++
	}
	return p.s[start:p.i]
}

// params reads name=value pairs until something begins that has no equals
// sign: the next challenge's scheme.
func (p *scanner) params(into map[string]string) {
	for {
		p.skip(" \t,")
		start := p.i
		name := p.token()
		p.skip(" \t")
		if name == "" || p.i >= len(p.s) || p.s[p.i] != '=' {
			p.i = start
			return
		}
		p.i++
		p.skip(" \t")
		value := p.value()
		if key := strings.ToLower(name); into[key] == "" {
			into[key] = value // the first of two wins, as clients do
		}
	}
}

// token68 skips the opaque form of credentials ("Negotiate abc=="), if that is
// what stands between the scheme and the next comma.
func (p *scanner) token68() bool {
	word, _, _ := strings.Cut(p.s[p.i:], ",")
	word = strings.TrimRight(word, " \t")
	if bare := strings.TrimRight(word, "="); bare == "" || strings.ContainsAny(bare, " \t=\"") {
		return false
	}
	p.i += len(word)
	return true
}

func (p *scanner) value() string {
	if p.i >= len(p.s) || p.s[p.i] != '"' {
		return p.token()
	}
	var b strings.Builder
	for p.i++; p.i < len(p.s); p.i++ {
		switch c := p.s[p.i]; {
		case c == '\\' && p.i+1 < len(p.s):
			p.i++
			b.WriteByte(p.s[p.i])
		case c == '"':
			p.i++
			return b.String()
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
