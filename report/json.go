// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bufio"
	"encoding/json"
	"io"
)

// JSON writes the report of CONTRACTS.md section 5. Findings, rows and
// exchanges are streamed from their spools.
func JSON(w io.Writer, r *Report) error {
	out := &stream{w: bufio.NewWriterSize(w, 64<<10)}
	out.raw("{")
	out.field("schema", Schema, true)
	out.field("run", r.Run, false)
	out.field("exit", r.Exit, false)
	out.field("summary", r.Summary, false)
	out.field("controls", r.Controls, false)
	out.field("doors", r.Doors, false)

	out.raw(",\n\"findings\":[")
	sep := "\n"
	for f := range r.Spool.Findings() {
		out.raw(sep)
		out.value(f)
		sep = ",\n"
	}
	out.raw("],\n\"matrix\":[")
	sep = "\n"
	for m := range r.Spool.Rows() {
		out.raw(sep)
		out.value(m)
		sep = ",\n"
	}
	out.raw("],\n\"exchanges\":[")
	sep = "\n"
	cited := r.cited()
	for id, line := range r.Recorder.Lines() {
		if !r.AllEvidence && !cited[id] {
			continue
		}
		out.raw(sep)
		out.bytes(line)
		sep = ",\n"
	}
	out.raw("]}\n")
	if out.err == nil {
		out.err = out.w.Flush()
	}
	return out.err
}

type stream struct {
	w   *bufio.Writer
	err error
}

func (s *stream) raw(text string) {
	if s.err == nil {
		_, s.err = s.w.WriteString(text)
	}
}

func (s *stream) bytes(b []byte) {
	if s.err == nil {
		_, s.err = s.w.Write(b)
	}
}

func (s *stream) field(name string, v any, first bool) {
	if !first {
		s.raw(",\n")
	}
	s.value(name)
	s.raw(":")
	s.value(v)
}

func (s *stream) value(v any) {
	if s.err != nil {
		return
	}
	b, err := json.Marshal(v)
	if err != nil {
		s.err = err
		return
	}
	_, s.err = s.w.Write(b)
}
