// SPDX-License-Identifier: Apache-2.0

package ingress

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/wire"
)

// of is what a row asks for.
type of int

// The zero value is the manifest by its tag, or by the reference that was
// configured.
const (
	manifest of = iota
	layer
)

// row is one way to ask. What it leaves empty is as in the plain request. In
// every text {name} stands for a fact of the registry, see facts.
type row struct {
	of     of
	name   string      // in the words of a finding; "" is made from what differs
	method string      // instead of GET
	target string      // instead of the plain path
	host   string      // instead of the Host header; "-" sends none
	sni    string      // instead of the TLS server name; "-" sends none
	proto  wire.Proto  // instead of HTTP/1.1
	header [][2]string // added
	set    [][2]string // in place of those of the same name; the empty value drops it
	cause  string      // what a front does wrong when this opens something
	only   string      // a fact without which the row makes no sense
}

// facts are what a row may name:
//
//	repo ref digest       of the image that is asked for
//	first rest            the repository's first component, and what follows it
//	repo% ref%            with the first letter percent-encoded
//	repo/ REPO            with %2f for slashes; in upper case
//	host hostname port    of the endpoint's URL
//	HOSTNAME address      in upper case; the IP address that is asked
//	target                the plain path
//	other                 a name that nobody serves
//	user                  who may read the image
//	open                  a repository that policy opens to everybody
//	run junk              of this run: its id, and a Basic credential of nobody
type facts map[string]string

// factsOf collects them for one kind of content.
func factsOf(t *probe.Trial, r oci.Request) facts {
	w := t.Way()
	repo := w.Prefix + r.Repository
	first, rest, deep := strings.Cut(repo, "/")
	f := facts{
		"repo": repo, "ref": r.Reference, "first": first, "repo%": escape(repo), "ref%": escape(r.Reference), "REPO": strings.ToUpper(repo),
		"host": w.URL.Host, "hostname": hostOf(w.URL.Hostname()), "HOSTNAME": strings.ToUpper(hostOf(w.URL.Hostname())), "port": port(w), "other": "regproof-" + w.Run + ".invalid",
		"address": hostOf(w.Addresses[0].Addr().String()), "run": w.Run, "user": w.User, "open": w.Open,
		"junk": base64.StdEncoding.EncodeToString([]byte("regproof-" + w.Run + ":" + w.Run)),
	}
	if deep {
		f["rest"], f["repo/"] = rest, strings.ReplaceAll(repo, "/", "%2f")
	}
	if k := t.Known(); k != nil {
		f["digest"] = string(k.Root.Digest)
	}
	r.Repository = repo
	f["target"] = r.Target()
	return f
}

func port(w probe.Way) string {
	if p := w.URL.Port(); p != "" {
		return p
	}
	if w.URL.Scheme == "https" {
		return "443"
	}
	return "80"
}

func hostOf(address string) string {
	if strings.Contains(address, ":") {
		return "[" + address + "]"
	}
	return address
}

// escape writes the first letter as %xx.
func escape(s string) string {
	if s == "" {
		return s
	}
	return fmt.Sprintf("%%%02x%s", s[0], s[1:])
}

// fill puts facts into a text; ok is false where one is not known.
func (f facts) fill(text string) (out string, ok bool) {
	for {
		open := strings.IndexByte(text, '{')
		end := strings.IndexByte(text, '}')
		if open < 0 || end < open {
			return out + text, true
		}
		v := f[text[open+1:end]]
		if v == "" {
			return "", false
		}
		out += text[:open] + v
		text = text[end+1:]
	}
}

// attempt makes a row an attempt. ok is false where it makes no sense here: a
// fact is not known, or the outcome would be the plain request.
func (w row) attempt(f facts, plain probe.Attempt) (probe.Attempt, bool) {
	ok := w.only == "" || f[w.only] != ""
	fill := func(s string) string {
		out, known := f.fill(s)
		ok = ok && known
		return out
	}
	pairs := func(list [][2]string) (out [][2]string) {
		for _, p := range list {
			out = append(out, [2]string{p[0], fill(p[1])})
		}
		return out
	}
	target, host, sni := fill(w.target), fill(w.host), fill(w.sni)
	header, set := pairs(w.header), pairs(w.set)
	if !ok || (target != "" && target == f["target"]) || (host != "" && host == f["host"]) || (sni != "" && sni == f["hostname"]) {
		return plain, false
	}
	a := plain
	a.Variant, a.Cause = fill(w.name), w.cause
	if a.Variant == "" {
		a.Variant = describe(w, target, host, sni, slices.Concat(header, set))
	}
	if w.method != "" {
		a.Request.Method = w.method
	}
	a.Change = func(r *wire.Request) {
		if target != "" {
			r.Target = target
		}
		switch host {
		case "":
		case "-":
			r.Host = ""
		default:
			r.Host = host
		}
		if sni != "" {
			r.SNI, r.AnyName = strings.TrimPrefix(sni, "-"), true
		}
		if w.proto != "" {
			r.Proto = w.proto
		}
		for _, h := range set {
			r.Header = slices.DeleteFunc(slices.Clone(r.Header), func(old [2]string) bool { return strings.EqualFold(old[0], h[0]) })
			if h[1] != "" {
				r.Header = append(r.Header, h)
			}
		}
		r.Header = append(r.Header, header...)
	}
	return a, true
}

// describe names a row by what differs.
func describe(w row, target, host, sni string, header [][2]string) string {
	var parts []string
	if w.method != "" {
		parts = append(parts, "the method "+w.method)
	}
	if target != "" {
		parts = append(parts, "the target "+target)
	}
	switch host {
	case "":
	case "-":
		parts = append(parts, "no Host")
	default:
		parts = append(parts, "Host: "+host)
	}
	switch sni {
	case "":
	case "-":
		parts = append(parts, "no TLS server name")
	default:
		parts = append(parts, "the TLS server name "+sni)
	}
	if w.proto != "" {
		parts = append(parts, string(w.proto))
	}
	for _, h := range header {
		if h[1] == "" {
			parts = append(parts, "an empty "+h[0])
		} else {
			parts = append(parts, h[0]+": "+h[1])
		}
	}
	return strings.Join(parts, " and ")
}

// vary runs a table against the image.
func vary(ctx context.Context, t *probe.Trial, rows []row) probe.Result {
	sets := setsOf(t, rows)
	if len(sets) == 0 {
		return probe.NotApplicable("there is nothing to vary here")
	}
	return t.Vary(ctx, sets...)
}

// setsOf puts rows beside the plain request that they vary.
func setsOf(t *probe.Trial, rows []row) (sets []probe.Set) {
	for _, kind := range []of{manifest, layer} {
		if plain, ok := plainOf(t, kind); ok {
			of := slices.DeleteFunc(slices.Clone(rows), func(w row) bool { return w.of != kind })
			if set := setOf(factsOf(t, plain.Request), plain, of); len(set.Odd) > 0 {
				sets = append(sets, set)
			}
		}
	}
	return sets
}

func setOf(f facts, plain probe.Attempt, rows []row) probe.Set {
	set := probe.Set{Plain: plain}
	for _, w := range rows {
		if a, ok := w.attempt(f, plain); ok {
			set.Odd = append(set.Odd, a)
		}
	}
	return set
}

// plainOf is the plain request that the rows of one kind vary.
func plainOf(t *probe.Trial, kind of) (probe.Attempt, bool) {
	k := t.Known()
	if kind == manifest {
		a := probe.Attempt{Request: oci.Request{Method: "GET", Kind: oci.Manifest, Repository: t.Repository(), Reference: t.Reference(), Accept: oci.AcceptManifests()}}
		if k != nil {
			a.Content = k.Root
		}
		return a, true
	}
	if k == nil {
		return probe.Attempt{}, false
	}
	own := t.Private(k.Layers)
	if len(own) == 0 {
		return probe.Attempt{}, false
	}
	c := smallest(own)
	a := probe.Attempt{Request: oci.Request{Method: "GET", Kind: oci.Blob, Repository: t.Repository(), Reference: string(c.Digest)}, Content: c}
	a.Limits = probe.BlobLimits(c)
	return a, true
}

// smallest is the layer that costs least to be served.
func smallest(list []*image.Content) *image.Content {
	return slices.MinFunc(list, func(a, b *image.Content) int { return int(a.Size - b.Size) })
}

// names lists a header with several values.
func names(header string, values ...string) []row {
	var out []row
	for _, v := range values {
		out = append(out, row{header: [][2]string{{header, v}}})
	}
	return out
}

// headers lists several headers with one value.
func headers(value string, list ...string) []row {
	var out []row
	for _, h := range list {
		out = append(out, row{header: [][2]string{{h, value}}})
	}
	return out
}
