// SPDX-License-Identifier: Apache-2.0

package immutability_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/immutability"
)

// as makes one request as the user of the lab, and returns the status and the body.
func as(t *testing.T, l *lab.Lab, method, url, mediaType string, body []byte) (int, []byte) {
	t.Helper()
	r, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(l.User())
	r.Header.Set("Content-Type", mediaType)
	r.Header.Set("Accept", strings.Join(oci.AcceptManifests(), ", "))
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, got
}

// TestRealContent: a sandbox that is somebody's repository is left as it was, also
// where its names cannot be read.
func TestRealContent(t *testing.T) {
	const box = "team-b/tool"
	for name, status := range map[string]int{"as it is": 0, "who may not read latest": 403, "an error": 500, "another answer": 406} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := labtest.Open(t) // what is made there cannot be removed
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"immutable-latest-exempt"}})
			_, image := as(t, l, "GET", d.URL()+"/v2/"+box+"/manifests/2.0", "", nil)
			doc, err := oci.ParseDocument(image)
			if err != nil {
				t.Fatal(err)
			}
			before := map[string][]byte{"2.0": image}
			for _, tag := range []string{"latest", "v1", "main"} {
				as(t, l, "PUT", d.URL()+"/v2/"+box+"/manifests/"+tag, doc.Type(""), image)
				before[tag] = image
			}
			at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				theirs := strings.HasPrefix(r.URL.Path, "/v2/"+box+"/manifests/") && before[r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]] != nil
				switch {
				case theirs && r.Method != "GET" && r.Method != "HEAD":
					t.Errorf("%s %s", r.Method, r.URL)
				case theirs && status != 0:
					w.WriteHeader(status)
					return
				}
				next.ServeHTTP(w, r)
			})
			c := labtest.Prove(t, l, d, labtest.Setting{Probes: immutability.All(), Change: writing(t, box, labtest.Instead(t, probe.Endpoint{URL: at}))})
			f, _ := c.Probe("immutability/tag-exemption")
			if f.Outcome == finding.Fail || f.Outcome == finding.NotApplicable || f.Outcome == finding.NotChecked {
				t.Errorf("%s: %s", f.Outcome, f.Reason)
			}
			for tag, want := range before {
				if _, got := as(t, l, "GET", d.URL()+"/v2/"+box+"/manifests/"+tag, "", nil); !bytes.Equal(got, want) {
					t.Errorf("%s is another: %.60s", tag, got)
				}
			}
		})
	}
}
