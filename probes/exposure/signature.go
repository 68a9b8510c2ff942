// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// scheme is a way to sign a URL: the key that holds the signature, and what
// says when it ends.
type scheme struct {
	signature string
	life      string                                             // seconds from when it was signed
	ends      func(q map[string]string) (time.Time, bool, error) // nil: life alone
	begins    func(q map[string]string, now time.Time) time.Time // nil: now
}

// schemes by their keys in lower case: S3 and its kin, Google, OSS, Azure,
// CloudFront and the second version of S3.
var schemes = []scheme{
	{signature: "x-amz-signature", life: "x-amz-expires"},
	{signature: "x-goog-signature", life: "x-goog-expires"},
	{signature: "x-oss-signature", life: "x-oss-expires"},
	{signature: "sig", ends: azureEnd, begins: azureBegin},
	{signature: "signature", ends: epochEnd},
}

// query reads the keys of a query in lower case; the first of two wins.
func query(location string) map[string]string {
	out := map[string]string{}
	_, q, _ := strings.Cut(location, "?")
	q, _, _ = strings.Cut(q, "#")
	for pair := range strings.SplitSeq(q, "&") {
		k, v, _ := strings.Cut(pair, "=")
		key, err := url.QueryUnescape(k)
		value, err2 := url.QueryUnescape(v)
		key = strings.ToLower(key)
		if _, had := out[key]; err == nil && err2 == nil && !had {
			out[key] = value
		}
	}
	return out
}

func schemeOf(q map[string]string) (scheme, bool) {
	for _, s := range schemes {
		if q[s.signature] != "" {
			return s, true
		}
	}
	return scheme{}, false
}

// signed says whether a URL carries a signature of an object store or CDN.
func signed(location string) bool {
	_, ok := schemeOf(query(location))
	return ok
}

// errEnd never quotes what it could not read: it may be a part of a secret.
var errEnd = errors.New("its end is neither a number of seconds nor a time")

// lifetime is how long a signed URL works from now on, in whole seconds; ends is
// false when nothing in it says so.
func lifetime(location string, now time.Time) (life time.Duration, ends bool, err error) {
	q := query(location)
	s, _ := schemeOf(q)
	if s.ends == nil {
		text := q[s.life]
		if text == "" {
			return 0, false, nil
		}
		n, err := seconds(text)
		return time.Duration(n) * time.Second, true, err
	}
	end, ok, err := s.ends(q)
	if err != nil || !ok {
		return 0, ok, err
	}
	begin := now
	if s.begins != nil {
		begin = s.begins(q, now)
	}
	return end.Sub(begin).Round(time.Second), true, nil
}

// century bounds what counts as a number of seconds: more is no time.
const century = 100 * 365 * 24 * 3600

func seconds(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > century {
		return 0, errEnd
	}
	return n, nil
}

// epoch reads seconds since 1970.
func epoch(text string) (time.Time, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > 4*century {
		return time.Time{}, errEnd
	}
	return time.Unix(n, 0), nil
}

func epochEnd(q map[string]string) (time.Time, bool, error) {
	if e := q["expires"]; e != "" {
		t, err := epoch(e)
		return t, true, err
	}
	if q["policy"] == "" {
		return time.Time{}, false, nil
	}
	return policyEnd(q["policy"])
}

// policyEnd reads the custom policy of CloudFront: base64 with other letters.
func policyEnd(text string) (time.Time, bool, error) {
	b, err := base64.StdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "=", "~", "/").Replace(text))
	var p struct {
		Statement []struct {
			Condition struct {
				DateLessThan struct {
					Epoch json.Number `json:"AWS:EpochTime"`
				}
			}
		}
	}
	if err != nil || json.Unmarshal(b, &p) != nil || len(p.Statement) == 0 {
		return time.Time{}, true, errEnd
	}
	if p.Statement[0].Condition.DateLessThan.Epoch == "" {
		return time.Time{}, false, nil
	}
	t, err := epoch(p.Statement[0].Condition.DateLessThan.Epoch.String())
	return t, true, err
}

// azureTimes are the forms of se and st (Create a service SAS).
var azureTimes = []string{time.RFC3339, "2006-01-02T15:04Z", "2006-01-02"}

func azureTime(text string) (time.Time, error) {
	for _, f := range azureTimes {
		if t, err := time.Parse(f, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errEnd
}

func azureEnd(q map[string]string) (time.Time, bool, error) {
	if q["se"] == "" { // a stored access policy (si) may hold the end
		if q["si"] != "" {
			return time.Time{}, true, errors.New("its end stands in a stored access policy")
		}
		return time.Time{}, false, nil
	}
	t, err := azureTime(q["se"])
	return t, true, err
}

func azureBegin(q map[string]string, now time.Time) time.Time {
	if t, err := azureTime(q["st"]); err == nil && t.After(now) {
		return t
	}
	return now
}
