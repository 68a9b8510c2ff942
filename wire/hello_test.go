// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"
)

// flightOf is a server's answer in records of at most size bytes.
func flightOf(size int, messages ...[]byte) []byte {
	var out []byte
	all := bytes.Join(messages, nil)
	for len(all) > 0 {
		n := min(size, len(all))
		out = append(out, 22, 3, 3, byte(n>>8), byte(n))
		out = append(out, all[:n]...)
		all = all[n:]
	}
	return out
}

func message(kind byte, body string) []byte {
	n := len(body)
	return append([]byte{kind, byte(n >> 16), byte(n >> 8), byte(n)}, body...)
}

func chosen(version, suite string, extensions string) []byte {
	body := version + strings.Repeat("r", 32) + "\x00" + suite + "\x00"
	if extensions != "" {
		body += string([]byte{byte(len(extensions) >> 8), byte(len(extensions))}) + extensions
	}
	return message(2, body)
}

func TestServerHello(t *testing.T) {
	exchange := message(12, "\x00\x80"+strings.Repeat("\xff", 128)+"\x00\x01\x02\x00\x01\x04")
	certificate := message(11, strings.Repeat("c", 3000))
	for _, tc := range []struct {
		name   string
		answer []byte
		want   serverHello
		err    error
	}{
		{"SSL 3.0", flightOf(9000, chosen("\x03\x00", "\x00\x0a", "")), serverHello{version: 0x0300, suite: 0x000a}, nil},
		{"an extension that says the version", flightOf(9000, chosen("\x03\x03", "\x13\x01", "\x00\x2b\x00\x02\x03\x04\x00\x33\x00\x02\x00\x1d")), serverHello{version: 0x0304, suite: 0x1301, group: 29}, nil},
		{"many records", flightOf(7, chosen("\x03\x03", "\xc0\x2f", "")), serverHello{version: 0x0303, suite: 0xc02f}, nil},
		{"its own group", flightOf(500, chosen("\x03\x03", "\x00\x33", ""), certificate, exchange), serverHello{version: 0x0303, suite: 0x0033, dhBits: 1024}, nil},
		{"its own group, cut off", flightOf(500, chosen("\x03\x03", "\x00\x33", ""), certificate), serverHello{version: 0x0303, suite: 0x0033}, io.EOF},
		{"bytes after it", flightOf(9000, append(chosen("\x03\x03", "\x00\x0a", ""), 2, 0, 0, 200)), serverHello{version: 0x0303, suite: 0x000a}, nil},
		{"bytes in it that are none of it", flightOf(9000, message(2, "\x03\x03"+strings.Repeat("r", 32)+"\x00\x00\x0a\x00\x00\x00x")), serverHello{}, errMalformed},
		{"a session id too long", flightOf(9000, message(2, "\x03\x03"+strings.Repeat("r", 32)+"\x21"+strings.Repeat("s", 33)+"\x00\x0a\x00")), serverHello{}, errMalformed},
		{"another message", flightOf(9000, message(11, "x")), serverHello{}, errMalformed},
		{"too much", flightOf(16000, message(2, strings.Repeat("x", 1<<20))), serverHello{}, errTooLarge},
		{"an alert", []byte{21, 3, 0, 0, 2, 2, 40}, serverHello{}, alertError{40}},
		{"warnings without end", bytes.Repeat([]byte{21, 3, 0, 0, 2, 1, 112}, 100), serverHello{}, errMalformed},
		{"HTTP", []byte("HTTP/1.1 400 Bad Request\r\n\r\n"), serverHello{}, errMalformed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := readServerHello(bytes.NewReader(tc.answer))
			if !errors.Is(err, tc.err) || got != tc.want {
				t.Errorf("%+v, %v; want %+v, %v", got, err, tc.want, tc.err)
			}
		})
	}
}

func TestServerHello2(t *testing.T) {
	for _, tc := range []struct {
		name, answer string
		version      uint16
	}{
		{"it is spoken", "\x80\x21\x04\x00\x01\x00\x02\x00\x00\x00\x03", VersionSSL20},
		{"without a cipher in common", "\x80\x0b\x04\x00\x01\x00\x02\x00\x00\x00\x00", 0},
		{"its error", "\x80\x03\x00\x00\x01", 0},
		{"an alert of TLS", "\x15\x03\x01\x00\x02\x02\x46", 0},
		{"HTTP", "HTTP/1.1 400 Bad Request\r\n", 0},
		{"nothing", "", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := readServerHello2(strings.NewReader(tc.answer))
			if got.version != tc.version || (err == nil) != (tc.version != 0) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

// TestClientHello reads back what is written.
func TestClientHello(t *testing.T) {
	for _, tc := range []struct {
		version uint16
		name    string
		record  string
	}{{VersionSSL30, "a.example", "\x16\x03\x00"}, {0x0301, "", "\x16\x03\x01"}, {0x0303, "a.example", "\x16\x03\x01"}} {
		b, err := clientHello(tc.version, []uint16{0x000a, 0x0004}, tc.name)
		if err != nil || !strings.HasPrefix(string(b), tc.record) {
			t.Fatalf("%x, %v", b, err)
		}
		f := flight{r: bytes.NewReader(b), left: maxFlight}
		kind, body, err := f.message()
		var version, compression uint16
		var session, suites cryptobyte.String
		if err != nil || kind != 1 || !body.ReadUint16(&version) || !body.Skip(32) || !body.ReadUint8LengthPrefixed(&session) ||
			!body.ReadUint16LengthPrefixed(&suites) || !body.ReadUint16(&compression) || version != tc.version {
			t.Fatalf("type %d, version %x, %v", kind, version, err)
		}
		if string(suites) != "\x00\x0a\x00\x04\x00\xff" || (len(body) > 0) != (tc.version > VersionSSL30) || strings.Contains(string(body), tc.name) != (tc.version > VersionSSL30) {
			t.Errorf("%x: suites %x, extensions %q", tc.version, suites, body)
		}
	}
}

// FuzzServerHello: whatever a server answers, it is read within bounds.
func FuzzServerHello(f *testing.F) {
	f.Add(flightOf(7, chosen("\x03\x03", "\x13\x01", "\x00\x2b\x00\x02\x03\x04")))
	f.Add(flightOf(500, chosen("\x03\x03", "\x00\x33", ""), message(11, "c"), message(12, "\x00\x01\xff")))
	f.Add(flightOf(500, chosen("\x03\x03", "\x00\x33", ""), []byte("0000")))
	f.Add([]byte{21, 3, 0, 0, 2, 2, 40})
	f.Add([]byte("\x80\x21\x04\x00\x01\x00\x02\x00\x00\x00\x03"))
	f.Fuzz(func(t *testing.T, b []byte) {
		// What was chosen comes with an error where a group was still to come alone.
		if h, err := readServerHello(bytes.NewReader(b)); err != nil && h.version != 0 && (!slices.Contains(dheSuites, h.suite) || h.dhBits != 0) {
			t.Errorf("%+v with %v", h, err)
		}
		if h, err := readServerHello2(bytes.NewReader(b)); err == nil && h.version != VersionSSL20 {
			t.Errorf("%+v", h)
		}
	})
}
