// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
)

// answer is a response kept in memory. net/http/httptest has one too, but is for
// tests, and this is compiled into the product.
type answer struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= 200 {
		a.status = status
	}
}

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

// call asks a handler in process; no socket is involved.
func call(ctx context.Context, h http.Handler, method, target string, header http.Header, body []byte) (*answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, target, io.NopCloser(bytes.NewReader(body)))
	if err != nil {
		return nil, err
	}
	r.ContentLength = int64(len(body))
	r.Host, r.RequestURI, r.RemoteAddr = "lab", r.URL.RequestURI(), "127.0.0.1:0"
	if header != nil {
		r.Header = header.Clone()
	}
	a := &answer{header: http.Header{}}
	h.ServeHTTP(a, r)
	a.WriteHeader(http.StatusOK)
	return a, nil
}

// ask repeats a request at h as a HEAD of target, with the caller's
// credentials, and says the status: is this caller let in, is this there?
func ask(r *http.Request, h http.Handler, target string) int {
	header := http.Header{"Accept": {ociManifest, ociIndex, dockerManifest, dockerList}}
	if v := r.Header.Values("Authorization"); len(v) > 0 {
		header["Authorization"] = v
	}
	a, err := call(r.Context(), h, http.MethodHead, target, header, nil)
	if err != nil {
		return http.StatusBadRequest
	}
	return a.status
}

// send gives a kept answer to somebody.
func (a *answer) send(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes())
}
