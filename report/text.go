// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/regproof/regproof/evidence"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/product"
)

// Text rules: at most 80 columns; one block for each failure (what, expected,
// got, request, why, fix, a curl line), gravest first; what is unknown or not
// checked in groups of one reason; passes are a count; the last lines are the
// verdict, all counts, and the reason for the exit code. Words carry every
// meaning, colour only repeats it.

// TextOptions say what the terminal shows. They never change a file.
type TextOptions struct {
	Style
	Severity finding.Severity // show failures from here on; "" shows all
	Verbose  bool             // passes too, and what does not apply

	All bool // every failure in full, as in a file
}

// perProbe is how many failures of one probe at one endpoint are shown in
// full on a terminal: the rest is the same cause again, and is counted.
func (o TextOptions) perProbe() int {
	if o.All {
		return math.MaxInt
	}
	return 3
}

// Text writes the report for a person.
func Text(w io.Writer, r *Report, o TextOptions) error {
	t := &text{Writer: bufio.NewWriter(w), o: o, r: r, told: map[string]bool{}}
	t.head()
	var failed []finding.Finding
	quiet := map[string]int{}
	var order, moot []string
	for f := range r.Spool.Findings() {
		t.saw(f.Probe)
		switch f.Outcome {
		case finding.Fail:
			if f.Severity.Rank() >= o.Severity.Rank() && len(failed) < 10_000 {
				failed = append(failed, f)
			}
		case finding.Pass:
			if o.Verbose {
				t.line("%s %s  %s", t.mark(f.Outcome), f.Probe, t.where(f))
				t.field("", f.Reason)
			}
		default:
			key := string(f.Outcome) + "\x00" + f.Reason
			switch {
			case quiet[key] > 0:
			case f.Outcome != finding.NotApplicable:
				order = append(order, key)
			case o.Verbose:
				moot = append(moot, key)
			default:
				continue
			}
			quiet[key]++
			t.names(key, f)
		}
	}
	if o.Verbose && r.Summary.Pass > 0 {
		t.line("")
	}
	for _, key := range moot {
		t.undecided(key, quiet[key])
	}
	slices.SortStableFunc(failed, func(a, b finding.Finding) int { return cmp.Compare(b.Severity.Rank(), a.Severity.Rank()) })
	perProbe := map[string]int{}
	for _, f := range failed {
		key := f.Probe + " " + f.Endpoint
		if perProbe[key]++; perProbe[key] > o.perProbe() {
			continue
		}
		t.block(f)
		t.shown++
	}
	var optional []string
	for _, key := range order {
		if flag(key) != "" {
			optional = append(optional, key)
			continue
		}
		t.undecided(key, quiet[key])
	}
	t.optional(optional, quiet)
	if t.starred {
		t.line("* is required, and was not decided\n")
	}
	t.tail()
	return t.Flush()
}

type text struct {
	*bufio.Writer
	o      TextOptions
	r      *Report
	probes map[string][]string
	places map[string][]string
	spots  map[string][]string // places with image and identity, two at most
	family map[string][]string // the probes of each that the report has
	shown  int
	told   map[string]bool // probes whose why and fix were shown

	starred bool // something required was not decided
}

func (t *text) line(format string, args ...any) { fmt.Fprintf(t, format+"\n", args...) }

func (t *text) head() {
	for _, d := range t.r.Doors {
		about := []string{}
		if d.Product != "" && d.Product != "unknown" {
			about = append(about, "looks like "+d.Product)
		}
		if d.TLS != "" {
			about = append(about, "TLS "+d.TLS)
		}
		about = append(about, strings.Join(d.Addresses, " "))
		if d.Problem != "" {
			about = []string{d.Problem}
		}
		t.line("%s", t.o.bold(d.Endpoint))
		t.line("%s", Fold(strings.Join(about, ", "), "  "))
	}
	t.line("")
}

func (t *text) mark(o finding.Outcome) string {
	word := map[finding.Outcome]string{
		finding.Pass: "PASS", finding.Fail: "FAIL", finding.Unknown: "UNKNOWN",
		finding.NotChecked: "NOT CHECKED", finding.NotApplicable: "N/A", finding.Error: "ERROR",
	}[o]
	switch o {
	case finding.Pass:
		return t.o.good(word)
	case finding.Fail, finding.Error:
		return t.o.bad(word)
	case finding.NotApplicable:
		return t.o.dim(word)
	}
	return t.o.doubt(word)
}

func (t *text) where(f finding.Finding) string {
	as := ""
	if f.Identity != "" && f.Identity != login.Anonymous {
		as = " as " + f.Identity
	}
	if f.Repository == "" {
		return f.Endpoint + as
	}
	name := f.Repository
	switch {
	case strings.Contains(f.Reference, ":"):
		name += "@" + f.Reference
	case f.Reference != "":
		name += ":" + f.Reference
	}
	return f.Endpoint + " " + name + as
}

// field writes a label and folded text under it.
func (t *text) field(label, value string) {
	if value == "" {
		return
	}
	for i, l := range fold(value, Width-12) {
		if i > 0 {
			label = ""
		}
		t.line("  %s%s", t.o.dim(fmt.Sprintf("%-10s", label)), l)
	}
}

// block writes one failure.
func (t *text) block(f finding.Finding) {
	t.line("%s  %s  %s", t.mark(finding.Fail), f.Severity, t.o.bold(f.Probe))
	t.line("%s", Fold(f.Message, "  "))
	t.field("where", t.where(f))
	x, shown := t.shows(f)
	t.field("expected", f.Expected)
	if shown {
		t.field("got", got(x))
		t.field("request", x.Method+" "+shortDigest.ReplaceAllString(x.Target, "$1..."))
	} else {
		t.field("got", f.Reason)
	}
	if n := len(f.Deviations); n > 0 {
		also := []string{}
		for _, d := range f.Deviations[:min(n, 3)] {
			also = append(also, d.Variant)
		}
		more := ""
		if n > 3 {
			more = fmt.Sprintf("; and %d more", n-3)
		}
		t.field("also", strings.Join(also, "; ")+more)
	}
	if p, ok := t.r.Probe(f.Probe); ok && !t.told[f.Probe] {
		t.field("why", p.Why)
		t.field("fix", f.Fix)
		t.field("more", "regproof explain "+f.Probe+forFront(f, x))
	}
	t.told[f.Probe] = true
	if shown {
		t.repeat(f, x)
	}
	t.line("")
}

// forFront names the front that answered, when there is a configuration for it
// that mends this.
func forFront(f finding.Finding, x evidence.Exchange) string {
	front := product.Front(x.ResponseHeaders)
	if _, ok := product.Fix(f.Control, front); !ok {
		return ""
	}
	return " --product " + front
}

// shortDigest cuts digests for reading; the curl line has them whole.
var shortDigest = regexp.MustCompile(`(sha256:[0-9a-f]{12})[0-9a-f]{52}`)

func got(x evidence.Exchange) string {
	s := fmt.Sprintf("%d", x.Status)
	switch {
	case x.Offer != nil && x.Error == "" && x.TLS != nil:
		s = x.TLS.Version + ", " + x.TLS.Cipher
		if x.TLS.Problem != "" {
			s += "; " + x.TLS.Problem
		}
		return s
	case x.Status == 0:
		return x.Error
	}
	switch {
	case x.Method == "HEAD" || x.BodySize == 0:
	case !x.BodyTruncated:
		s += ", " + bytes(x.BodySize)
	case x.BodySize > 1: // of the others no more was read than that there is a body
		s += ", at least " + bytes(x.BodySize)
	}
	if x.BodySHA256 != nil && x.BodySize > 0 {
		s += ", sha256 " + (*x.BodySHA256)[:12]
	}
	return s + ", " + x.Protocol
}

// bytes writes a size with a comma every three digits.
func bytes(n int64) string {
	if n == 1 {
		return "1 byte"
	}
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s + " bytes"
}

// tail writes the verdict, all counts, and the reason for the exit code.
func (t *text) tail() {
	for _, n := range t.r.Notes {
		t.line("%s", Fold("note: "+n, ""))
	}
	s := t.r.Summary
	verdict := map[int]string{OK: t.o.good("PASS"), Findings: t.o.bad("FAIL"), Unproven: t.o.doubt("NOT PROVEN"), Interrupted: t.o.doubt("INTERRUPTED")}[t.r.Exit.Code]
	if t.r.Exit.Code == OK && s.Fail > 0 {
		verdict = t.o.doubt("FOUND")
	}
	by := map[finding.Severity]int{}
	for f := range t.r.Spool.Findings() {
		if f.Outcome == finding.Fail {
			by[f.Severity]++
		}
	}
	grave := []string{}
	for _, sev := range finding.Severities() {
		if by[sev] > 0 {
			grave = append(grave, fmt.Sprintf("%d %s", by[sev], sev))
		}
	}
	if len(grave) > 0 {
		verdict += "  " + strings.Join(grave, ", ")
	}
	t.line("%s", verdict)
	if hidden := s.Fail - t.shown; hidden > 0 {
		t.line("(%d not shown here: -o json=FILE has all)", hidden)
	}
	counts := []string{}
	for _, o := range finding.Outcomes() {
		counts = append(counts, fmt.Sprintf("%d %s", s.Of(o), o))
	}
	t.line("%s", Fold(strings.Join(counts, ", ")+fmt.Sprintf("; %d requests, %.1f s, %s", t.r.Run.Requests, t.r.Run.Finished.Sub(t.r.Run.Started).Seconds(), strings.Join(t.r.Run.Mode, " + ")), ""))
	t.line("%s", Fold(fmt.Sprintf("exit %d: %s", t.r.Exit.Code, t.r.Exit.Reason), ""))
}
