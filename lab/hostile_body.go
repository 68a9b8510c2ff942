// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// readsContent is what a hostile door answers in its own way: every read of
// something worth reading. The ping stays as it is, so that it looks like a
// registry.
func readsContent(r *http.Request) bool { return isRead(r) && routeOf(r).content() }

// claim sets the headers that a registry would set on the real answer.
func claim(w http.ResponseWriter, r *http.Request, d *Door) {
	t := routeOf(r)
	types := map[kind]string{manifest: ociManifest, blob: "application/octet-stream", referrer: ociIndex}
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	w.Header().Set("Content-Type", "application/json")
	if types[t.kind] != "" {
		w.Header().Set("Content-Type", types[t.kind])
	}
	if t.kind == manifest || t.kind == blob {
		w.Header().Set("Docker-Content-Digest", d.lab.digest(t))
	}
}

// endlessBody begins like a manifest and goes on as fast as it is read.
func endlessBody(w http.ResponseWriter, r *http.Request, d *Door) {
	claim(w, r, d)
	if r.Method == http.MethodHead {
		return
	}
	_, err := io.WriteString(w, `{"schemaVersion":2,"layers":[`)
	more := strings.Repeat(`{"mediaType":"`+ociLayer+`","size":1,"digest":"sha256:`+strings.Repeat("a", 64)+`"},`, 400)
	for err == nil && r.Context().Err() == nil {
		_, err = io.WriteString(w, more)
	}
}

// dripBody sends a byte a second, for ever: no pause is long enough for an
// idle timeout.
func dripBody(w http.ResponseWriter, r *http.Request, d *Door) {
	claim(w, r, d)
	if r.Method == http.MethodHead {
		return
	}
	control := http.NewResponseController(w)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for b := "{"; ; b = " " {
		if _, err := io.WriteString(w, b); err != nil {
			return
		}
		if control.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}

// midClose promises 1000 bytes, sends 100, and is gone: net/http closes the
// connection when a handler returns early.
func midClose(w http.ResponseWriter, r *http.Request, d *Door) {
	claim(w, r, d)
	w.Header().Set("Content-Length", "1000")
	if r.Method == http.MethodHead {
		return
	}
	_, _ = io.WriteString(w, `{"schemaVersion":2`+strings.Repeat(" ", 82))
	_ = http.NewResponseController(w).Flush()
}

// lyingDigest serves other bytes under the right digest.
func lyingDigest(w http.ResponseWriter, r *http.Request, d *Door) {
	claim(w, r, d)
	lie := `{"schemaVersion":2,"mediaType":"` + ociManifest + `","config":{"mediaType":"` + ociConfig + `","digest":"sha256:` +
		strings.Repeat("0", 64) + `","size":2},"layers":[],"annotations":{"lie":"` + randomHex(8) + `"}}`
	w.Header().Set("Content-Length", fmt.Sprint(len(lie)))
	_, _ = io.WriteString(w, lie)
}

// bomb is a gigabyte of zeros in gzip: one member of 4 MiB, 256 times over.
var bomb = sync.OnceValue(func() []byte {
	var member bytes.Buffer
	z := gzip.NewWriter(&member)
	zeros := make([]byte, 1<<20)
	for range 4 {
		_, _ = z.Write(zeros) // into memory
	}
	_ = z.Close()
	return bytes.Repeat(member.Bytes(), 256)
})

func gzipBomb(w http.ResponseWriter, r *http.Request, d *Door) {
	claim(w, r, d)
	w.Header().Set("Content-Encoding", "gzip")
	w.Header().Set("Content-Length", fmt.Sprint(len(bomb())))
	if r.Method != http.MethodHead {
		_, _ = w.Write(bomb())
	}
}
