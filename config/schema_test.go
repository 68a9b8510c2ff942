// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/regproof/regproof/config"
)

func TestSchemaAcceptsTheValidFile(t *testing.T) {
	text, err := os.ReadFile("testdata/valid.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"every key": string(text), "minimal": minimal} {
		if err := validate(t, schema(t), text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSchemaRefuses(t *testing.T) {
	s := schema(t)
	for _, tt := range faults {
		if !tt.schema {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			if validate(t, s, tt.text) == nil {
				t.Errorf("accepted:\n%s", tt.text)
			}
		})
	}
}

func TestSchemaIsPretty(t *testing.T) {
	b, err := config.Schema()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(b), "{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n") || !strings.HasSuffix(string(b), "}\n") {
		t.Errorf("begins %.80q, ends %q", b, b[len(b)-4:])
	}
}

func schema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	b, err := config.Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("regproof.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("regproof.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// validate converts YAML to JSON, as editors do, and validates that.
func validate(t testing.TB, s *jsonschema.Schema, text string) error {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}
