// SPDX-License-Identifier: Apache-2.0

// Package wire puts exactly the bytes it is given on one connection to one
// chosen address, and records the one exchange that follows. It refuses to be
// an ordinary HTTP client: it never retries, follows a redirect, answers a
// challenge, keeps a cookie, decompresses, or cleans a path.
//
// HTTP/1.1 is written and read here by hand, since no client of the standard
// library sends any target, Host and header as given. HTTP/2 goes through
// net/http's ClientConn, one connection at a time, for the same reason: a
// Transport retries by itself.
package wire

import (
	"crypto/tls"
	"net/netip"
	"strings"
	"time"

	"github.com/regproof/regproof/evidence"
)

// Proto is the protocol version that a request is sent with.
type Proto string

// The protocols.
const (
	HTTP10 Proto = "HTTP/1.0"
	HTTP11 Proto = "HTTP/1.1"
	HTTP2  Proto = "HTTP/2.0"
)

// DefaultLimit is how much of a body is read when a request does not say, in
// bytes: the largest manifest that registries must accept.
const DefaultLimit = 4 << 20

// Request is what goes on the wire. The zero Proto is HTTP/1.1.
type Request struct {
	Identity string // who asks, for the record
	Method   string
	Scheme   string // http or https
	Target   string // as written in the request line, or :path
	Host     string // the Host header, or :authority; "" sends none on HTTP/1.0
	SNI      string // server name of the handshake, and the name that the certificate is verified for
	Address  netip.AddrPort
	Proto    Proto
	Header   [][2]string // in this order and spelling; HTTP/2 lower-cases names, and orders only values of one name
	Body     []byte
	Cert     *tls.Certificate // what is presented when the server asks; nil is nothing
	// Session keeps and resumes TLS sessions; nil does neither. A request with
	// one has a connection of its own. A session is resumed whatever its name:
	// that is for whoever hands out the cache to decide.
	Session tls.ClientSessionCache
	MaxTLS  uint16 // the highest TLS version that is offered; 0 is all there are

	Fresh     bool          // a connection of its own, not kept
	AnyName   bool          // the certificate may be for another name: SNI is what is varied, and nothing secret is sent
	Sensitive bool          // the answer holds a secret: its body leaves no trace
	Made      evidence.Made // what is recorded as it is: a probe made it up

	Limit    int64         // bytes of the body to read; 0 is DefaultLimit
	KeepFrom int64         // offset of the first byte to keep in Response.Body
	Keep     int64         // bytes to keep in Response.Body; 0 is all that is read
	Timeout  time.Duration // for the whole exchange; 0 is the client's
	Connect  time.Duration // for the TCP connection alone; 0 is Timeout
}

// Response is what came back. When Failure is set there was no whole answer,
// which is an observation, not an error of ours.
type Response struct {
	ID        string // of the exchange
	Request   Request
	Status    int
	Header    Header
	Body      []byte // the part that was kept
	Size      int64  // bytes of the body that were read
	SHA256    string // of the body as read, in hex
	Truncated bool   // there was more than Limit
	Proto     Proto
	TLS       *evidence.TLS
	Reused    bool // the connection had carried another exchange before
	Took      time.Duration
	Failure   Failure
	Err       error
}

// Header is an ordered list of fields.
type Header [][2]string

// Get returns the first value of a field, its name in any case.
func (h Header) Get(name string) string {
	for _, f := range h {
		if strings.EqualFold(f[0], name) {
			return f[1]
		}
	}
	return ""
}

// Values returns every value of a field in order.
func (h Header) Values(name string) []string {
	var out []string
	for _, f := range h {
		if strings.EqualFold(f[0], name) {
			out = append(out, f[1])
		}
	}
	return out
}

// Has says whether the field is there, empty or not.
func (h Header) Has(name string) bool { return len(h.Values(name)) > 0 }

// Whole says whether the answer came in full, so that its body may be judged.
func (r Response) Whole() bool { return r.Failure == "" && !r.Truncated }
