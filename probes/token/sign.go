// SPDX-License-Identifier: Apache-2.0

package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256" // crypto.Hash.New needs them
	_ "crypto/sha512"
	"math/big"
	"strings"
)

// signer makes the signature of a signing input (RFC 7515 section 5.1).
type signer func(input string) []byte

// hash is what an algorithm of RFC 7518 section 3.1 hashes with.
func hash(alg string) crypto.Hash {
	switch {
	case strings.HasSuffix(alg, "384"):
		return crypto.SHA384
	case strings.HasSuffix(alg, "512"):
		return crypto.SHA512
	}
	return crypto.SHA256
}

func digest(alg, input string) []byte {
	h := hash(alg).New()
	h.Write([]byte(input))
	return h.Sum(nil)
}

// bytesOf is a signature that is the same whatever is signed.
func bytesOf(b []byte) signer { return func(string) []byte { return b } }

// unsigned leaves the signature out; the second dot stays.
var unsigned = bytesOf(nil)

// symmetric is HMAC with a secret.
func symmetric(alg string, secret []byte) signer {
	return func(input string) []byte {
		m := hmac.New(hash(alg).New, secret)
		m.Write([]byte(input))
		return m.Sum(nil)
	}
}

// pair is a key of our own, for the algorithm that the issuer uses.
type pair struct {
	alg     string
	private crypto.Signer
}

// newPair makes a key for an algorithm; for one that is not known, of ES256.
func newPair(alg string) pair {
	switch alg {
	case "RS256", "RS384", "RS512", "PS256", "PS384", "PS512":
		if k, err := rsa.GenerateKey(rand.Reader, 2048); err == nil {
			return pair{alg, k}
		}
	case "EdDSA":
		_, k, _ := ed25519.GenerateKey(rand.Reader) // never fails with rand.Reader
		return pair{alg, k}
	case "ES384":
		return pair{alg, curveKey(elliptic.P384())}
	case "ES512":
		return pair{alg, curveKey(elliptic.P521())}
	}
	return pair{"ES256", curveKey(elliptic.P256())}
}

func curveKey(c elliptic.Curve) crypto.Signer {
	k, _ := ecdsa.GenerateKey(c, rand.Reader) // never fails with rand.Reader
	return k
}

// sign is the signature by the pair's own algorithm.
func (p pair) sign(input string) []byte {
	sum := digest(p.alg, input)
	var out []byte
	switch k := p.private.(type) {
	case *rsa.PrivateKey:
		if p.alg[0] == 'P' {
			out, _ = rsa.SignPSS(rand.Reader, k, hash(p.alg), sum, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		} else {
			out, _ = rsa.SignPKCS1v15(rand.Reader, k, hash(p.alg), sum)
		}
	case ed25519.PrivateKey:
		out = ed25519.Sign(k, []byte(input))
	case *ecdsa.PrivateKey:
		if r, s, err := ecdsa.Sign(rand.Reader, k, sum); err == nil {
			n := (k.Curve.Params().BitSize + 7) / 8
			out = append(r.FillBytes(make([]byte, n)), s.FillBytes(make([]byte, n))...)
		}
	}
	return out
}

// verifies says whether a public key made the signature of an input.
func verifies(key crypto.PublicKey, alg, input string, signature []byte) bool {
	sum := digest(alg, input)
	switch k := key.(type) {
	case *rsa.PublicKey:
		if strings.HasPrefix(alg, "PS") {
			return rsa.VerifyPSS(k, hash(alg), sum, signature, nil) == nil
		}
		return strings.HasPrefix(alg, "RS") && rsa.VerifyPKCS1v15(k, hash(alg), sum, signature) == nil
	case ed25519.PublicKey:
		return alg == "EdDSA" && len(k) == ed25519.PublicKeySize && ed25519.Verify(k, []byte(input), signature)
	case *ecdsa.PublicKey:
		n := (k.Curve.Params().BitSize + 7) / 8
		return strings.HasPrefix(alg, "ES") && len(signature) == 2*n &&
			ecdsa.Verify(k, sum, new(big.Int).SetBytes(signature[:n]), new(big.Int).SetBytes(signature[n:]))
	}
	return false
}
