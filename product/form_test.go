// SPDX-License-Identifier: Apache-2.0

package product_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/goccy/go-yaml"

	"github.com/regproof/regproof/product"
)

// TestFixesForm reads what no software here can: that it is YAML or JSON. What
// goes into a shell is left out.
func TestFixesForm(t *testing.T) {
	for name, read := range map[string]func(string) error{
		"traefik": yamlForm, "envoy": yamlForm, "ingress-nginx": yamlForm, "quay": yamlForm, "artifactory": yamlForm, "harbor": yamlForm, "distribution": yamlForm,
		"zot": jsonForm, "nexus": jsonForm,
	} {
		ids, err := product.Controls(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			text, _ := product.Fix(id, name)
			if strings.HasPrefix(text.In, "the shell") {
				continue
			}
			if err := read(text.Snippet); err != nil {
				t.Errorf("%s %s: %v", name, id, err)
			}
		}
	}
}

func jsonForm(s string) error {
	var v any
	return json.Unmarshal([]byte("{"+s+"}"), &v)
}

func yamlForm(s string) error {
	var v map[string]any
	return yaml.Unmarshal([]byte(s), &v)
}

// TestFixesDistribution reads every snippet as the registry does, and once more
// so that a key it does not know is an error.
func TestFixesDistribution(t *testing.T) {
	ids, err := product.Controls("distribution")
	if err != nil {
		t.Fatal(err)
	}
	strict := func(s string) error {
		var c configuration.Configuration
		return yaml.UnmarshalWithOptions([]byte(s), &c, yaml.Strict())
	}
	for _, id := range ids {
		text, _ := product.Fix(id, "distribution")
		whole := text.Whole()
		if whole == "" {
			whole = text.Snippet
		}
		if _, err := configuration.Parse(strings.NewReader(whole)); err != nil {
			t.Errorf("%s: %v", id, err)
		}
		if err := strict(whole); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	if strict("version: 0.1\nhttp:\n  adr: :5000\n") == nil {
		t.Error("an unknown key is read")
	}
}
