// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/regproof/regproof/config"
)

func TestRendering(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"unknown key", "version: 1\nregistries:\n  - name: corp\n    url: https://r.example\nimages:\n  - repository: a\n    reference: b\n    contrl: ci\n", `
regproof.yaml:8:5 unknown key "contrl", did you mean "control"?
  6 |   - repository: a
  7 |     reference: b
> 8 |     contrl: ci
    |     ^`},
		{"two faults, one with a hint", minimal + "identities:\n\n  - {name: anonymous, cert: {cert: a, key: b}}\nwaivers: []\n", `
regproof.yaml:5:12 the identity anonymous cannot be configured
  3 | identities:
  4 |
> 5 |   - {name: anonymous, cert: {cert: a, key: b}}
    |            ^
  it exists always, without credentials; choose another name

regproof.yaml:6:1 key "waivers" is not built yet in this version
  4 |
  5 |   - {name: anonymous, cert: {cert: a, key: b}}
> 6 | waivers: []
    | ^`},
		{"long message", minimal + "colour: red\n", `
regproof.yaml:3:1 unknown key "colour"; valid here: version, registries,
  identities, policy, images, check
  1 | version: 1
  2 | registries: [{name: corp, url: "https://r.example"}]
> 3 | colour: red
    | ^`},
		{"hostile characters", "version: 1 # \x1b]0;x\a \xff\n", `
regproof.yaml:1:14 control character U+001B in the file
> 1 | version: 1 # \x1b]0;x\a \xff
    |              ^

regproof.yaml:1:19 control character U+0007 in the file
> 1 | version: 1 # \x1b]0;x\a \xff
    |                      ^

regproof.yaml:1:21 byte \xff is not UTF-8
> 1 | version: 1 # \x1b]0;x\a \xff
    |                         ^`},
		{"long line, cut at the right", minimal + "images: [{repositry: a, reference: b}] # " + strings.Repeat("x", 100) + "\n", `
regproof.yaml:3:11 unknown key "repositry", did you mean "repository"?
  1 | version: 1
  2 | registries: [{name: corp, url: "https://r.example"}]
> 3 | images: [{repositry: a, reference: b}] # xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
    |           ^`},
		{"long line, cut at the left", minimal + "images: [{repository: " + strings.Repeat("x", 100) + ", reference: 1.4}]\n", `
regproof.yaml:3:136 reference: 1.4 is a number; quote it: "1.4"
  1 |
  2 |
> 3 | …xxxxxxxxxxxxxxxxxxxxxxx, reference: 1.4}]
    |                                      ^`},
		{"empty", "", `
regproof.yaml:1:1 the file is empty
> 1 |
    | ^
  write at least
  version: 1
  registries:
    - name: corp
      url: https://registry.corp.example`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := render(t, tt.text)
			if diff := cmp.Diff(strings.TrimPrefix(tt.want, "\n"), got); diff != "" {
				t.Errorf("-want +got:\n%s\ngot:\n%s", diff, got)
			}
			for line := range strings.Lines(got) {
				if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 {
					t.Errorf("%d columns: %s", n, line)
				}
			}
		})
	}
}

// A secret in the wrong place is shown by no fault, neither its own nor those of its neighbours.
func TestSecretsAreNotShown(t *testing.T) {
	const secret = "hunter2hunter2"
	for name, text := range map[string]string{
		"user information":        "version: 1\nregistries: [{name: corp, url: 'https://ci:" + secret + "@r'}]\n",
		"with a slash":            "version: 1\nregistries: [{name: corp, url: 'https://ci:x/" + secret + "@r'}]\n",
		"without a scheme":        "version: 1\nregistries: [{name: corp, url: 'ci:" + secret + "@r'}]\n",
		"query":                   "version: 1\nregistries: [{name: corp, url: 'https://r?x=" + secret + "'}]\n",
		"unknown key":             minimal + "identities: [{name: a, from: {password: " + secret + "}}]\n",
		"unknown key, quoted":     minimal + "identities: [{name: a, from: {\"registryPassword\": \"" + secret + "\"}}]\n",
		"unknown key, list":       minimal + "identities: [{name: a, from: {tokens: [" + secret + "]}}]\n",
		"unknown key, block":      minimal + "identities:\n- name: a\n  from:\n    password: |\n      " + secret + "\n  contrl: x\n",
		"token of the wrong type": minimal + "identities: [{name: a, from: {env: {token: ['" + secret + "']}}}]\n",
		"environment, flow":       minimal + "identities: [{name: a, from: {env: [U, " + secret + "!]}, x: y}]\n",
		"environment, block":      minimal + "identities:\n- name: a\n  from:\n    env:\n    - U\n    - " + secret + "!\n  contrl: x\n",
		"environment, one":        minimal + "identities: [{name: a, from: {env: " + secret + "}}]\n",
		"neighbour of syntax":     minimal + "identities:\n- name: a\n  password: " + secret + "\n  b: [\n",
		"neighbour of a fault":    minimal + "identities:\n- name: a\n  from: {env: [" + secret + ", U]}\n  contrl: x\n",
	} {
		t.Run(name, func(t *testing.T) {
			if got := render(t, text); strings.Contains(got, secret) {
				t.Errorf("the secret is shown:\n%s", got)
			}
		})
	}
}

func TestNamesOfVariablesAreShown(t *testing.T) {
	got := render(t, minimal+"identities: [{name: a, from: {env: [CI_USER, CI_PASSWORD]}, x: y}]\n")
	if !strings.Contains(got, "[CI_USER, CI_PASSWORD]") {
		t.Errorf("hidden:\n%s", got)
	}
}

func render(t *testing.T, text string) string {
	t.Helper()
	_, err := config.Parse("regproof.yaml", []byte(text))
	if err == nil {
		t.Fatal("accepted")
	}
	return err.Error()
}
