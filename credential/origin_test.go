// SPDX-License-Identifier: Apache-2.0

package credential_test

import (
	"strings"
	"testing"

	"github.com/regproof/regproof/credential"
)

func TestParseOrigin(t *testing.T) {
	for raw, want := range map[string]credential.Origin{
		"https://registry.example":                  "https://registry.example:443",
		"HTTPS://Registry.EXAMPLE/v2/x?a=b#c":       "https://registry.example:443",
		"https://registry.example:0443":             "https://registry.example:443",
		"https://registry.example:":                 "https://registry.example:443",
		"http://registry.example":                   "http://registry.example:80",
		"http://registry.example:5000/":             "http://registry.example:5000",
		"https://registry.example.":                 "https://registry.example.:443",
		"https://10.0.4.8":                          "https://10.0.4.8:443",
		"https://[FD00:0:0::0007]:8443":             "https://[fd00::7]:8443",
		"https://[::1]":                             "https://[::1]:443",
		"https://bücher.example":                    "https://bücher.example:443",
		"https://\u212aiwi.example":                 "https://\u212aiwi.example:443", // the Kelvin sign is not a k
		"https://under_score.example":               "https://under_score.example:443",
		"https://registry.example/@other.example":   "https://registry.example:443",
		"https://registry.example?@other.example/":  "https://registry.example:443",
		"https://registry.example#@other.example/x": "https://registry.example:443",
	} {
		got, err := credential.ParseOrigin(raw)
		if err != nil || got != want {
			t.Errorf("%s: got %q, %v; want %q", raw, got, err, want)
		}
	}
}

func TestParseOriginRefuses(t *testing.T) {
	for raw, want := range map[string]string{
		"":                                 "scheme",
		"registry.example":                 "scheme",
		"registry.example:5000":            "not a URL",
		"//registry.example":               "scheme",
		"ftp://registry.example":           `scheme "ftp"`,
		"https:registry.example":           "not a URL",
		"https:///v2/":                     "no host",
		"https://:443":                     "no host",
		"https://u:hunter2@r.example":      "user name or password",
		"https://u@r.example":              "user name or password",
		"https://r.example:0":              "port",
		"https://r.example:65536":          "port",
		"https://r.example:44a":            "not a URL",
		"https://r.example\\@e.example":    "not a URL",
		"https://r.example%2fe.example":    "not a URL",
		"https://r.example%25e.example":    "cannot stand in a host name",
		"https://r.example,e.example":      "cannot stand in a host name",
		"https://r.example;x":              "cannot stand in a host name",
		"https://r example":                "not a URL",
		"https://r.example\uff0fe.example": "cannot stand in a host name", // full-width solidus
		"https://r\uff0eexample":           "cannot stand in a host name", // full-width full stop
		"https://[fe80::1%25eth0]":         "not an address",
		"https://[127.0.0.1]":              "not a URL",
		"https://[::1":                     "not a URL",
		"https://r.example\x00":            "not a URL",
		"https://%ff.example":              "not an address and not a name",
		"https://u:hunter2@r.example:44a":  "not a URL",
	} {
		got, err := credential.ParseOrigin(raw)
		if err == nil {
			t.Errorf("%q: got %q, want an error with %q", raw, got, want)
			continue
		}
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: got error %q, want it to contain %q", raw, err, want)
		}
	}
}

func TestBound(t *testing.T) {
	c := credential.Credential{Username: "ci", Password: credential.NewSecret(hush)}
	listed := []credential.Origin{
		"https://r.example:443", "https://R2.example", "http://r.example:80", "http://127.0.0.1:5000",
		"http://localhost:5000", "http://[::1]:5000", "broken", "http://localhost.evil.example:80", "http://0.0.0.0:5000",
	}
	for name, tt := range map[string]struct {
		to    credential.Origin
		plain bool
		want  bool
	}{
		"listed":                          {"https://r.example:443", false, true},
		"default port left out":           {"https://r.example", false, true},
		"upper case":                      {"HTTPS://R.EXAMPLE:443", false, true},
		"listed in upper case":            {"https://r2.example:443", false, true},
		"other port":                      {"https://r.example:8443", false, false},
		"other host":                      {"https://s.example:443", false, false},
		"subdomain":                       {"https://a.r.example:443", false, false},
		"suffix":                          {"https://evilr.example:443", false, false},
		"trailing dot":                    {"https://r.example.:443", false, false},
		"http although listed":            {"http://r.example:80", false, false},
		"http with PlainHTTP":             {"http://r.example:80", true, true},
		"http not listed with PlainHTTP":  {"http://r2.example:80", true, false},
		"http on the https port":          {"http://r.example:443", true, false},
		"loopback address":                {"http://127.0.0.1:5000", false, true},
		"loopback name":                   {"http://localhost:5000", false, true},
		"loopback IPv6":                   {"http://[::1]:5000", false, true},
		"loopback not listed":             {"http://127.0.0.1:5001", false, false},
		"name that begins like localhost": {"http://localhost.evil.example:80", false, false},
		"unspecified address":             {"http://0.0.0.0:5000", false, false},
		"broken matches broken":           {"broken", false, false},
		"empty":                           {"", false, false},
		"user information":                {"https://x@r.example:443", false, false},
		"scheme of another kind":          {"ws://r.example:443", true, false},
		"unicode that lowers to the host": {"https://\u212a.example:443", false, false},
	} {
		b := credential.Bound{Credential: c, Origins: listed, PlainHTTP: tt.plain}
		got, ok := b.For(tt.to)
		if ok != tt.want || ok == got.IsZero() {
			t.Errorf("%s: %q: got %v %v, want %v", name, tt.to, ok, got, tt.want)
		}
	}
	if _, ok := (credential.Bound{Credential: c}).For("https://r.example:443"); ok {
		t.Error("no list: the secret went out")
	}
	if _, ok := (credential.Bound{Origins: listed}).For("https://r.example:443"); ok {
		t.Error("no credential: got one")
	}
}

func FuzzParseOrigin(f *testing.F) {
	for _, s := range []string{"https://r.example", "http://[::1]:5000/x", "HTTPS://A:443", "https://a@b", "https://\u212a", "https://%25", "https://1.2.3.4:00080"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		o, err := credential.ParseOrigin(raw)
		if err != nil {
			return
		}
		if again, err := credential.ParseOrigin(string(o)); err != nil || again != o {
			t.Errorf("%q gives %q, which gives %q, %v", raw, o, again, err)
		}
		if strings.ContainsAny(string(o), "@?#\\% ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
			t.Errorf("%q gives %q", raw, o)
		}
	})
}
