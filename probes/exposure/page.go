// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// judge is what a probe makes of one answer.
type judge = func(context.Context, *probe.Trial, probe.Attempt, probe.Answer) probe.Verdict

// recognise says whether a 2xx holds what the probe looks for, and what to
// report then. Outcome and evidence are filled in by serves.
type recognise func(probe.Answer) (probe.Verdict, bool)

// limit is how much of a page is read, in bytes. None of those that are looked
// for is longer, metrics apart.
const limit = 1 << 20

// page asks for one path, and judges what is served there by its content. With
// sibling set, what a made-up path beside it gets too counts for nothing.
func page(target string, sibling bool, r recognise) probe.Attempt {
	a := probe.Page(target, serves(sibling, r))
	a.Limits.Limit = limit
	return a
}

func serves(sibling bool, r recognise) judge {
	return func(ctx context.Context, t *probe.Trial, a probe.Attempt, answer probe.Answer) probe.Verdict {
		if v, ok := t.NotServed(answer); ok {
			if to := cleaned(a.Variant, answer); to != "" {
				next := t.Stranger(ctx, answer, to)
				next.Trail = append(answer.Trail, next.Trail...)
				if next.NotAsked != "" {
					return probe.Verdict{Outcome: finding.NotChecked, Reason: next.NotAsked}
				}
				answer = next
				v, ok = t.NotServed(answer)
			}
			if ok {
				v.Evidence = answer.Trail
				return v
			}
		}
		return found(ctx, t, a, answer, sibling, r)
	}
}

// found judges a 2xx.
func found(ctx context.Context, t *probe.Trial, a probe.Attempt, answer probe.Answer, sibling bool, r recognise) probe.Verdict {
	if e := strings.ToLower(answer.Header.Get("Content-Encoding")); e != "" && e != "identity" {
		return probe.Verdict{Outcome: finding.Unknown, Reason: fmt.Sprintf("%d with a body that is packed, though identity was asked for", answer.Status), Evidence: answer.Trail}
	}
	v, ok := r(answer)
	if !ok {
		if !answer.Whole() {
			return probe.Verdict{Outcome: finding.Unknown, Reason: fmt.Sprintf("%d with more than %d bytes of something", answer.Status, answer.Size), Evidence: answer.Trail}
		}
		v = t.Closed(answer, fmt.Sprintf("%d with something else", answer.Status))
		v.Evidence = answer.Trail
		return v
	}
	if sibling {
		other := t.Stranger(ctx, answer, beside(a.Variant, t.Nonce()))
		answer.Trail = append(answer.Trail[:len(answer.Trail):len(answer.Trail)], other.Trail...)
		if other.NotAsked != "" || other.Failure != "" || other.Status == 429 || other.Status >= 500 {
			return probe.Verdict{Outcome: finding.Unknown, Reason: fmt.Sprintf("%d, and no answer for a made-up path beside it", answer.Status), Evidence: answer.Trail}
		}
		if _, same := r(other); same && other.Status/100 == 2 {
			v := t.Closed(answer, fmt.Sprintf("%d as for a made-up path beside it", answer.Status))
			v.Evidence = answer.Trail
			return v
		}
	}
	if v.Outcome == "" {
		v.Outcome = finding.Fail
	}
	if v.Outcome == finding.Pass {
		v.Control = t.Ping(answer).Trail
	}
	v.Evidence = answer.Trail
	return v
}

// cleaned is where a redirect leads that only adds or drops a slash, as routers
// do for a path that they know; "" for every other.
func cleaned(target string, answer probe.Answer) string {
	if answer.Status/100 != 3 {
		return ""
	}
	to, err := url.Parse(answer.Header.Get("Location"))
	if err != nil || (to.Host != "" && !strings.EqualFold(to.Host, answer.Request.Host)) || (to.Scheme != "" && to.Scheme != answer.Request.Scheme) {
		return ""
	}
	asked, query, _ := strings.Cut(target, "?")
	if to.Path == asked || strings.TrimSuffix(to.Path, "/") != strings.TrimSuffix(asked, "/") {
		return ""
	}
	if query != "" {
		return to.EscapedPath() + "?" + query
	}
	return to.EscapedPath()
}

// beside is a path in the same folder that nobody has.
func beside(target, nonce string) string {
	p, query, _ := strings.Cut(target, "?")
	out := path.Join(path.Dir(strings.TrimSuffix(p, "/")), nonce)
	if strings.HasSuffix(p, "/") {
		out += "/"
	}
	if query != "" {
		out += "?" + query
	}
	return out
}

func html(a probe.Answer) bool {
	return strings.Contains(strings.ToLower(a.Header.Get("Content-Type")), "html")
}

// object reads a JSON object of a whole body into v.
func object(a probe.Answer, v any) bool {
	b := strings.TrimSpace(string(a.Body))
	return a.Whole() && int64(len(a.Body)) == a.Size && strings.HasPrefix(b, "{") && json.Unmarshal([]byte(b), v) == nil
}

// count writes a number and what it counts.
func count(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}
