// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// fetch gets what a token points to. The lab reaches loopback and nothing else,
// however careless it is made.
func fetch(ctx context.Context, at string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, err
	}
	d := net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		if a, err := netip.ParseAddrPort(address); err != nil || !a.Addr().Unmap().IsLoopback() {
			return errors.New("the lab reaches loopback alone")
		}
		return nil
	}}
	c := http.Client{Transport: &http.Transport{DialContext: d.DialContext, DisableKeepAlives: true}}
	res, err := c.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, errToken
	}
	return io.ReadAll(io.LimitReader(res.Body, 1<<16))
}

// setAt is a key of the set at a URL: the one of this kid, or the only one where
// it need not be named.
func setAt(ctx context.Context, at, kid string, named bool) (any, error) {
	data, err := fetch(ctx, at)
	if err != nil {
		return nil, err
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, err
	}
	if of := set.Key(kid); len(of) > 0 {
		return of[0].Key, nil
	}
	if len(set.Keys) == 1 && !named {
		return set.Keys[0].Key, nil
	}
	return nil, errToken
}

// chainAt is the key of the first certificate at a URL, in PEM or DER.
func chainAt(ctx context.Context, at string) (any, error) {
	data, err := fetch(ctx, at)
	if err != nil {
		return nil, err
	}
	if block, _ := pem.Decode(data); block != nil {
		data = block.Bytes
	}
	return certified(data)
}
