// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/finding"
)

// Spool keeps findings and matrix rows in temporary files, so that a run over
// ten thousand repositories needs no more memory than one over ten.
type Spool struct {
	mu       sync.Mutex
	findings lines
	rows     lines
	n        int
	summary  finding.Summary
	controls map[string]*Control
	tally    tally
}

// tally is what the exit code is made from.
type tally struct {
	failed    map[finding.Severity]int
	open      int // required trials that are unknown or notchecked
	decided   int // required trials that passed or failed
	required  int
	broken    int // errors
	firstOpen string
	openOther int // of open, those for another reason than the first
	cut       int // left out for a budget or a rate limit, though nothing required it
}

// NewSpool opens the temporary files, readable by their owner alone.
func NewSpool() (*Spool, error) {
	s := &Spool{controls: map[string]*Control{}, tally: tally{failed: map[finding.Severity]int{}}}
	for _, l := range []*lines{&s.findings, &s.rows} {
		f, err := os.CreateTemp("", "regproof-findings-*.jsonl")
		if err != nil {
			s.Close()
			return nil, fmt.Errorf("spool for findings: %w", err)
		}
		l.file, l.out = f, bufio.NewWriter(f)
	}
	return s, nil
}

// Close removes the temporary files.
func (s *Spool) Close() {
	for _, l := range []*lines{&s.findings, &s.rows} {
		if l.file != nil {
			_ = l.file.Close()
			_ = os.Remove(l.file.Name())
		}
	}
}

// Finding implements probe.Sink: it numbers the finding and keeps it.
func (s *Spool) Finding(f finding.Finding) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	f.ID = "f" + strconv.Itoa(s.n)
	s.summary.Add(f)
	s.count(f)
	return s.findings.write(f)
}

// Row implements probe.Sink.
func (s *Spool) Row(r access.Row) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rows.write(r)
}

// Summary counts the findings so far.
func (s *Spool) Summary() finding.Summary {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.summary
}

func (s *Spool) count(f finding.Finding) {
	c := s.controls[f.Control]
	if c == nil {
		c = &Control{ID: f.Control, Outcome: f.Outcome, Findings: []string{}}
		s.controls[f.Control] = c
	}
	c.Outcome = finding.Worse(c.Outcome, f.Outcome)
	undecided := f.Outcome == finding.Unknown || f.Outcome == finding.NotChecked
	switch {
	case f.Outcome == finding.Fail:
		s.tally.failed[f.Severity]++
	case f.Outcome == finding.Error:
		s.tally.broken++
	case f.Required && undecided:
		s.tally.open++
		if s.tally.firstOpen == "" {
			s.tally.firstOpen = f.Reason
		}
		if s.tally.firstOpen != f.Reason {
			s.tally.openOther++
		}
	case f.Outcome == finding.NotChecked && (strings.Contains(f.Reason, "check.budget") || strings.Contains(f.Reason, "throttles or bans")):
		s.tally.cut++
	}
	if f.Required && f.Outcome != finding.NotApplicable {
		s.tally.required++
		if f.Outcome == finding.Pass || f.Outcome == finding.Fail {
			s.tally.decided++
		}
	}
	if f.Outcome == finding.Fail || f.Outcome == finding.Error || undecided {
		c.Findings = append(c.Findings, f.ID)
	}
}

// Findings yields the findings in order.
func (s *Spool) Findings() iter.Seq[finding.Finding] { return read[finding.Finding](s, &s.findings) }

// Rows yields the rows of the access matrix in order.
func (s *Spool) Rows() iter.Seq[access.Row] { return read[access.Row](s, &s.rows) }

// lines is a file of JSON documents, one a line.
type lines struct {
	file *os.File
	out  *bufio.Writer
	err  error
}

func (l *lines) write(v any) error {
	b, err := json.Marshal(v)
	if err == nil {
		_, err = l.out.Write(append(b, '\n'))
	}
	if err != nil {
		l.err = fmt.Errorf("spool: %w", err)
	}
	return l.err
}

func read[T any](s *Spool, l *lines) iter.Seq[T] {
	return func(yield func(T) bool) {
		s.mu.Lock()
		_ = l.out.Flush()
		s.mu.Unlock()
		info, err := l.file.Stat()
		if err != nil {
			return
		}
		d := json.NewDecoder(bufio.NewReader(io.NewSectionReader(l.file, 0, info.Size())))
		for d.More() {
			var v T
			if d.Decode(&v) != nil || !yield(v) {
				return
			}
		}
	}
}
