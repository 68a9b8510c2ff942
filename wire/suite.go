// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
)

// SuiteGroup is a kind of cipher suites that should not be offered, or should
// be looked at.
type SuiteGroup struct {
	Name    string   // how it is called
	OpenSSL string   // the same as a cipher list of OpenSSL
	Suites  []uint16 // of TLS 1.2 and before
}

// The groups. The numbers are IANA's.
var (
	SuitesNull = SuiteGroup{"NULL", "eNULL", []uint16{
		0x0001, 0x0002, 0x003b, 0x002c, 0x002d, 0x002e, 0x00b0, 0x00b1, 0x00b4, 0x00b5, 0x00b8, 0x00b9,
		0xc001, 0xc006, 0xc00b, 0xc010, 0xc015, 0xc039, 0xc03a, 0xc03b,
	}}
	SuitesAnonymous = SuiteGroup{"anonymous", "aNULL", []uint16{
		0x0018, 0x001a, 0x001b, 0x0034, 0x003a, 0x0046, 0x0089, 0x009b, 0x006c, 0x006d, 0x00a6, 0x00a7, 0x00bf, 0x00c5,
		0xc016, 0xc017, 0xc018, 0xc019,
	}}
	SuitesExport = SuiteGroup{"EXPORT", "EXPORT", []uint16{
		0x0003, 0x0006, 0x0008, 0x000b, 0x000e, 0x0011, 0x0014, 0x0017, 0x0019, 0x0060, 0x0061, 0x0062, 0x0063, 0x0064, 0x0065,
	}}
	SuitesRC4 = SuiteGroup{"RC4", "RC4", []uint16{
		0x0004, 0x0005, 0x0066, 0xc002, 0xc007, 0xc00c, 0xc011,
	}}
	// Blocks of 64 bits: DES, 3DES, IDEA (CVE-2016-2183).
	Suites64Bit = SuiteGroup{"DES, 3DES and IDEA", "3DES:DES:IDEA", []uint16{
		0x0007, 0x0009, 0x000a, 0x000c, 0x000d, 0x000f, 0x0010, 0x0012, 0x0013, 0x0015, 0x0016, 0xc003, 0xc008, 0xc00d, 0xc012,
	}}
	// A key exchange that a stolen key opens afterwards.
	SuitesStaticRSA = SuiteGroup{"static RSA", "kRSA", []uint16{
		0x002f, 0x0035, 0x003c, 0x003d, 0x0041, 0x0084, 0x0096, 0x009c, 0x009d, 0x00ba, 0x00c0,
		0xc09c, 0xc09d, 0xc0a0, 0xc0a1, 0xc050, 0xc051, 0xc07a, 0xc07b,
	}}
	SuitesDHE = SuiteGroup{"DHE", "DHE", dheSuites}
	// What should be left: encryption that authenticates, with a key exchange of
	// its own for each connection.
	SuitesAEAD = SuiteGroup{"AEAD", "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20", []uint16{
		0xc02b, 0xc02c, 0xc02f, 0xc030, 0xcca8, 0xcca9, 0x009e, 0x009f, 0xccaa, 0xc09e, 0xc09f, 0xc0ac, 0xc0ad,
	}}
)

var dheSuites = []uint16{
	0x0033, 0x0039, 0x0067, 0x006b, 0x009e, 0x009f, 0xccaa, 0x0045, 0x0088, 0xc09e, 0xc09f,
	0x0032, 0x0038, 0x0040, 0x006a, 0x00a2, 0x00a3, 0x0016, 0x0013,
}

// SuiteName is the name that IANA gave a suite, or its number.
func SuiteName(id uint16) string {
	if n, ok := suiteNames[id]; ok {
		return n
	}
	return tls.CipherSuiteName(id)
}

// suiteNames are those that crypto/tls does not know and servers still choose.
var suiteNames = map[uint16]string{
	0x0001: "TLS_RSA_WITH_NULL_MD5", 0x0002: "TLS_RSA_WITH_NULL_SHA", 0x003b: "TLS_RSA_WITH_NULL_SHA256",
	0xc006: "TLS_ECDHE_ECDSA_WITH_NULL_SHA", 0xc010: "TLS_ECDHE_RSA_WITH_NULL_SHA", 0xc015: "TLS_ECDH_anon_WITH_NULL_SHA",
	0x0018: "TLS_DH_anon_WITH_RC4_128_MD5", 0x001b: "TLS_DH_anon_WITH_3DES_EDE_CBC_SHA", 0x0034: "TLS_DH_anon_WITH_AES_128_CBC_SHA",
	0x003a: "TLS_DH_anon_WITH_AES_256_CBC_SHA", 0x006c: "TLS_DH_anon_WITH_AES_128_CBC_SHA256", 0x006d: "TLS_DH_anon_WITH_AES_256_CBC_SHA256",
	0x00a6: "TLS_DH_anon_WITH_AES_128_GCM_SHA256", 0x00a7: "TLS_DH_anon_WITH_AES_256_GCM_SHA384",
	0xc016: "TLS_ECDH_anon_WITH_RC4_128_SHA", 0xc017: "TLS_ECDH_anon_WITH_3DES_EDE_CBC_SHA",
	0xc018: "TLS_ECDH_anon_WITH_AES_128_CBC_SHA", 0xc019: "TLS_ECDH_anon_WITH_AES_256_CBC_SHA",
	0x0003: "TLS_RSA_EXPORT_WITH_RC4_40_MD5", 0x0006: "TLS_RSA_EXPORT_WITH_RC2_CBC_40_MD5", 0x0008: "TLS_RSA_EXPORT_WITH_DES40_CBC_SHA",
	0x0011: "TLS_DHE_DSS_EXPORT_WITH_DES40_CBC_SHA", 0x0014: "TLS_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA",
	0x0004: "TLS_RSA_WITH_RC4_128_MD5", 0x0007: "TLS_RSA_WITH_IDEA_CBC_SHA", 0x0009: "TLS_RSA_WITH_DES_CBC_SHA",
	0x0012: "TLS_DHE_DSS_WITH_DES_CBC_SHA", 0x0013: "TLS_DHE_DSS_WITH_3DES_EDE_CBC_SHA",
	0x0015: "TLS_DHE_RSA_WITH_DES_CBC_SHA", 0x0016: "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA", 0xc008: "TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA",
	0x003d: "TLS_RSA_WITH_AES_256_CBC_SHA256", 0x0041: "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA", 0x0084: "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA",
	0x0033: "TLS_DHE_RSA_WITH_AES_128_CBC_SHA", 0x0039: "TLS_DHE_RSA_WITH_AES_256_CBC_SHA", 0x0067: "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256",
	0x006b: "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256", 0x009e: "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", 0x009f: "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
	0xccaa: "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256", 0x0045: "TLS_DHE_RSA_WITH_CAMELLIA_128_CBC_SHA", 0x0088: "TLS_DHE_RSA_WITH_CAMELLIA_256_CBC_SHA",
}

// VersionName is how a protocol version is called.
func VersionName(v uint16) string {
	switch v {
	case VersionSSL20:
		return "SSL 2.0"
	case VersionSSL30:
		return "SSL 3.0"
	}
	return tls.VersionName(v)
}

// known says whether crypto/tls has a suite.
func known(id uint16) bool {
	has := func(s *tls.CipherSuite) bool { return s.ID == id }
	return slices.ContainsFunc(tls.CipherSuites(), has) || slices.ContainsFunc(tls.InsecureCipherSuites(), has)
}

// suiteNamesOf lists names.
func suiteNamesOf(ids []uint16) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		if out[i] = SuiteName(id); strings.HasPrefix(out[i], "0x") {
			out[i] = fmt.Sprintf("0x%04X", id)
		}
	}
	return out
}
