// SPDX-License-Identifier: Apache-2.0

package report

import _ "embed"

//go:embed schema.json
var schema []byte

// JSONSchema is the JSON Schema (2020-12) of the JSON report.
func JSONSchema() []byte { return schema }
