// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Issuer is an OpenID provider of workloads, as CI systems and clusters have
// one. It signs whatever it is told to.
type Issuer struct {
	url  string
	key  *ecdsa.PrivateKey
	down bool // its keys are not to be had
}

const (
	issuerKeyID = "oidc-1"
	discovery   = "/.well-known/openid-configuration"
	issuerJWKS  = "/jwks"
)

// WorkloadAudience is for whom the workload doors want a token to be.
const WorkloadAudience = "registry.lab.example"

// Workloads are the subjects that the workload doors let pull team-a/**, each in
// the form of another kind of issuer: GitHub, GitLab, Kubernetes, SPIFFE.
func Workloads() []string {
	return []string{
		"repo:acme/app:ref:refs/heads/main",
		"project_path:acme/app:ref_type:branch:ref:main",
		"system:serviceaccount:build:app",
		"spiffe://acme.example/build/app",
	}
}

// URL is the issuer's name, and where its discovery document is.
func (i *Issuer) URL() string { return i.url }

// KeyPEM is its private key (PKCS 8), as whoever runs a test issuer has it.
func (i *Issuer) KeyPEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(i.key)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), err
}

// Token is what a workload with this subject gets: for the registry, and good
// for ten minutes. change adds claims, and takes those away that are nil.
func (i *Issuer) Token(subject string, change map[string]any) (string, error) {
	now := time.Now()
	claims := map[string]any{
		"iss": i.url, "sub": subject, "aud": WorkloadAudience, "jti": randomHex(8),
		"iat": now.Unix(), "nbf": now.Add(-time.Second).Unix(), "exp": now.Add(10 * time.Minute).Unix(),
	}
	maps.Copy(claims, change)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: i.key, KeyID: issuerKeyID}}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", err
	}
	return jwt.Signed(signer).Claims(claims).Serialize()
}

func newIssuer() (*Issuer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return &Issuer{key: key}, err
}

func (i *Issuer) set() jose.JSONWebKeySet {
	return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: i.key.Public(), KeyID: issuerKeyID, Algorithm: string(jose.ES256), Use: "sig"}}}
}

// ServeHTTP serves the discovery document (OpenID Connect Discovery 1.0) and the
// keys.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.URL.Path == discovery:
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": i.url, "jwks_uri": i.url + issuerJWKS, "response_types_supported": []string{"id_token"},
			"subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"ES256"},
		})
	case r.URL.Path == issuerJWKS && !i.down:
		_ = json.NewEncoder(w).Encode(i.set())
	case r.URL.Path == issuerJWKS:
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}
