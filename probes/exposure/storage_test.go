// SPDX-License-Identifier: Apache-2.0

package exposure_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

const signature = "f00dfacef00dfacef00dfacef00dface"

// store is an object store: it serves the layer to who comes with the
// signature, and whatever hook answers first.
type store struct {
	server *httptest.Server
	world  *world
	mu     sync.Mutex
	asked  []*http.Request
}

// stored is a world whose layers are elsewhere, at the path and with the query
// that are given; DIGEST and HEX stand for the layer's.
func stored(t *testing.T, path, query string, h hook) (*store, func(*probe.Options)) {
	t.Helper()
	s := &store{}
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.Clone(r.Context()))
		s.mu.Unlock()
		switch {
		case h != nil && h(w, r):
		case strings.Contains(r.URL.RawQuery, signature):
			fmt.Fprint(w, s.world.layer)
		default:
			w.WriteHeader(403)
			fmt.Fprint(w, `<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>`)
		}
	}))
	t.Cleanup(s.server.Close)
	s.world = newWorld(t, func(w http.ResponseWriter, r *http.Request) bool {
		if !entitled(r) || !strings.HasSuffix(r.URL.Path, "/blobs/"+string(s.world.digest)) {
			return false
		}
		at := s.server.URL + strings.NewReplacer("DIGEST", string(s.world.digest), "HEX", s.world.digest.Encoded()).Replace(path)
		if query != "" {
			at += "?" + query
		}
		w.Header().Set("Location", at)
		w.WriteHeader(307)
		return true
	})
	origin, err := credential.ParseOrigin(s.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return s, func(o *probe.Options) { o.Targets[0].Redirects = []credential.Origin{origin} }
}

const (
	object  = "/bucket/docker/registry/v2/blobs/sha256/ab/HEX/data"
	aws     = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20260101T000000Z&X-Amz-Expires=1200&X-Amz-Signature=" + signature
	emptyXM = `<?xml version="1.0"?><ListBucketResult><Name>bucket</Name></ListBucketResult>`
	namesXM = `<?xml version="1.0"?><ListBucketResult><Contents><Key>docker/registry/v2/repositories/team-a/app/_layers</Key></Contents></ListBucketResult>`
)

// open serves the object to everybody.
func (s *store) open(w http.ResponseWriter, r *http.Request) bool {
	if !strings.HasSuffix(r.URL.Path, "/data") {
		return false
	}
	fmt.Fprint(w, s.world.layer)
	return true
}

func lists(xml, path string) hook {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("list-type") != "2" || r.URL.Path != path {
			return false
		}
		fmt.Fprint(w, xml)
		return true
	}
}

func TestStorage(t *testing.T) {
	open := func(s **store) hook {
		return func(w http.ResponseWriter, r *http.Request) bool { return (*s).open(w, r) }
	}
	var bare *store
	for _, tc := range []struct {
		name, path, query string
		hook              hook
		want              finding.Outcome
		severity          finding.Severity
		holds             string
	}{
		{"private", object, aws, nil, finding.Pass, "", "403"},
		{"public", object, aws, open(&bare), finding.Fail, finding.Critical, "to anybody"},
		{"public without a query", object, "", open(&bare), finding.Fail, finding.Critical, "to anybody"},
		{"a secret in the path", "/t0k3nT0k3nT0k3nT0k3n/HEX/data", "", open(&bare), finding.Unknown, "", "may be a secret"},
		{"listed", object, aws, lists(emptyXM, "/bucket/"), finding.Fail, finding.Low, "listed to anybody"},
		{"listed with the repository", object, aws, lists(namesXM, "/bucket/"), finding.Fail, finding.Medium, "names the private repository"},
		{"a bucket in the name", strings.TrimPrefix(object, "/bucket"), aws, lists(namesXM, "/"), finding.Fail, finding.Medium, "names the private repository"},
		{"a page that speaks of lists", object, aws, lists("<p>ListBucketResult</p>", "/bucket/"), finding.Pass, "", ""},
		{"other bytes", object, aws, says("/", 200, html, "welcome"), finding.Pass, "", ""},
		{"other bytes for the object", object, aws, func(w http.ResponseWriter, r *http.Request) bool {
			if strings.Contains(r.URL.RawQuery, signature) {
				return false
			}
			fmt.Fprint(w, "welcome")
			return true
		}, finding.Unknown, "", "something else than the layer"},
		{"broken without a signature", object, aws, func(w http.ResponseWriter, r *http.Request) bool {
			if strings.Contains(r.URL.RawQuery, signature) {
				return false
			}
			w.WriteHeader(503)
			return true
		}, finding.Unknown, "", "503"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, allow := stored(t, tc.path, tc.query, tc.hook)
			bare = s
			c := prove(t, s.world, allow, "storage")
			f := c.probe(t, "storage")
			if f.Outcome != tc.want || (tc.severity != "" && f.Severity != tc.severity) || !strings.Contains(f.Reason+f.Message, tc.holds) {
				t.Errorf("%s %s, want %s %s: %s; %s", f.Severity, f.Outcome, tc.severity, tc.want, f.Reason, f.Message)
			}
			if strings.Contains(c.dump(t), signature) {
				t.Error("the signature is in what the run leaves behind")
			}
			for _, r := range s.asked {
				if r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" {
					t.Errorf("the storage got a secret: %s", r.URL)
				}
			}
		})
	}
}

// TestStorageUnnamed: what the configuration does not name is not asked.
func TestStorageUnnamed(t *testing.T) {
	s, _ := stored(t, object, aws, nil)
	c := prove(t, s.world, nil, "storage", "signed-url")
	for _, f := range c.findings {
		if f.Outcome == finding.Pass || f.Outcome == finding.Fail {
			t.Errorf("%s is %s: %s", f.Probe, f.Outcome, f.Reason)
		}
	}
	if n := len(s.asked); n > 0 {
		t.Errorf("the storage was asked %d times", n)
	}
}

// TestSignedURL: the lifetime is read in every way in which URLs are signed, and
// none is reported with its signature.
func TestSignedURL(t *testing.T) {
	at := func(d time.Duration) string { return fmt.Sprint(time.Now().Add(d).Unix()) }
	azure := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339) }
	policy := func(text string) string {
		return strings.NewReplacer("+", "-", "=", "_", "/", "~").Replace(base64.StdEncoding.EncodeToString([]byte(text)))
	}
	for _, tc := range []struct {
		name, query string
		want        finding.Outcome
		holds       string
	}{
		{"S3, 20 minutes", aws, finding.Pass, "20m0s"},
		{"S3, a day", strings.Replace(aws, "1200", "86400", 1), finding.Fail, "valid for 24h0m0s"},
		{"S3, lower case", strings.ToLower(strings.Replace(aws, "1200", "7200", 1)), finding.Fail, "2h0m0s"},
		{"S3 without end", strings.Replace(aws, "X-Amz-Expires=1200&", "", 1), finding.Fail, "never expire"},
		{"S3, no number", strings.Replace(aws, "1200", "soon", 1), finding.Unknown, "cannot be read"},
		{"S3, no time", strings.Replace(aws, "1200", "99999999999999999999999", 1), finding.Unknown, "cannot be read"},
		{"S3, negative", strings.Replace(aws, "1200", "-1", 1), finding.Unknown, "cannot be read"},
		{"Google, a week", "X-Goog-Date=20260101T000000Z&X-Goog-Expires=604800&X-Goog-Signature=" + signature, finding.Fail, "168h0m0s"},
		{"OSS, 10 minutes", "x-oss-date=20260101T000000Z&x-oss-expires=600&x-oss-signature=" + signature, finding.Pass, "10m0s"},
		{"Azure, 10 minutes", "sv=2024-01-01&se=" + azure(10*time.Minute) + "&sig=" + signature, finding.Pass, ""},
		{"Azure, a day", "sv=2024-01-01&se=" + azure(24*time.Hour) + "&sig=" + signature, finding.Fail, "valid for"},
		{"Azure, a day that begins late", "st=" + azure(24*time.Hour-10*time.Minute) + "&se=" + azure(24*time.Hour) + "&sig=" + signature, finding.Pass, "10m0s"},
		{"Azure, a stored policy", "si=x&sig=" + signature, finding.Unknown, "stored access policy"},
		{"Azure without end", "sv=2024-01-01&sig=" + signature, finding.Fail, "never expire"},
		{"Azure, no time", "se=tomorrow&sig=" + signature, finding.Unknown, "cannot be read"},
		{"CloudFront, 20 minutes", "Expires=" + at(20*time.Minute) + "&Signature=" + signature + "&Key-Pair-Id=K", finding.Pass, ""},
		{"CloudFront, a day", "Expires=" + at(24*time.Hour) + "&Signature=" + signature + "&Key-Pair-Id=K", finding.Fail, "valid for"},
		{"CloudFront, over", "Expires=" + at(-time.Hour) + "&Signature=" + signature, finding.Unknown, "clocks"},
		{"CloudFront, a policy of a day", "Policy=" + policy(`{"Statement":[{"Condition":{"DateLessThan":{"AWS:EpochTime":`+at(24*time.Hour)+`}}}]}`) + "&Signature=" + signature, finding.Fail, "valid for"},
		{"CloudFront, a policy without end", "Policy=" + policy(`{"Statement":[{"Condition":{}}]}`) + "&Signature=" + signature, finding.Fail, "never expire"},
		{"CloudFront, no policy", "Policy=@@&Signature=" + signature, finding.Unknown, "cannot be read"},
		{"no signature that is known", "v=" + signature, finding.NotApplicable, "no signature"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s, allow := stored(t, object, tc.query, nil)
			c := prove(t, s.world, allow, "signed-url")
			f := c.probe(t, "signed-url")
			if f.Outcome != tc.want || !strings.Contains(f.Reason+f.Message, tc.holds) {
				t.Errorf("%s, want %s: %s; %s", f.Outcome, tc.want, f.Reason, f.Message)
			}
			if f.Outcome == finding.Fail && f.Severity != finding.Low {
				t.Errorf("severity %s", f.Severity)
			}
			if strings.Contains(c.dump(t), signature) {
				t.Error("the signature is in what the run leaves behind")
			}
		})
	}
}
