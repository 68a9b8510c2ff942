// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"context"
	"fmt"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// Metrics asks for the Prometheus page.
var Metrics = probe.Probe{
	ID:    "exposure/metrics",
	Title: "Metrics tell strangers nothing",
	Why: "Metrics tell how much is pulled and when, which version runs, and with some " +
		"registries the name of every repository: what the catalog was closed for.",
	How: []string{
		"GET /metrics, anonymous, on every address",
		"recognised by content: the # HELP and # TYPE lines of the Prometheus text format, and samples",
		"medium when a label names repositories (repo, repository, image and their like, or the repository under test), else low; names stay out of the report",
	},
	Fix:      "Serve metrics on a port of their own that only Prometheus reaches, or deny /metrics at the front.",
	NotWhen:  "Everybody who reaches this endpoint may see which repositories there are.",
	Severity: finding.Medium,
	Control:  "metrics",
	Effect:   probe.Read,
	Per:      probe.Registry,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		return t.Judge(ctx, []probe.Attempt{page("/metrics", false, exposition(t.Repositories()))})
	},
}

func exposition(repositories []string) recognise {
	return func(a probe.Answer) (probe.Verdict, bool) {
		m := readMetrics(a.Body, repositories)
		if html(a) || m.types == 0 || m.samples == 0 {
			return probe.Verdict{}, false
		}
		v := probe.Verdict{Severity: finding.Low, Reason: "the Prometheus text format", Message: fmt.Sprintf("/metrics serves strangers %s", count(m.types, "metric", "metrics"))}
		if m.label != "" {
			v.Severity = finding.Medium
			v.Message += fmt.Sprintf(", of which the label %q names %s", m.label, count(len(m.names), "repository", "repositories"))
		}
		return v, true
	}
}

// metrics is what a page of metrics gives away.
type metrics struct {
	types, samples int
	label          string          // the first that names repositories
	names          map[string]bool // what it names
}

// maxNames bounds how many names are told apart.
const maxNames = 10_000

// readMetrics reads the Prometheus text format (version 0.0.4) and OpenMetrics,
// line by line: a page that was cut off is one all the same.
func readMetrics(body []byte, repositories []string) metrics {
	m := metrics{names: map[string]bool{}}
	for line := range strings.SplitSeq(string(body), "\n") {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			if name, kind, _ := strings.Cut(rest, " "); metricName(name) && metricKinds[kind] {
				m.types++
			}
			continue
		}
		name, rest, labelled := strings.Cut(line, "{")
		if !labelled {
			name, _, _ = strings.Cut(line, " ")
		}
		if line == "" || line[0] == '#' || !metricName(name) {
			continue
		}
		m.samples++
		if labelled {
			m.labels(rest, repositories)
		}
	}
	return m
}

func (m *metrics) labels(s string, repositories []string) {
	for _, l := range labels(s) {
		if l[1] == "" || !repositoryLabel(l, repositories) {
			continue
		}
		if m.label == "" {
			m.label = l[0]
		}
		if m.label == l[0] && len(m.names) < maxNames {
			m.names[l[1]] = true
		}
	}
}

// metricKinds are the words behind # TYPE.
var metricKinds = map[string]bool{
	"counter": true, "gauge": true, "histogram": true, "summary": true, "untyped": true, "unknown": true, "info": true, "stateset": true, "gaugehistogram": true,
}

func repositoryLabel(l [2]string, repositories []string) bool {
	switch strings.ToLower(l[0]) {
	case "repo", "repository", "image", "repo_name", "repository_name", "image_name":
		return true
	}
	for _, r := range repositories {
		if l[1] == r || (len(r) > 5 && strings.Contains(l[1], r)) {
			return true
		}
	}
	return false
}

func metricName(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:") == "" && (s[0] < '0' || s[0] > '9')
}

// maxLabels bounds how many labels one sample may have.
const maxLabels = 64

// labels reads name="value" pairs up to the closing brace.
func labels(s string) [][2]string {
	var out [][2]string
	for len(out) < maxLabels {
		name, rest, ok := strings.Cut(s, `="`)
		name = strings.Trim(name, ", ")
		if !ok || !metricName(name) {
			return out
		}
		var value strings.Builder
		i := 0
		for ; i < len(rest) && rest[i] != '"'; i++ {
			if rest[i] == '\\' && i+1 < len(rest) {
				i++
			}
			value.WriteByte(rest[i])
		}
		if i == len(rest) {
			return out
		}
		out = append(out, [2]string{name, value.String()})
		s = rest[i+1:]
	}
	return out
}
