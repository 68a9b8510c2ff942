// SPDX-License-Identifier: Apache-2.0

package token

import (
	"crypto"
	"net/netip"

	"github.com/regproof/regproof/login"
)

// Recovered is what is computed from two tokens.
func Recovered(tokens ...login.JWT) (out []crypto.PublicKey) {
	for _, k := range recovered(tokens) {
		out = append(out, k)
	}
	return out
}

// Pair is a key of our own for an algorithm, and what signs with it.
func Pair(alg string) (key crypto.Signer, used string, sign func(string) []byte) {
	p := newPair(alg)
	return p.private, p.alg, p.sign
}

// Verifies says whether a key verifies a token.
func Verifies(key crypto.PublicKey, j login.JWT) bool { return verifiesToken(key, j) }

// Keys are those of a JWKS that are used.
func Keys(doc string) (out []crypto.PublicKey) {
	for _, k := range parseSet([]byte(doc), "") {
		out = append(out, k.key)
	}
	return out
}

// Named is where a discovery document has the keys.
var Named = named

// Sealed is an unsigned token encrypted to a public key.
func Sealed(key crypto.PublicKey, inner string) string { return sealed(public{key: key}, inner) }

// Local says whether addresses are all on loopback.
func Local(all ...string) bool {
	var out []netip.AddrPort
	for _, a := range all {
		out = append(out, netip.MustParseAddrPort(a))
	}
	return local(out)
}
