// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/regproof/regproof/evidence"
)

// ShakeTimeout is how long a handshake may take when it does not say.
const ShakeTimeout = 4 * time.Second

// Hello is one TLS handshake to make, with one chosen address. Where crypto/tls
// cannot offer what is asked for, a ClientHello is written by hand, and only
// the server's answer to it is read.
type Hello struct {
	Identity string // who asks, for the record
	Host     string // the authority that it is about, for the record
	SNI      string // server name; an address sends none
	Name     string // that the certificate is verified for; "" is SNI
	Address  netip.AddrPort

	// Version is the only one that is offered; 0 is 1.2 and 1.3. By hand it is
	// the highest: lower ones cannot be left out there.
	Version uint16
	Suites  SuiteGroup // the zero value is all that crypto/tls has
	ByHand  bool       // also where crypto/tls could
	ALPN    []string   // nil offers none

	Cert    *tls.Certificate       // what is presented when the server asks; nil is nothing
	Session tls.ClientSessionCache // of sessions to resume; nil resumes none
	Timeout time.Duration          // for the handshake; 0 is ShakeTimeout

	// Then is a request to send over the new connection, with HTTP/1.1. With TLS
	// 1.3 it is the answer that shows whether a client certificate is accepted,
	// and that brings a session to resume. It is not sent where the certificate
	// does not verify, unless the client goes on all the same (Trust.Insecure) or
	// the request does (AnyName).
	Then *Request
}

// Shaken is what came of a handshake.
type Shaken struct {
	Hello Hello
	ID    string // of the exchange
	Done  bool   // the handshake was completed

	// What the server chose, also when the handshake failed after that; 0 when
	// it said nothing of it.
	Version, Suite uint16
	Group          tls.CurveID
	DHBits         int // of the group that the server made up; 0 is none, or unknown

	Chain      []*x509.Certificate // as sent
	Staple     []byte              // OCSP response
	Unverified error               // why the chain does not verify; meant for a Chain that is not empty
	ALPN       string
	Resumed    bool
	WantsCert  bool // the server asked for a client certificate

	Alerted bool // it ended with an alert of the server
	Alert   Alert
	Failure Failure // "" when Done, and when by hand the server chose
	Err     error
	Took    time.Duration
	Answer  *Response // to Then; nil when it was not sent
}

// Chose says whether the server chose from what was offered. By hand it may
// choose a lower version than that which was named.
func (s Shaken) Chose() bool {
	h := s.Hello
	switch {
	case s.Version == 0:
		return false
	case s.Version == VersionSSL20:
		return h.Version == VersionSSL20
	case len(h.Suites.Suites) > 0 && !slices.Contains(h.Suites.Suites, s.Suite):
		return false
	case h.Version == 0:
		return s.Version >= tls.VersionTLS12
	}
	return s.Version == h.Version || h.byHand() && s.Version < h.Version
}

// byHand says whether the hello is written by hand.
func (h Hello) byHand() bool {
	return h.ByHand || (h.Version != 0 && h.Version < tls.VersionTLS10) || slices.ContainsFunc(h.Suites.Suites, func(id uint16) bool { return !known(id) })
}

func (h Hello) name() string {
	if h.Name != "" {
		return h.Name
	}
	return h.SNI
}

// Shake makes one handshake and records it. It never takes longer than its
// own timeout, and Then its own after that; like Do it returns no error.
func (c *Client) Shake(ctx context.Context, h Hello) Shaken {
	if h.Timeout == 0 {
		h.Timeout = ShakeTimeout
	}
	out := Shaken{Hello: h}
	begin := time.Now()
	short, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(short, "tcp", h.Address.String())
	if err != nil {
		out.fail(short, err)
	} else {
		defer conn.Close()
		d, _ := short.Deadline()
		_ = conn.SetDeadline(d)
		stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
		defer stop()
		if h.byHand() {
			out.byHand(short, conn)
		} else {
			conn = c.shake(short, conn, &out)
		}
	}
	out.Took = time.Since(begin)
	out.ID = c.Recorder.Record(out.exchange(begin))
	if out.Done && h.Then != nil && (out.Unverified == nil || c.Trust.Insecure || h.Then.AnyName) {
		_ = conn.SetDeadline(time.Time{})
		out.Answer = c.over(ctx, conn, &out)
	}
	return out
}

// shake lets crypto/tls make the handshake. It returns the connection to go on
// with.
func (c *Client) shake(ctx context.Context, conn net.Conn, out *Shaken) net.Conn {
	h := out.Hello
	heard := &tap{Conn: conn}
	cfg := &tls.Config{
		ServerName: strings.TrimSuffix(strings.Trim(h.SNI, "[]"), "."),
		MinVersion: h.Version, MaxVersion: h.Version, NextProtos: h.ALPN, CipherSuites: h.Suites.Suites,
		ClientSessionCache: h.Session,
		InsecureSkipVerify: true, // VerifyConnection looks at it, and lets it pass
		VerifyConnection: func(cs tls.ConnectionState) error {
			out.learn(cs)
			out.Unverified = verify(cs, c.Trust.Roots, strings.TrimSuffix(strings.Trim(h.name(), "[]"), "."))
			return nil
		},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			out.WantsCert = true
			if h.Cert == nil {
				return &tls.Certificate{}, nil
			}
			return h.Cert, nil
		},
	}
	if h.Version == 0 {
		cfg.MinVersion, cfg.MaxVersion = tls.VersionTLS12, tls.VersionTLS13
	}
	if cfg.CipherSuites == nil {
		for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
			cfg.CipherSuites = append(cfg.CipherSuites, s.ID)
		}
	}
	tc := tls.Client(heard, cfg)
	err := tc.HandshakeContext(ctx)
	heard.enough = true
	if err == nil {
		out.Done = true
		out.learn(tc.ConnectionState())
		return tc
	}
	hello, first := readServerHello(bytes.NewReader(heard.b))
	if out.Version == 0 { // 0 too when it cannot be read
		out.Version, out.Suite, out.Group = hello.version, hello.suite, tls.CurveID(hello.group)
	}
	if a := (alertError{}); errors.As(first, &a) {
		err = fmt.Errorf("%w: %w", first, err)
	}
	out.fail(ctx, err)
	return heard
}

// learn keeps what was agreed.
func (s *Shaken) learn(cs tls.ConnectionState) {
	s.Version, s.Suite, s.Group, s.ALPN, s.Resumed = cs.Version, cs.CipherSuite, cs.CurveID, cs.NegotiatedProtocol, cs.DidResume
	s.Chain, s.Staple = cs.PeerCertificates, cs.OCSPResponse
}

// byHand sends a hello and reads what the server chose.
func (s *Shaken) byHand(ctx context.Context, conn net.Conn) {
	h := s.Hello
	name := strings.TrimSuffix(strings.Trim(h.SNI, "[]"), ".")
	if _, err := netip.ParseAddr(name); err == nil {
		name = ""
	}
	offered := h.Version
	if offered == 0 {
		offered = tls.VersionTLS12
	}
	suites := h.Suites.Suites
	if len(suites) == 0 {
		suites = everySuite()
	}
	b, err := clientHello(offered, suites, name)
	if err == nil {
		_, err = conn.Write(b)
	}
	if err != nil {
		s.fail(ctx, err)
		return
	}
	read := readServerHello
	if offered == VersionSSL20 {
		read = readServerHello2
	}
	hello, err := read(conn)
	s.Version, s.Suite, s.Group, s.DHBits = hello.version, hello.suite, tls.CurveID(hello.group), hello.dhBits
	if err != nil {
		s.fail(ctx, err)
		return
	}
	if !s.Chose() {
		s.Failure, s.Err = Handshake, fmt.Errorf("the server chose %s with %s, which was not offered", VersionName(s.Version), SuiteName(s.Suite))
	}
}

// everySuite is what a hello by hand offers when it is the version that matters.
func everySuite() []uint16 {
	var out []uint16
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if !slices.Contains(s.SupportedVersions, uint16(tls.VersionTLS13)) || len(s.SupportedVersions) > 1 {
			out = append(out, s.ID)
		}
	}
	for _, g := range []SuiteGroup{SuitesDHE, SuitesStaticRSA, SuitesRC4, Suites64Bit, SuitesExport, SuitesAnonymous, SuitesNull} {
		out = append(out, g.Suites...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// fail says why there was no handshake.
func (s *Shaken) fail(ctx context.Context, err error) {
	s.Err = err
	if a, ok := alertOf(err); ok {
		s.Alerted, s.Alert = true, a
		s.Failure = Handshake
		if a == 42 || a == 116 || a == 40 && s.WantsCert {
			s.Failure = ClientCert
		}
		return
	}
	s.Failure = classify(ctx, err, false, false)
	var head tls.RecordHeaderError
	switch {
	case errors.As(err, &head):
		s.Failure = Malformed
	case s.Failure == Other:
		s.Failure = Handshake // crypto/tls would not go on
	}
}

// alertOf finds the alert of a server in an error. Once it is encrypted,
// crypto/tls tells it as text alone.
func alertOf(err error) (Alert, bool) {
	var a alertError
	if errors.As(err, &a) {
		return a.Alert, true
	}
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return 0, false
	}
	for n := range 256 {
		if op.Err.Error() == tls.AlertError(n).Error() {
			return Alert(n), true
		}
	}
	return 0, false
}

// tap keeps the first bytes that were read.
type tap struct {
	net.Conn
	b      []byte
	enough bool
}

func (t *tap) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	if keep := min(n, 16<<10-len(t.b)); !t.enough && keep > 0 {
		t.b = append(t.b, p[:keep]...)
	}
	return n, err
}

var _ io.Reader = (*tap)(nil)

// tls is what was agreed, for the record.
func (s Shaken) tls() *evidence.TLS {
	if s.Version == 0 {
		return nil
	}
	t := &evidence.TLS{Version: VersionName(s.Version), Cipher: SuiteName(s.Suite), ALPN: s.ALPN, Names: names(s.Chain)}
	t.Verified = s.Unverified == nil && len(s.Chain) > 0
	if s.Unverified != nil {
		t.Problem = problem(s.Unverified)
	}
	return t
}

func (s Shaken) exchange(at time.Time) evidence.Exchange {
	h := s.Hello
	offer := &evidence.Offer{
		Version: VersionName(h.Version), AtMost: h.byHand() && h.Version > VersionSSL30, Suites: suiteNamesOf(h.Suites.Suites), Ciphers: h.Suites.OpenSSL,
		ALPN: h.ALPN, Certificate: h.Cert != nil, Resumes: h.Session != nil,
	}
	if h.Version == 0 {
		offer.Version = ""
	}
	x := evidence.Exchange{
		At: at.UTC(), TookMs: float64(s.Took.Microseconds()) / 1000, Identity: h.Identity, Method: evidence.ClientHello, Target: offer.String(),
		Host: h.Host, SNI: h.SNI, Address: h.Address.String(), Protocol: "TLS", TLS: s.tls(), Offer: offer,
	}
	x.Made.Target = x.Target
	if s.Err != nil {
		x.Error = string(s.Failure) + ": " + s.Err.Error()
	}
	return x
}
