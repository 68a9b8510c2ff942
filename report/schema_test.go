// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/invopop/jsonschema"
	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/evidence"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/report"
)

var update = flag.Bool("update", false, "write the golden files")

// document is the JSON report as one value, for its schema.
type document struct {
	Schema    string              `json:"schema" jsonschema:"const=regproof/report/v1"`
	Run       report.Run          `json:"run"`
	Exit      report.Exit         `json:"exit"`
	Summary   finding.Summary     `json:"summary"`
	Controls  []report.Control    `json:"controls"`
	Doors     []probe.Door        `json:"doors"`
	Findings  []finding.Finding   `json:"findings"`
	Matrix    []access.Row        `json:"matrix"`
	Exchanges []evidence.Exchange `json:"exchanges"`
}

// makeSchema reflects the schema, and adds what Go types cannot say: which
// values an outcome has, and what may be null.
func makeSchema(t *testing.T) []byte {
	t.Helper()
	r := &jsonschema.Reflector{}
	s := r.Reflect(&document{})
	s.Title = "regproof report"
	s.ID = "https://github.com/regproof/regproof/report/schema.json"
	nullable := map[string][]string{"Finding": {"waiver"}, "Row": {"repository"}, "Exchange": {"tls", "bodySha256"}}
	for name, fields := range nullable {
		for _, f := range fields {
			p, ok := s.Definitions[name].Properties.Get(f)
			if !ok {
				t.Fatalf("%s has no %s", name, f)
			}
			s.Definitions[name].Properties.Set(f, &jsonschema.Schema{AnyOf: []*jsonschema.Schema{p, {Type: "null"}}})
		}
	}
	enum := func(def, field string, values ...any) {
		p, ok := s.Definitions[def].Properties.Get(field)
		if !ok {
			t.Fatalf("%s has no %s", def, field)
		}
		p.Enum = values
	}
	outcomes := []any{}
	for _, o := range finding.Outcomes() {
		outcomes = append(outcomes, string(o))
	}
	enum("Finding", "outcome", outcomes...)
	enum("Control", "outcome", outcomes...)
	enum("Row", "outcome", outcomes...)
	enum("Finding", "severity", "critical", "high", "medium", "low")
	enum("Row", "intended", "allow", "deny", "unknown")
	enum("Row", "observed", "allow", "deny", "unknown")
	enum("Exit", "code", 0, 1, 2, 3, 130)
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

func TestSchemaIsCurrent(t *testing.T) {
	want := makeSchema(t)
	if *update {
		if err := os.WriteFile("schema.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(report.JSONSchema(), want) {
		t.Error("schema.json is not what the types say: go test ./report -run Schema -update")
	}
}
