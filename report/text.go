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
	Verbose  bool             // passes too

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
	var order []string
	for f := range r.Spool.Findings() {
		switch f.Outcome {
		case finding.Fail:
			if f.Severity.Rank() >= o.Severity.Rank() && len(failed) < 10_000 {
				failed = append(failed, f)
			}
		case finding.Pass, finding.NotApplicable:
			if o.Verbose {
				t.line("%s %s  %s", t.mark(f.Outcome), f.Probe, t.where(f))
				t.field("", f.Reason)
			}
		default:
			key := string(f.Outcome) + "\x00" + f.Reason
			if quiet[key] == 0 {
				order = append(order, key)
			}
			quiet[key]++
			t.names(key, f)
		}
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
	t.tail()
	return t.Flush()
}

type text struct {
	*bufio.Writer
	o      TextOptions
	r      *Report
	probes map[string][]string
	places map[string][]string
	shown  int
	told   map[string]bool // probes whose why and fix were shown
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
		t.curl(f, x)
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

// shows is the exchange that shows the failure best: the last one that was
// answered with 2xx or 3xx, else the last. A DELETE only tidies up, unless
// nothing else was let through.
func (t *text) shows(f finding.Finding) (evidence.Exchange, bool) {
	x, found := t.best(f, false)
	if found && (x.Status/100 == 2 || x.Status/100 == 3) {
		return x, true
	}
	if d, ok := t.best(f, true); ok {
		return d, true
	}
	return x, found
}

func (t *text) best(f finding.Finding, deletes bool) (evidence.Exchange, bool) {
	var best evidence.Exchange
	found := false
	for _, id := range f.Evidence {
		x, err := t.r.Recorder.Get(id)
		if err != nil || tokenRequest(x) || (x.Method == "DELETE") != deletes || strings.HasPrefix(x.Target, "file:") {
			continue
		}
		if !found || x.Status/100 == 2 || x.Status/100 == 3 {
			if found && best.Status/100 == 2 && x.Status/100 != 2 {
				continue
			}
			best, found = x, true
		}
	}
	return best, found
}

// tokenRequest says whether an exchange was with a token service: it is asked
// for a scope, or outside the API.
func tokenRequest(x evidence.Exchange) bool {
	return strings.Contains(x.Target, "scope=") && !strings.HasPrefix(x.Target, "/v2/_catalog")
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
	if x.Method != "HEAD" && x.BodySize > 0 {
		s += ", " + bytes(x.BodySize)
	}
	if x.BodySHA256 != nil && x.BodySize > 0 {
		s += ", sha256 " + (*x.BodySHA256)[:12]
	}
	return s + ", " + x.Protocol
}

// bytes writes a size with a comma every three digits.
func bytes(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s + " bytes"
}

// curl writes the command that repeats the failure, and the one that gets an
// anonymous token for it first.
func (t *text) curl(f finding.Finding, x evidence.Exchange) {
	label := "repeat"
	for _, id := range f.Evidence {
		if tx, err := t.r.Recorder.Get(id); err == nil && tokenRequest(tx) && tx.Status == 200 && usesToken(x) {
			lines := evidence.Curl(tx, t.r.CAFile)
			lines[0] = "REGPROOF_TOKEN=$(curl -sS"
			lines = append(lines[:len(lines):len(lines)], `| sed 's/.*"token":"\([^"]*\)".*/\1/')`)
			t.command(label, lines)
			label = ""
		}
	}
	lines := evidence.Curl(x, t.r.CAFile)
	if m := atTimes.FindStringSubmatch(f.Variant); m != nil {
		lines[0] = "for i in $(seq " + m[1] + "); do " + lines[0]
		lines[len(lines)-1] += "; done"
	}
	t.command(label, lines)
}

// atTimes is the variant of a finding that is seen at times only: its command
// has to be run as often as the probe asked.
var atTimes = regexp.MustCompile(`^\d+ of (\d+) new connections$`)

func usesToken(x evidence.Exchange) bool {
	return slices.ContainsFunc(x.RequestHeaders, func(h [2]string) bool { return strings.EqualFold(h[0], "authorization") })
}

// command writes words as one shell command, broken where it must be. A word
// is never broken: it could not be pasted then.
func (t *text) command(label string, words []string) {
	line := ""
	flush := func(end string) {
		t.line("  %s%s%s", t.o.dim(fmt.Sprintf("%-10s", label)), line, end)
		label, line = "", "  "
	}
	for i, w := range words {
		if line != "" && strings.TrimSpace(line) != "" && len(line)+1+len(w)+2 > Width-12 {
			flush(` \`)
		}
		if strings.TrimSpace(line) == "" {
			line += w
		} else {
			line += " " + w
		}
		if i == len(words)-1 {
			flush("")
		}
	}
}

// names remembers which probes and endpoints share a reason.
func (t *text) names(key string, f finding.Finding) {
	if t.probes == nil {
		t.probes, t.places = map[string][]string{}, map[string][]string{}
	}
	if !slices.Contains(t.places[key], f.Endpoint) && len(t.places[key]) < 20 {
		t.places[key] = append(t.places[key], f.Endpoint)
	}
	name := f.Probe
	if f.Required {
		name += "*"
	}
	if !slices.Contains(t.probes[key], name) && len(t.probes[key]) < 500 {
		t.probes[key] = append(t.probes[key], name)
	}
}

// undecided writes what shares an outcome and a reason.
func (t *text) undecided(key string, n int) {
	outcome, reason, _ := strings.Cut(key, "\x00")
	where := t.places[key][0]
	if len(t.places[key]) > 1 {
		where = fmt.Sprintf("%d endpoints", len(t.places[key]))
	}
	t.line("%s  %d  %s", t.mark(finding.Outcome(outcome)), n, where)
	t.line("%s", Fold(reason, "  "))
	shown, more := t.probes[key], ""
	if len(shown) > 20 {
		shown, more = shown[:20], fmt.Sprintf(" and %d more", len(shown)-20)
	}
	t.line("%s", t.o.dim(Fold(strings.Join(shown, " ")+more, "  ")))
	t.line("")
}

// flag is the option, or the key of the file, that would have had something
// checked, "" if it is not for the want of one.
func flag(key string) string {
	_, reason, _ := strings.Cut(key, "\x00")
	needed, ok := strings.CutPrefix(reason, "it needs ")
	if !ok || !strings.HasPrefix(key, string(finding.NotChecked)) {
		return ""
	}
	name, after, _ := strings.Cut(needed, " ")
	switch {
	case strings.HasPrefix(after, "in the file"):
		return name
	case !strings.HasPrefix(name, "--"):
		return ""
	}
	if value, _, _ := strings.Cut(after, " "); value != "" && strings.Trim(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
		name += " " + value // what it takes
	}
	return strings.TrimRight(name, ":,")
}

// optional writes what is left to options, in one block.
func (t *text) optional(keys []string, n map[string]int) {
	if len(keys) == 0 {
		return
	}
	all := 0
	for _, key := range keys {
		all += n[key]
	}
	t.line("%s  %d  left to options", t.mark(finding.NotChecked), all)
	keys = slices.Clone(keys)
	slices.SortStableFunc(keys, func(a, b string) int { // the file's come last
		return cmp.Compare(strings.Count(flag(b), "--"), strings.Count(flag(a), "--"))
	})
	for _, key := range keys {
		for i, l := range fold(strings.Join(t.probes[key], " "), Width-29) {
			name := ""
			if i == 0 {
				name = flag(key)
			}
			t.line("  %-26s %s", name, t.o.dim(l))
		}
	}
	t.line("")
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
