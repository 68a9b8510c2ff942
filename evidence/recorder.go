// SPDX-License-Identifier: Apache-2.0

package evidence

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Recorder numbers and redacts exchanges, and spools them to a temporary file
// so that memory stays flat however long a run is. It is safe for concurrent
// use.
type Recorder struct {
	mu      sync.Mutex
	file    *os.File
	out     *bufio.Writer
	offsets []int64 // where exchange x(i+1) begins
	end     int64
	hide    []string // secrets, which an answer may echo
	sent    int      // exchanges that were really on the wire
	err     error
}

// NewRecorder opens the temporary file, readable by its owner alone.
func NewRecorder() (*Recorder, error) {
	f, err := os.CreateTemp("", "regproof-exchanges-*.jsonl") // mode 0600
	if err != nil {
		return nil, fmt.Errorf("spool for exchanges: %w", err)
	}
	return &Recorder{file: f, out: bufio.NewWriterSize(f, 64<<10)}, nil
}

// Hide names secrets that must not be recorded, wherever an answer echoes them.
// Short ones are left alone: they stand in any text.
func (r *Recorder) Hide(secrets ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range secrets {
		if len(s) >= 6 && !slices.Contains(r.hide, s) && len(r.hide) < 10_000 {
			r.hide = append(r.hide, s)
		}
	}
}

// scrub replaces secrets in what a server said.
func scrub(s string, secrets []string) string {
	for _, secret := range secrets {
		if strings.Contains(s, secret) {
			s = strings.ReplaceAll(s, secret, "[secret]")
		}
	}
	return s
}

// Close removes the spool.
func (r *Recorder) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = r.file.Close()
	return os.Remove(r.file.Name())
}

// Record redacts x, gives it an id, and keeps it.
func (r *Recorder) Record(x Exchange) string {
	r.mu.Lock()
	secrets := r.hide
	r.mu.Unlock()
	x.ErrorBody, x.Error, x.Target = scrub(x.ErrorBody, secrets), scrub(x.Error, secrets), scrub(x.Target, secrets)
	for i, h := range x.ResponseHeaders {
		if v := scrub(h[1], secrets); v != h[1] {
			x.ResponseHeaders = slices.Clone(x.ResponseHeaders)
			x.ResponseHeaders[i][1] = v
		}
	}
	if x.Target == x.Made.Target {
		x.Target = Printable(x.Target, maxShown)
	} else {
		x.Target = Target(x.Target)
	}
	made := slices.DeleteFunc(slices.Clone(x.Made.Headers), func(h [2]string) bool { return scrub(h[1], secrets) != h[1] })
	x.Method = Printable(x.Method, 64)
	x.Host = Printable(x.Host, 512)
	x.SNI = Printable(x.SNI, 512)
	x.RequestHeaders = redacted(x.RequestHeaders, made)
	x.ResponseHeaders = redacted(x.ResponseHeaders, nil)
	x.ErrorBody = Printable(x.ErrorBody, maxErrorBody)
	x.Error = Printable(x.Error, 1024)
	if x.BodyTruncated {
		x.BodySHA256 = nil
	}

	r.mu.Lock()
	defer r.mu.Unlock()
	x.ID = "x" + strconv.Itoa(len(r.offsets)+1)
	line, err := json.Marshal(x)
	if err == nil {
		_, err = r.out.Write(append(line, '\n'))
	}
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("spool for exchanges: %w", err)
	}
	r.offsets = append(r.offsets, r.end)
	r.end += int64(len(line)) + 1
	if x.Of == "" {
		r.sent++
	}
	return x.ID
}

// redacted leaves what was made up here as it is.
func redacted(headers, made [][2]string) [][2]string {
	out := make([][2]string, 0, len(headers))
	for _, h := range headers {
		if slices.Contains(made, h) {
			out = append(out, [2]string{Printable(h[0], 128), Printable(h[1], maxShown)})
			continue
		}
		out = append(out, Header(h[0], h[1]))
	}
	return out
}

// Sent is the number of requests that were really on the wire.
func (r *Recorder) Sent() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sent
}

// Err is the first error of the spool: after one, evidence is missing.
func (r *Recorder) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// Get reads one exchange back.
func (r *Recorder) Get(id string) (Exchange, error) {
	n, err := strconv.Atoi(strings.TrimPrefix(id, "x"))
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil || n < 1 || n > len(r.offsets) {
		return Exchange{}, fmt.Errorf("there is no exchange %q", id)
	}
	if err := r.out.Flush(); err != nil {
		return Exchange{}, err
	}
	end := r.end
	if n < len(r.offsets) {
		end = r.offsets[n]
	}
	line := make([]byte, end-r.offsets[n-1])
	if _, err := r.file.ReadAt(line, r.offsets[n-1]); err != nil {
		return Exchange{}, fmt.Errorf("exchange %s: %w", id, err)
	}
	var x Exchange
	return x, json.Unmarshal(line, &x)
}

// Lines yields the id of every exchange and its JSON as it was spooled, in
// order. The bytes are only good until the next.
func (r *Recorder) Lines() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		r.mu.Lock()
		_ = r.out.Flush() // its error is kept by the writer, and told by Err
		n, end := len(r.offsets), r.end
		r.mu.Unlock()
		in := bufio.NewReaderSize(io.NewSectionReader(r.file, 0, end), 256<<10)
		for i := range n {
			line, err := in.ReadBytes('\n')
			if err != nil || !yield("x"+strconv.Itoa(i+1), line[:len(line)-1]) {
				return
			}
		}
	}
}

// All yields every exchange in order.
func (r *Recorder) All() iter.Seq2[Exchange, error] {
	return func(yield func(Exchange, error) bool) {
		r.mu.Lock()
		n := len(r.offsets)
		r.mu.Unlock()
		for i := range n {
			x, err := r.Get("x" + strconv.Itoa(i+1))
			if !yield(x, err) {
				return
			}
		}
	}
}
