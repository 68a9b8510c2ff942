// SPDX-License-Identifier: Apache-2.0

package token

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/regproof/regproof/probe"
)

// features are what an answer says, feature by feature, without the name that
// was asked for. Values are shown in reports, so none of them holds a body.
type features []feature

type feature struct{ name, value string }

// maxFeatures bounds what is read of the headers of one answer.
const maxFeatures = 100

// featuresOf reads an answer to a login with a name.
func featuresOf(a probe.Answer, user string) features {
	f := features{{"the status", fmt.Sprint(a.Status)}, {"the error code", probe.ErrorCode(a.Response)}}
	var names []string
	values := map[string][]string{}
	for _, h := range a.Header {
		key := strings.ToLower(h[0])
		if key == "date" || key == "age" || key == "expires" {
			continue
		}
		if len(values) >= maxFeatures && values[key] == nil {
			continue
		}
		names = append(names, key)
		values[key] = append(values[key], mask(h[1], user))
	}
	slices.Sort(names)
	f = append(f, feature{"the list of headers", strings.Join(slices.Compact(names), " ")})
	for _, n := range slices.Compact(names) {
		if n != "content-length" { // the body tells
			f = append(f, feature{"the header " + n, fingerprint(strings.Join(values[n], "\x00"))})
		}
	}
	body := mask(string(a.Body), user)
	return append(f, feature{"the length of the body", fmt.Sprint(len(body))}, feature{"the body", fingerprint(body)})
}

func fingerprint(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256 " + hex.EncodeToString(sum[:4])
}

// mask takes a user name out of a text, however it may be spelt there.
func mask(text, user string) string {
	if user == "" {
		return text
	}
	for _, s := range []string{user, url.QueryEscape(user), strings.ToLower(user), strings.ToUpper(user), base64.StdEncoding.EncodeToString([]byte(user))} {
		text = strings.ReplaceAll(text, s, "\x00user\x00")
	}
	return text
}

// value of a feature; "none" when the answer has no such.
func (f features) value(name string) string {
	i := slices.IndexFunc(f, func(x feature) bool { return x.name == name })
	if i < 0 || f[i].value == "" {
		return "none"
	}
	return f[i].value
}

// apart lists in what an answer differs from all others, where those are alike.
func (f features) apart(others []features) (out []string) {
	var names []string
	for _, o := range append(others, f) {
		for _, x := range o {
			if !slices.Contains(names, x.name) {
				names = append(names, x.name)
			}
		}
	}
	for _, n := range names {
		want := others[0].value(n)
		alike := !slices.ContainsFunc(others, func(o features) bool { return o.value(n) != want })
		if got := f.value(n); alike && got != want {
			out = append(out, fmt.Sprintf("%s: %s, and for a made-up user %s", n, got, want))
		}
	}
	return out
}
