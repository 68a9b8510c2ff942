// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"crypto/tls"
	"errors"
	"net"
	"strings"

	"github.com/regproof/regproof/evidence"
	"github.com/regproof/regproof/wire"
)

// silence reads an exchange without an answer.
func silence(resp wire.Response) (State, string) {
	switch resp.Failure {
	case wire.Refused:
		return Refused, ""
	case wire.NoRoute:
		return NoRoute, ""
	case wire.Timeout:
		if op := (*net.OpError)(nil); errors.As(resp.Err, &op) && op.Op == "dial" {
			return Silent, ""
		}
		return Silent, "it takes the connection and gives no answer"
	case wire.ClientCert:
		return NeedsCertificate, ""
	case wire.Canceled:
		return NotAsked, "interrupted"
	}
	if errors.Is(resp.Err, wire.ErrTLSRecord) {
		return SpeaksTLS, ""
	}
	if rec := (tls.RecordHeaderError{}); errors.As(resp.Err, &rec) {
		return SpeaksNoTLS, ""
	}
	note := string(resp.Failure)
	if resp.Err != nil {
		note += ": " + resp.Err.Error()
	}
	return Unclear, evidence.Printable(note, 300)
}

// wrongScheme are what servers say to plain HTTP on a port of TLS: Go, nginx,
// Apache, Tomcat. In lower case.
var wrongScheme = []string{
	"client sent an http request to an https server",
	"plain http request was sent to https port",
	"speaking plain http to an ssl-enabled server port",
	"this combination of host and port requires tls",
}

// speaksTLS says whether an answer to plain HTTP says that the port wants TLS.
func speaksTLS(resp wire.Response) bool {
	if resp.Request.Scheme != "http" || resp.Status != 400 && resp.Status != 497 {
		return false
	}
	body := strings.ToLower(string(resp.Body))
	for _, s := range wrongScheme {
		if strings.Contains(body, s) {
			return true
		}
	}
	return false
}

// flip says whether the door should be asked in the other scheme: there is a
// server, and it does not speak the one it was asked in. Some close a
// connection of plain HTTP without a word.
func (d Door) flip() bool {
	if d.Kind != Registry {
		return false
	}
	return d.State == SpeaksTLS || d.State == SpeaksNoTLS ||
		d.URL.Scheme == "http" && d.State == Unclear && strings.HasPrefix(d.Note, string(wire.Closed))
}
