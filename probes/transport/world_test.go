// SPDX-License-Identifier: Apache-2.0

package transport_test

import (
	"io"
	"log"
	"net"
	"net/url"
	"testing"

	"github.com/regproof/regproof/probe"
)

// quiet makes a run look for plain HTTP where nothing listens: what else runs on
// this machine is no matter of a test.
func quiet(t *testing.T) func(*probe.Options) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return func(o *probe.Options) { o.PlainPort = uint16(port) }
}

// nobodysLog is where servers write of handshakes that fail.
var nobodysLog = log.New(io.Discard, "", 0)

func parsed(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
