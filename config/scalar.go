// SPDX-License-Identifier: Apache-2.0

package config

import (
	"math"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

var decimal = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,17})$`)

// text is a string with something in it that can be shown.
func (d *decoder) text(n *node, label string) (string, bool) {
	if n.kind != kindText {
		return "", d.wrong(n, label, "a string")
	}
	if n.text == "" {
		d.add(n.at, "", "%s is empty", label)
		return "", false
	}
	if escape(n.text) != n.text {
		d.add(n.at, "", "%s holds a control character%s", label, unlessSensitive(label, ": "+quote(n.text)))
		return "", false
	}
	return n.text, true
}

func (d *decoder) word(n *node, s string, words []string, label string) bool {
	for _, w := range words {
		if s == w {
			return true
		}
	}
	mean := ""
	if near := d.nearest(s, words); near != "" {
		mean = "; did you mean " + quote(near) + "?"
	}
	d.add(n.at, "", "%s: %s is not one of %s%s", label, quote(s), strings.Join(words, ", "), mean)
	return false
}

func (d *decoder) integer(n *node, label string) (int64, bool) {
	if n.kind != kindNumber {
		return 0, d.wrong(n, label, "a whole number")
	}
	if !decimal.MatchString(n.text) {
		d.add(n.at, "", "%s: %s is not a plain whole number", label, cut(n.text))
		return 0, false
	}
	i, err := strconv.ParseInt(n.text, 10, strconv.IntSize)
	if err != nil {
		d.add(n.at, "", "%s: %s is too large", label, cut(n.text))
	}
	return i, err == nil
}

func (d *decoder) float(n *node, label string) (float64, bool) {
	if n.kind != kindNumber {
		return 0, d.wrong(n, label, "a number")
	}
	f, err := strconv.ParseFloat(n.text, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		d.add(n.at, "", "%s: %s is not a plain number", label, cut(n.text))
		return 0, false
	}
	return f, true
}

func (d *decoder) address(n *node, addr *netip.Addr, label string) bool {
	s, ok := d.text(n, label)
	if !ok {
		return false
	}
	a, err := netip.ParseAddr(s)
	if _, withPort := netip.ParseAddrPort(s); withPort == nil {
		d.add(n.at, "the port is the one of the url", "%s: %s has a port; write the address alone", label, quote(s))
		return false
	}
	if err != nil {
		d.add(n.at, "", "%s: %s is not an IP address", label, quote(s))
		return false
	}
	if a.IsUnspecified() || a.IsMulticast() {
		d.add(n.at, "", "%s: %s is not the address of a host", label, quote(s))
		return false
	}
	*addr = a
	return true
}

// wrong reports a value of the wrong type, always false.
func (d *decoder) wrong(n *node, label, want string) bool {
	scalar := n.kind == kindText || n.kind == kindNumber || n.kind == kindBoolean
	switch {
	case n.kind == kindNull:
		d.add(n.at, "", "%s has no value, expected %s", label, want)
	case scalar && sensitive(label):
		d.hide(n)
		d.add(n.at, "", "%s is %s, expected %s", label, n.kind, want)
	case scalar && want == "a string":
		d.add(n.at, "", `%s: %s is %s; quote it: "%s"`, label, cut(n.text), n.kind, cut(n.text))
	case scalar && want == "a list" && n.kind == kindText && len(n.text) < maxQuote:
		d.add(n.at, "", "%s is %s, expected %s: [%s]", label, n.kind, want, cut(n.text))
	case scalar && n.kind != kindText:
		d.add(n.at, "", "%s: %s is %s, expected %s", label, cut(n.text), n.kind, want)
	default:
		d.add(n.at, "", "%s is %s, expected %s", label, n.kind, want)
	}
	return false
}

// unlessSensitive is a part of a message that repeats the value of a key, unless the key is named for a secret.
func unlessSensitive(label, part string) string {
	if sensitive(label) {
		return ""
	}
	return part
}

// plural is a noun with a list of names behind it.
func plural(noun string, names []string) string {
	if len(names) > 1 {
		noun += "s"
	}
	return noun + " " + strings.Join(names, ", ")
}
