// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"strconv"
	"strings"
)

const (
	maxHeader        = 1 << 20 // bytes of all header sections of one answer
	maxInformational = 16      // 1xx answers before the real one
)

// encode writes the request as it goes on the wire (RFC 9112). Nothing is
// added but Host, and Content-Length when there is a body.
func encode(r Request) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s %s\r\n", r.Method, r.Target, r.Proto)
	if r.Host != "" {
		fmt.Fprintf(&b, "Host: %s\r\n", r.Host)
	}
	for _, h := range r.Header {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	framed := Header(r.Header).Has("Content-Length") || Header(r.Header).Has("Transfer-Encoding")
	if !framed && (len(r.Body) > 0 || r.Method == "POST" || r.Method == "PUT" || r.Method == "PATCH") {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(r.Body))
	}
	b.WriteString("\r\n")
	b.Write(r.Body)
	return b.Bytes()
}

// answer is the head of an HTTP/1 answer, and how its body is delimited.
type answer struct {
	status int
	proto  Proto
	header Header
	body   io.Reader
	// drained says, once body is at EOF, whether the connection can be kept.
	keep func() bool
}

// decode reads the head of the answer to a request of that method. Nothing
// of the body is read yet.
func decode(br *bufio.Reader, method string) (*answer, error) {
	budget := maxHeader
	for range maxInformational {
		a, err := decodeHead(br, &budget)
		if err != nil {
			return nil, err
		}
		if a.status >= 200 || a.status == 101 {
			return a, a.frame(br, method)
		}
	}
	return nil, fmt.Errorf("more than %d informational answers: %w", maxInformational, errTooLarge)
}

func decodeHead(br *bufio.Reader, budget *int) (*answer, error) {
	line, err := readLine(br, budget)
	if strings.HasPrefix(line, "\x15\x03") || strings.HasPrefix(line, "\x16\x03") { // alert, handshake
		return nil, fmt.Errorf("the answer is %w: %w", ErrTLSRecord, errMalformed)
	}
	if errors.Is(err, io.EOF) && line != "" {
		if !strings.HasPrefix(line, "HTTP/1.") {
			err = errMalformed
		}
		return nil, fmt.Errorf("%w after %q: %w", errBroken, clip(line), noEOF(err))
	}
	if err != nil {
		return nil, err
	}
	proto, rest, ok := strings.Cut(line, " ")
	code, _, _ := strings.Cut(rest, " ")
	status, err := strconv.Atoi(code)
	if !ok || err != nil || len(code) != 3 || status < 100 || (proto != string(HTTP11) && proto != string(HTTP10)) {
		return nil, fmt.Errorf("the answer begins %q, not with an HTTP status line: %w", clip(line), errMalformed)
	}
	a := &answer{status: status, proto: Proto(proto)}
	for {
		line, err := readLine(br, budget)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errBroken, noEOF(err))
		}
		if line == "" {
			return a, nil
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("a header line %q without a colon: %w", clip(line), errMalformed)
		}
		a.header = append(a.header, [2]string{name, strings.Trim(value, " \t")})
	}
}

// readLine returns a line without its end; with an error, what came of it.
func readLine(br *bufio.Reader, budget *int) (string, error) {
	var line []byte
	for {
		part, err := br.ReadSlice('\n')
		*budget -= len(part)
		if *budget < 0 {
			return "", fmt.Errorf("headers of more than %d bytes: %w", maxHeader, errTooLarge)
		}
		line = append(line, part...)
		if err == nil {
			return string(bytes.TrimRight(line, "\r\n")), nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return string(line), err
		}
	}
}

// frame finds where the body ends (RFC 9112 section 6.3). An answer that says
// it two ways is read as chunked, and its connection is not kept.
func (a *answer) frame(br *bufio.Reader, method string) error {
	closing := a.proto == HTTP10 || a.status == 101
	for _, v := range a.header.Values("Connection") {
		closing = closing || strings.Contains(strings.ToLower(v), "close")
	}
	lengths := a.header.Values("Content-Length")
	switch {
	case method == "HEAD" || a.status == 101 || a.status == 204 || a.status == 304:
		a.body = bytes.NewReader(nil)
		a.keep = func() bool { return !closing }
	case strings.Contains(strings.ToLower(strings.Join(a.header.Values("Transfer-Encoding"), ",")), "chunked"):
		a.body = &chunked{br: br, chunks: httputil.NewChunkedReader(br)}
		a.keep = func() bool { return !closing && len(lengths) == 0 }
	case len(lengths) > 0:
		n, err := strconv.ParseUint(lengths[0], 10, 63)
		if err != nil {
			return fmt.Errorf("Content-Length %q: %w", clip(lengths[0]), errMalformed)
		}
		for _, l := range lengths[1:] {
			if l != lengths[0] {
				return fmt.Errorf("two different Content-Length: %w", errMalformed)
			}
		}
		limited := &io.LimitedReader{R: br, N: int64(n)}
		a.body = exactly{limited}
		a.keep = func() bool { return !closing && limited.N == 0 }
	default:
		a.body = br
		a.keep = func() bool { return false }
	}
	return nil
}

// exactly turns an end before the announced length into an error.
type exactly struct{ *io.LimitedReader }

func (e exactly) Read(p []byte) (int, error) {
	n, err := e.LimitedReader.Read(p)
	if errors.Is(err, io.EOF) && e.N > 0 {
		return n, io.ErrUnexpectedEOF
	}
	return n, err
}

// chunked reads the chunks, and then the trailer section, which is dropped.
type chunked struct {
	br     *bufio.Reader
	chunks io.Reader
	done   bool
}

func (c *chunked) Read(p []byte) (int, error) {
	if c.done {
		return 0, io.EOF
	}
	n, err := c.chunks.Read(p)
	if err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
		return n, err
	}
	if !errors.Is(err, io.EOF) {
		if netErr := net.Error(nil); !errors.As(err, &netErr) { // bytes came, and they are no chunk
			err = fmt.Errorf("%w: %w", errMalformed, err)
		}
		return n, err
	}
	c.done = true
	for budget := maxHeader; ; {
		line, err := readLine(c.br, &budget)
		if err != nil {
			return n, noEOF(err)
		}
		if line == "" {
			return n, io.EOF
		}
	}
}

// noEOF says that the end came too early.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func clip(s string) string {
	if len(s) > 64 {
		return s[:64] + "..."
	}
	return s
}
