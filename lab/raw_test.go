// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regproof/regproof/lab"
)

// rawRequest is a request that an ordinary client would not send.
type rawRequest struct {
	line   string   // method and target, or with the version of HTTP
	header []string // "Name: value"; "Host:" alone means no Host
	sni    string
}

// send writes a request byte by byte as it stands. HOST is the door's authority.
func send(t *testing.T, d *lab.Door, q rawRequest) got {
	t.Helper()
	authority := d.URL()[strings.Index(d.URL(), "//")+2:]
	line := q.line
	if !strings.Contains(line, " HTTP/") {
		line += " HTTP/1.1"
	}
	head := []string{line}
	if !slices.ContainsFunc(q.header, func(h string) bool { return strings.HasPrefix(h, "Host:") }) {
		head = append(head, "Host: HOST")
	}
	for _, h := range append(q.header, "Accept: "+accept, "Connection: close") {
		if h != "Host:" {
			head = append(head, h)
		}
	}
	dialer := net.Dialer{Timeout: 5 * time.Second}
	conn, err := dialer.DialContext(t.Context(), "tcp", d.Addrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(d.URL(), "https:") {
		conn = tls.Client(conn, &tls.Config{ServerName: q.sni, InsecureSkipVerify: true})
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(strings.Join(head, "\r\n"), "HOST", authority) + "\r\n\r\n"
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%s: %v", q.line, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s: %v", q.line, err)
	}
	return got{res.StatusCode, res.Header, body, res.Proto}
}
