// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"reflect"
	"regexp"

	"github.com/invopop/jsonschema"
)

// shapes are the grammars of single fields, by struct and key. For a list they hold for its items.
var shapes = map[string]map[string]*regexp.Regexp{
	"Registry": {"name": nameShape, "url": originShape},
	"Endpoint": {"url": originShape, "prefix": prefixShape},
	"Identity": {"name": nameShape, "groups": groupShape, "origins": originShape, "realms": originShape},
	"Rule":     {"repos": globShape},
	"Check":    {"sandbox": repositoryShape},
	"Upstream": {"url": originShape, "realm": originShape},
	"Image":    {"repository": repositoryShape, "reference": referenceShape},
}

// Schema is the JSON Schema (2020-12) of the file, made from the same structs and tags as the decoder, for editors. It
// accepts every file that [Parse] accepts, and some that Parse refuses: references between sections are beyond it.
func Schema() ([]byte, error) {
	r := jsonschema.Reflector{FieldNameTag: "yaml", Anonymous: true, ExpandedStruct: true, Mapper: mapped}
	s := r.Reflect(&File{})
	s.Title = "regproof.yaml"
	s.Description = "Configuration of regproof."
	refine(s)
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(s)
	return b.Bytes(), err
}

// mapped gives the schemas of the types that decode themselves.
func mapped(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[Duration]():
		return &jsonschema.Schema{Type: "string", Pattern: durationShape.String(), MinLength: ptr(2)}
	case reflect.TypeFor[Path](), reflect.TypeFor[Requirement](), reflect.TypeFor[netip.Addr](), reflect.TypeFor[Listen]():
		return &jsonschema.Schema{Type: "string", MinLength: ptr(1)}
	case reflect.TypeFor[Variable]():
		return &jsonschema.Schema{Type: "string", Pattern: variableShape.String()}
	case reflect.TypeFor[Env]():
		variable := &jsonschema.Schema{Type: "string", Pattern: variableShape.String()}
		token := jsonschema.NewProperties()
		token.Set("token", variable)
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{
			{Type: "array", Items: variable, MinItems: ptr(2), MaxItems: ptr(2)},
			{Type: "object", Properties: token, Required: []string{"token"}, AdditionalProperties: jsonschema.FalseSchema},
		}}
	}
	if t.Kind() != reflect.String {
		return nil
	}
	s := &jsonschema.Schema{Type: "string"}
	if e, ok := reflect.Zero(t).Interface().(enumeration); ok {
		for _, w := range e.words() {
			s.Enum = append(s.Enum, w)
		}
	} else {
		s.MinLength = ptr(1)
	}
	return s
}

// refine adds what tags cannot say.
func refine(s *jsonschema.Schema) {
	if version, ok := s.Properties.Get("version"); ok {
		version.Const = 1
	}
	for name, def := range s.Definitions {
		for key, shape := range shapes[name] {
			field, ok := def.Properties.Get(key)
			if ok && field.Items != nil {
				field = field.Items
			}
			if ok {
				field.Pattern = shape.String()
			}
		}
		switch name {
		case "Source":
			def.MinProperties, def.MaxProperties = ptr(1), ptr(1)
		case "Identity":
			def.AnyOf = []*jsonschema.Schema{{Required: []string{"from"}}, {Required: []string{"cert"}}}
		case "Registry":
			if endpoints, ok := def.Properties.Get("endpoints"); ok {
				bare := &jsonschema.Schema{Type: "string", Pattern: originShape.String()}
				endpoints.Items = &jsonschema.Schema{OneOf: []*jsonschema.Schema{bare, endpoints.Items}}
			}
		}
	}
}

func ptr(n uint64) *uint64 { return &n }
