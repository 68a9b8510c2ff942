// SPDX-License-Identifier: Apache-2.0

package evidence

import "time"

// Exchange is one request and its answer, as the report carries it. Headers
// are pairs in the order of the wire. BodySize is in bytes, as read; BodySHA256
// is nil when the body was truncated. Of names the exchange whose answer was
// shared instead of asking again. Protocol is that of the answer; Sent is the
// request's where it is another one. Offer is there when the exchange is a TLS
// handshake and no request: its method is ClientHello, and its status 0.
type Exchange struct {
	ID              string      `json:"id"`
	At              time.Time   `json:"at"`
	TookMs          float64     `json:"tookMs"`
	Identity        string      `json:"identity"`
	Method          string      `json:"method"`
	Target          string      `json:"target"`
	Host            string      `json:"host"`
	SNI             string      `json:"sni"`
	Address         string      `json:"address"`
	Protocol        string      `json:"protocol"`
	Sent            string      `json:"sent,omitempty"`
	TLS             *TLS        `json:"tls"`
	Offer           *Offer      `json:"offer,omitempty"`
	RequestHeaders  [][2]string `json:"requestHeaders"`
	Status          int         `json:"status"`
	ResponseHeaders [][2]string `json:"responseHeaders"`
	BodySize        int64       `json:"bodySize"`
	BodySHA256      *string     `json:"bodySha256"`
	BodyTruncated   bool        `json:"bodyTruncated"`
	ErrorBody       string      `json:"errorBody,omitempty"`
	Error           string      `json:"error"`
	Of              string      `json:"of"`

	Made Made `json:"-"` // until it is recorded
}

// Made is what regproof made up itself in a request, which is what its findings
// name: it is recorded as it is. What came from a user or a server must not
// stand here.
type Made struct {
	Target  string // "" is none: the target is redacted
	Headers [][2]string
}

// TLS is what was agreed in the handshake. Nil means plain text.
type TLS struct {
	Version  string   `json:"version,omitempty"`
	Cipher   string   `json:"cipher,omitempty"`
	ALPN     string   `json:"alpn,omitempty"`
	Verified bool     `json:"verified"`
	Problem  string   `json:"problem,omitempty"` // why the certificate does not verify
	Names    []string `json:"names,omitempty"`   // of the server's certificate, as it claims them: printable, at most 100

	// Asked: the server asked for a client certificate. Presented is the subject
	// of the one it was shown, "" for none. Resumed: the session is an earlier
	// one, so that no certificate was shown here at all.
	Asked     bool   `json:"clientCertificateAsked,omitempty"`
	Presented string `json:"clientCertificate,omitempty"`
	Resumed   bool   `json:"resumed,omitempty"`

	// Authorities are the names of those whose client certificates the server
	// says it accepts: distinguished names in DER, at most 8, as it claims them.
	Authorities [][]byte `json:"-"`
}

// ClientHello stands as the method of an exchange that is a handshake alone.
const ClientHello = "ClientHello"

// Offer is what a handshake offered.
type Offer struct {
	Version     string   `json:"version,omitempty"` // the only one; none is TLS 1.2 and 1.3
	AtMost      bool     `json:"atMost,omitempty"`  // Version is the highest
	Suites      []string `json:"suites,omitempty"`  // IANA's names; none is every suite that the client has
	Ciphers     string   `json:"ciphers,omitempty"` // the same as a cipher list of OpenSSL
	ALPN        []string `json:"alpn,omitempty"`
	Certificate bool     `json:"certificate,omitempty"` // a client certificate, when the server asks
	Resumes     bool     `json:"resumes,omitempty"`     // sessions may be resumed
}

// String says it in few words.
func (o Offer) String() string {
	s := o.Version
	switch {
	case s == "":
		s = "TLS 1.2 and 1.3"
	case o.AtMost:
		s = "up to " + s
	}
	if o.Ciphers != "" {
		s += ", ciphers " + o.Ciphers
	}
	if o.Certificate {
		s += ", with a client certificate"
	}
	return s
}

// maxErrorBody is how much of an error answer is kept.
const maxErrorBody = 512
