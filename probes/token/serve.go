// SPDX-License-Identifier: Apache-2.0

package token

import (
	"net"
	"net/http"
	"time"

	"github.com/regproof/regproof/probe"
)

// serve offers our own public key on loopback for the time of a probe, where
// every address of the registry is on loopback, too: elsewhere a registry could
// not reach it, and nobody said that it may reach this machine. done ends it.
func (m *template) serve(t *probe.Trial) (at string, done func()) {
	for _, a := range t.Way().Addresses {
		if !a.Addr().Unmap().IsLoopback() {
			return nowhere, func() {}
		}
	}
	if t.Planning() {
		return nowhere, func() {}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nowhere, func() {}
	}
	set, certificate := m.collection(t)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /jwks", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/jwk-set+json")
		_, _ = w.Write(set)
	})
	mux.HandleFunc("GET /x5u", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/pem-certificate-chain")
		_, _ = w.Write(certificate)
	})
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 2 * time.Second, WriteTimeout: 2 * time.Second, MaxHeaderBytes: 16 << 10}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.Serve(l) // until it is closed
	}()
	return "http://" + l.Addr().String(), func() {
		_ = s.Close()
		<-ended
	}
}
