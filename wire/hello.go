// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"

	"golang.org/x/crypto/cryptobyte"
)

// The protocol versions that crypto/tls does not know.
const (
	VersionSSL20 = 0x0002
	VersionSSL30 = 0x0300
)

// renegotiationSCSV says that the client knows secure renegotiation (RFC 5746).
const renegotiationSCSV = 0x00ff

// clientHello writes a ClientHello that offers these suites at this version and
// below, which crypto/tls cannot say for all that it does not know.
func clientHello(version uint16, suites []uint16, name string) ([]byte, error) {
	if version == VersionSSL20 {
		return clientHello2()
	}
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails (crypto/rand)
	var b cryptobyte.Builder
	b.AddUint8(22)                              // handshake
	b.AddUint16(min(version, tls.VersionTLS10)) // what servers of any age read
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		b.AddUint8(1) // ClientHello
		b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) {
			b.AddUint16(version)
			b.AddBytes(random)
			b.AddUint8(0) // no session
			b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
				for _, s := range suites {
					b.AddUint16(s)
				}
				b.AddUint16(renegotiationSCSV)
			})
			b.AddUint16(0x0100) // one compression method, which is none
			if version > VersionSSL30 {
				b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { extensions(b, version, name) })
			}
		})
	})
	return b.Bytes()
}

// signatures are RFC 5246's, the old ones too: what is offered here must not
// fail for the want of one.
var signatures = []uint16{0x0401, 0x0501, 0x0601, 0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0201, 0x0203, 0x0402, 0x0202}

func extensions(b *cryptobyte.Builder, version uint16, name string) {
	list := func(id uint16, values ...uint16) {
		b.AddUint16(id)
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
				for _, v := range values {
					b.AddUint16(v)
				}
			})
		})
	}
	if name != "" {
		b.AddUint16(0) // server_name
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
				b.AddUint8(0)
				b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(name)) })
			})
		})
	}
	// No group of RFC 7919: a server shall show the one that it has of its own.
	list(10, uint16(tls.X25519), uint16(tls.CurveP256), uint16(tls.CurveP384), uint16(tls.CurveP521))
	b.AddUint16(11) // ec_point_formats: uncompressed
	b.AddBytes([]byte{0, 2, 1, 0})
	if version >= tls.VersionTLS12 {
		list(13, signatures...)
	}
}

// clientHello2 is the hello of SSL 2.0, with all its ciphers.
func clientHello2() ([]byte, error) {
	challenge := make([]byte, 16)
	_, _ = rand.Read(challenge)
	ciphers := []byte{1, 0, 0x80, 2, 0, 0x80, 3, 0, 0x80, 4, 0, 0x80, 5, 0, 0x80, 6, 0, 0x40, 7, 0, 0xc0}
	var b cryptobyte.Builder
	b.AddUint16(0x8000 | uint16(9+len(ciphers)+len(challenge)))
	b.AddUint8(1) // CLIENT-HELLO
	b.AddUint16(VersionSSL20)
	b.AddUint16(uint16(len(ciphers)))
	b.AddUint16(0) // no session
	b.AddUint16(uint16(len(challenge)))
	b.AddBytes(ciphers)
	b.AddBytes(challenge)
	return b.Bytes()
}

// serverHello is what a server chose, in the clear part of its answer.
type serverHello struct {
	version, suite, group uint16
	dhBits                int // of the group that it made up, where the suite has one
}

// maxFlight bounds what is read of a server's first flight.
const maxFlight = 64 << 10

// Alert is a TLS alert description (RFC 8446 section 6).
type Alert uint8

// String is its name.
func (a Alert) String() string { return strings.TrimPrefix(tls.AlertError(a).Error(), "tls: ") }

// alertError is a fatal alert in the clear.
type alertError struct{ Alert }

func (e alertError) Error() string { return "alert: " + e.String() }

// flight reads handshake messages from records.
type flight struct {
	r        io.Reader
	left     int
	messages []byte
	warnings int
}

// readServerHello reads the answer to a ClientHello. Where it goes on in clear
// and a group of Diffie-Hellman is to come, it reads as far as that; an error on
// the way there comes with what was chosen.
func readServerHello(r io.Reader) (serverHello, error) {
	f := flight{r: r, left: maxFlight}
	kind, body, err := f.message()
	if err != nil {
		return serverHello{}, err
	}
	if kind != 2 {
		return serverHello{}, fmt.Errorf("%w: a handshake message of type %d, not ServerHello", errMalformed, kind)
	}
	h, err := parseServerHello(body)
	if err != nil || !slices.Contains(dheSuites, h.suite) {
		return h, err
	}
	for range 8 { // Certificate, CertificateStatus, ServerKeyExchange
		switch kind, body, err := f.message(); {
		case err != nil:
			return h, err // the server chose, and the size stays unknown
		case kind == 14:
			return h, nil // it shows none
		case kind == 12:
			h.dhBits = primeBits(body)
			return h, nil
		}
	}
	return h, nil
}

func primeBits(body cryptobyte.String) int {
	var p cryptobyte.String
	if !body.ReadUint16LengthPrefixed(&p) {
		return 0
	}
	return new(big.Int).SetBytes(p).BitLen()
}

func parseServerHello(s cryptobyte.String) (serverHello, error) {
	bad := fmt.Errorf("%w: not a ServerHello", errMalformed)
	var h serverHello
	var session, extensions cryptobyte.String
	var compression uint8
	if !s.ReadUint16(&h.version) || !s.Skip(32) || !s.ReadUint8LengthPrefixed(&session) || len(session) > 32 ||
		!s.ReadUint16(&h.suite) || !s.ReadUint8(&compression) {
		return serverHello{}, bad
	}
	if s.Empty() {
		return h, nil
	}
	if !s.ReadUint16LengthPrefixed(&extensions) || !s.Empty() {
		return serverHello{}, bad
	}
	for !extensions.Empty() {
		var id uint16
		var data cryptobyte.String
		if !extensions.ReadUint16(&id) || !extensions.ReadUint16LengthPrefixed(&data) {
			return serverHello{}, bad
		}
		switch id {
		case 43: // supported_versions
			if !data.ReadUint16(&h.version) || !data.Empty() {
				return serverHello{}, bad
			}
		case 51: // key_share
			if !data.ReadUint16(&h.group) {
				return serverHello{}, bad
			}
		}
	}
	return h, nil
}

// message reads one handshake message, whatever records it comes in.
func (f *flight) message() (kind uint8, body cryptobyte.String, err error) {
	for {
		s := cryptobyte.String(f.messages)
		if s.ReadUint8(&kind) && s.ReadUint24LengthPrefixed(&body) {
			f.messages = s
			return kind, body, nil
		}
		if err := f.more(); err != nil {
			return 0, nil, err
		}
	}
}

// more reads one record.
func (f *flight) more() error {
	var head [5]byte
	if n, err := io.ReadFull(f.r, head[:]); err != nil {
		if n > 0 && !recordHead(head[:n]) {
			return fmt.Errorf("%w: no TLS record", errMalformed)
		}
		return err
	}
	size := int(head[3])<<8 | int(head[4])
	switch {
	case !recordHead(head[:]) || size == 0 || size > 1<<14+2048:
		return fmt.Errorf("%w: no TLS record", errMalformed)
	case 5+size > f.left:
		return errTooLarge
	}
	f.left -= 5 + size
	body := make([]byte, size)
	if _, err := io.ReadFull(f.r, body); err != nil {
		return err
	}
	switch head[0] {
	case 22:
		f.messages = append(f.messages, body...)
		return nil
	case 21:
		if f.warnings++; len(body) != 2 || f.warnings > 8 {
			return fmt.Errorf("%w: alerts without end", errMalformed)
		}
		if body[0] == 1 && body[1] != 0 { // a warning, after which it goes on
			return nil
		}
		return alertError{Alert(body[1])}
	}
	return fmt.Errorf("%w: a record of type %d", errMalformed, head[0])
}

// recordHead says whether a record of the handshake may begin so.
func recordHead(b []byte) bool {
	return (b[0] == 21 || b[0] == 22) && (len(b) < 2 || b[1] == 3)
}

// readServerHello2 reads the answer to the hello of SSL 2.0.
func readServerHello2(r io.Reader) (serverHello, error) {
	head := make([]byte, 11)
	n, err := io.ReadFull(r, head)
	switch {
	case n >= 7 && head[0] == 21: // a server of today says so with an alert
		_, err := readServerHello(io.MultiReader(bytes.NewReader(head[:n]), r))
		return serverHello{}, err
	case err != nil:
		return serverHello{}, err
	case head[0]&0x80 == 0 || head[2] != 4 || head[5] != 0 || head[6] != 2:
		return serverHello{}, fmt.Errorf("%w: not a hello of SSL 2.0", errMalformed)
	case head[9] == 0 && head[10] == 0:
		return serverHello{}, errors.New("no cipher in common")
	}
	return serverHello{version: VersionSSL20}, nil
}
