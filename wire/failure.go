// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
)

// Failure says why there is no whole answer. The empty value is none.
type Failure string

// The failures.
const (
	Refused    Failure = "connection refused"
	NoRoute    Failure = "no route"
	Timeout    Failure = "timeout"
	Handshake  Failure = "TLS handshake"
	ClientCert Failure = "client certificate required" // a TLS alert about a certificate, or 40 after a CertificateRequest: a denial
	Stale      Failure = "kept connection closed"      // the peer closed an idle connection: ask again
	Closed     Failure = "connection closed"
	Malformed  Failure = "malformed answer"
	TooLarge   Failure = "answer too large"
	NoHTTP2    Failure = "HTTP/2 not offered"
	Unsendable Failure = "cannot be sent with this protocol"
	Canceled   Failure = "canceled"
	Other      Failure = "transport"
)

// ErrTLSRecord is wrapped by Response.Err when the answer to plain HTTP is a
// TLS record: the port speaks TLS.
var ErrTLSRecord = errors.New("a TLS record")

var (
	errMalformed = errors.New("malformed answer")
	errTooLarge  = errors.New("answer too large")
	errNoHTTP2   = errors.New("the server does not speak HTTP/2 here")
	errHandshake = errors.New("handshake")
	errBroken    = errors.New("the answer broke off")

	errClientCert = errors.New("the server asked for a certificate and got none")
)

// Transient says whether the same request may well succeed a moment later.
func (f Failure) Transient() bool {
	switch f {
	case Timeout, Closed, Stale, Other:
		return true
	}
	return false
}

func classify(ctx context.Context, err error, reused, answered bool) Failure {
	var alert tls.AlertError
	var netErr net.Error
	switch {
	case err == nil:
		return ""
	case errors.Is(err, errTooLarge):
		return TooLarge
	case errors.Is(err, errNoHTTP2):
		return NoHTTP2
	case errors.Is(context.Cause(ctx), context.Canceled):
		return Canceled
	case errors.Is(err, errClientCert), errors.As(err, &alert) && (alert == 42 || alert == 116), aboutCertificate(err.Error()):
		return ClientCert
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &netErr) && netErr.Timeout():
		return Timeout
	case errors.Is(err, errHandshake):
		return Handshake
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL):
		return NoRoute
	case errors.Is(err, errMalformed), strings.HasPrefix(err.Error(), "connection error:"): // HTTP/2 that is none
		return Malformed
	case streamError(err) && !strings.Contains(err.Error(), "REFUSED_STREAM"), errors.Is(err, errBroken):
		return Closed
	case reused && !answered: // also REFUSED_STREAM: the server did not look at it
		return Stale
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed):
		return Closed
	}
	return Other
}

// certificateAlerts are how crypto/tls names the alerts 42 to 46, 48, 49 and 116
// of RFC 8446 section 6.2. From a server they are about the client's certificate.
var certificateAlerts = []string{
	"bad certificate", "unsupported certificate", "revoked certificate", "expired certificate", "unknown certificate", "access denied", "certificate required",
}

// aboutCertificate says whether an error is an alert with which a server refuses
// a client's certificate, or that there is none.
func aboutCertificate(text string) bool {
	_, alert, ok := strings.Cut(text, "remote error: tls: ")
	return ok && slices.ContainsFunc(certificateAlerts, func(a string) bool { return strings.HasPrefix(alert, a) })
}

// WantsCertificate says whether an answer is the refusal of a client for its
// certificate, or for having none: an alert in the handshake, or how nginx puts it
// (400 with a page of its own, or its codes 495 and 496).
func (r Response) WantsCertificate() bool {
	switch r.Status {
	case 495, 496:
		return true
	case 400:
		page := string(r.Body)
		return strings.Contains(page, "No required SSL certificate was sent") || strings.Contains(page, "The SSL certificate error")
	}
	return r.Failure == ClientCert
}
