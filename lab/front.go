// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// front is what stands before a registry. next is the guarded side; the open
// one is d.open.
type front func(next http.Handler, d *Door) http.Handler

// leak sends what matches to the unguarded registry. That is the whole of most
// weaknesses: a guard that does not cover something.
func leak(match func(r *http.Request, d *Door) bool) front {
	return func(next http.Handler, d *Door) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if isAPI(r) && match(r, d) {
				d.open.ServeHTTP(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// reroute sends what it maps to another target to the unguarded registry: a front
// and a registry that read one request differently.
func reroute(to func(r *http.Request, d *Door) (target *url.URL, ok bool)) front {
	return func(next http.Handler, d *Door) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			target, ok := to(r, d)
			if !ok {
				next.ServeHTTP(w, r)
				return
			}
			d.open.ServeHTTP(w, onward(r, target))
		})
	}
}

// onward is the request for another target.
func onward(r *http.Request, target *url.URL) *http.Request {
	inner := r.Clone(r.Context())
	inner.URL, inner.RequestURI = target, target.RequestURI()
	return inner
}

// instead gives what matches another answer; the rest goes on.
func instead(match func(*http.Request) bool, answer func(http.ResponseWriter, *http.Request, *Door)) front {
	return func(next http.Handler, d *Door) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if match(r) {
				answer(w, r, d)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

func anonymousAPI(r *http.Request) bool { return isAPI(r) && anonymous(r) }

// deny answers as distribution-spec, "Error Codes", shows it.
func deny(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []map[string]string{{"code": code, "message": message}}})
}

// page answers with a whole HTML page, as fronts do that know no registry.
func page(w http.ResponseWriter, status int, title, body string) {
	text := fmt.Sprintf("<!doctype html>\n<html><head><title>%s</title></head><body>%s</body></html>\n", title, body)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", fmt.Sprint(len(text)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

func forbidden(w http.ResponseWriter) {
	page(w, http.StatusForbidden, "403 Forbidden", "<center><h1>403 Forbidden</h1></center>")
}

// rewriter lets a front change an answer on its way out. on may edit the
// header; when it says true it has answered itself, and the rest is dropped.
type rewriter struct {
	http.ResponseWriter
	on         func(w http.ResponseWriter, status int) bool
	done, drop bool
}

func (w *rewriter) WriteHeader(status int) {
	if w.done {
		return
	}
	if status >= 200 {
		w.done = true
		if w.drop = w.on(w.ResponseWriter, status); w.drop {
			return
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *rewriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.drop {
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *rewriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
