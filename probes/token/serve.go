// SPDX-License-Identifier: Apache-2.0

package token

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/regproof/regproof/probe"
)

// local says whether every address of a registry is on loopback: elsewhere it could
// not reach a listener there, and nobody said that it may reach this machine.
func local(all []netip.AddrPort) bool {
	return !slices.ContainsFunc(all, func(a netip.AddrPort) bool { return !a.Addr().Unmap().IsLoopback() })
}

// shelf is a listener on loopback that offers our own public key for the time of a
// probe; the zero value is none.
type shelf struct {
	at    string
	asked *atomic.Int32
	end   func()
}

// close ends it, and says how often it was asked.
func (s shelf) close() int32 {
	if s.end == nil {
		return 0
	}
	s.end()
	return s.asked.Load()
}

func (m *template) serve(t *probe.Trial) shelf {
	if t.Planning() {
		return shelf{}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return shelf{}
	}
	out := shelf{at: "http://" + l.Addr().String(), asked: &atomic.Int32{}}
	set, certificate := m.collection(t)
	mux := http.NewServeMux()
	give := func(path, kind string, body []byte) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			out.asked.Add(1)
			w.Header().Set("Content-Type", kind)
			_, _ = w.Write(body)
		})
	}
	give("/jwks", "application/jwk-set+json", set)
	give("/x5u", "application/pem-certificate-chain", certificate)
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 2 * time.Second, WriteTimeout: 2 * time.Second, MaxHeaderBytes: 16 << 10}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.Serve(l) // until it is closed
	}()
	out.end = func() {
		_ = s.Close()
		<-ended
	}
	return out
}
