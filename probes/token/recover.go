// SPDX-License-Identifier: Apache-2.0

package token

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"math/big"
	"strings"

	"github.com/regproof/regproof/login"
)

// recovered are the public keys that verify both of two tokens: an ECDSA
// signature and what it is of leave few keys (SEC 1 version 2.0, section 4.1.6),
// and a second one leaves one. That of RSA takes more than a test should.
func recovered(tokens []login.JWT) (out []*ecdsa.PublicKey) {
	if len(tokens) < 2 {
		return nil
	}
	alg, _ := tokens[0].Header["alg"].(string)
	curve := map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()}[alg]
	signature, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(tokens[0].RawSignature, "="))
	if curve == nil || err != nil || len(signature) != 2*((curve.Params().BitSize+7)/8) {
		return nil
	}
	sum := digest(alg, tokens[0].RawHeader+"."+tokens[0].RawPayload)
	for _, k := range candidates(curve, sum, signature) {
		if verifiesToken(k, tokens[0]) && verifiesToken(k, tokens[1]) {
			out = append(out, k)
		}
	}
	return out
}

// candidates are the keys Q = (sR - zG) / r for the points R whose x is r.
func candidates(curve elliptic.Curve, sum, signature []byte) (out []*ecdsa.PublicKey) {
	c := curve.Params()
	n := len(signature) / 2
	r, s := new(big.Int).SetBytes(signature[:n]), new(big.Int).SetBytes(signature[n:])
	inverse := new(big.Int).ModInverse(r, c.N)
	if inverse == nil {
		return nil
	}
	z := new(big.Int).SetBytes(sum)
	if over := len(sum)*8 - c.N.BitLen(); over > 0 {
		z.Rsh(z, uint(over))
	}
	base := point{c.Gx, c.Gy}
	for x := new(big.Int).Set(r); x.Cmp(c.P) < 0; x = new(big.Int).Add(x, c.N) {
		y := ordinate(c, x)
		if y == nil {
			continue
		}
		for _, y := range []*big.Int{y, new(big.Int).Sub(c.P, y)} {
			u := new(big.Int).Mod(new(big.Int).Mul(s, inverse), c.N)
			v := new(big.Int).Mod(new(big.Int).Neg(new(big.Int).Mul(z, inverse)), c.N)
			q := plus(c, times(c, point{x, y}, u), times(c, base, v))
			if q.x == nil {
				continue
			}
			n := (c.BitSize + 7) / 8
			raw := append([]byte{4}, make([]byte, 2*n)...) // SEC 1 section 2.3.3, uncompressed
			q.x.FillBytes(raw[1 : 1+n])
			q.y.FillBytes(raw[1+n:])
			if key, err := ecdsa.ParseUncompressedPublicKey(curve, raw); err == nil {
				out = append(out, key)
			}
		}
	}
	return out
}

// point is one of the curve y² = x³ - 3x + b; the zero value is at infinity.
// Nothing here is secret, so that it need not take the same time each time.
type point struct{ x, y *big.Int }

func ordinate(c *elliptic.CurveParams, x *big.Int) *big.Int {
	y := new(big.Int).Exp(x, big.NewInt(3), c.P)
	y.Sub(y, new(big.Int).Mul(x, big.NewInt(3)))
	return y.ModSqrt(y.Mod(y.Add(y, c.B), c.P), c.P)
}

func plus(c *elliptic.CurveParams, a, b point) point {
	if a.x == nil {
		return b
	}
	if b.x == nil {
		return a
	}
	over, under := new(big.Int).Sub(b.y, a.y), new(big.Int).Sub(b.x, a.x)
	if a.x.Cmp(b.x) == 0 {
		if a.y.Cmp(b.y) != 0 || a.y.Sign() == 0 {
			return point{}
		}
		over.Mul(a.x, a.x).Mul(over, big.NewInt(3)).Sub(over, big.NewInt(3))
		under.Lsh(a.y, 1)
	}
	slope := new(big.Int).ModInverse(under.Mod(under, c.P), c.P)
	slope.Mod(slope.Mul(slope, over), c.P)
	x := new(big.Int).Mul(slope, slope)
	x.Mod(x.Sub(x.Sub(x, a.x), b.x), c.P)
	y := new(big.Int).Sub(a.x, x)
	y.Mod(y.Sub(y.Mul(y, slope), a.y), c.P)
	return point{x, y}
}

func times(c *elliptic.CurveParams, p point, n *big.Int) (out point) {
	for i := n.BitLen() - 1; i >= 0; i-- {
		out = plus(c, out, out)
		if n.Bit(i) == 1 {
			out = plus(c, out, p)
		}
	}
	return out
}
