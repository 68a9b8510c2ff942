// SPDX-License-Identifier: Apache-2.0

package transport_test

import (
	"crypto/tls"
	"slices"
	"strings"
	"testing"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/policy"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/probes/transport"
)

// mutual is the part of the family that is about client certificates.
var mutual = []probe.Probe{transport.ClientCertificate, transport.ClientCertificateIdentity, transport.SessionResumption, transport.SPIFFEIdentity}

// with gives the run's identity the lab's client certificate for a name, and the
// test authority.
func with(t *testing.T, l *lab.Lab, name string, change ...func(*probe.Options)) func(*probe.Options) {
	t.Helper()
	cert := certOf(t, l, name)
	certPEM, keyPEM, err := l.ClientCA()
	if err != nil {
		t.Fatal(err)
	}
	ca, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	return func(o *probe.Options) {
		o.Identities[0].Cert, o.Identities[0].TestCA = cert, &ca
		for _, c := range change {
			c(o)
		}
	}
}

func certOf(t *testing.T, l *lab.Lab, name string) *tls.Certificate {
	t.Helper()
	cert, err := l.ClientCert(name)
	if err != nil {
		t.Fatal(err)
	}
	return &cert
}

// alone leaves the certificate as the only credential.
func alone(o *probe.Options) { o.Identities[0].Secret = credential.Bound{} }

func required(o *probe.Options) { o.Targets[0].Mutual = true }

// settingFor is how a door of the lab is to be asked: where a password is wanted
// too, the run has it, and the file says that the certificate is required.
func settingFor(t *testing.T, l *lab.Lab, w lab.Weakness) labtest.Setting {
	t.Helper()
	name, _ := l.User()
	if strings.HasPrefix(w.Name, "spiffe-") {
		name = lab.SPIFFE
	}
	change := with(t, l, name, alone)
	if strings.Contains(w.Name, "password") || strings.Contains(w.Name, "token") {
		change = with(t, l, name, required)
	}
	return labtest.Setting{Probes: mutual, Change: change}
}

// alsoMutual says what else is false of a door: another sentence.
var alsoMutual = map[string][]string{
	"mtls-expired-accepted": nil,
}

// TestMutual holds the probes to the doors of the lab that go by client
// certificates: a weak one fails the probe that is named for it, and no other;
// its twin fails none.
func TestMutual(t *testing.T) {
	l := labtest.Open(t)
	for _, w := range lab.Weaknesses() {
		if !w.Needs.Certificate {
			continue
		}
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{w.Name}})
			c := labtest.Prove(t, l, d, settingFor(t, l, w))
			for _, f := range c.Findings {
				t.Logf("%s %s: %s (%s) [%s] %d attempts", f.Probe, f.Outcome, f.Reason, f.Message, f.Variant, f.Attempts)
				if f.Outcome == finding.Error {
					t.Errorf("%s broke: %s\n%s", f.Probe, f.Reason, f.Message)
				}
			}
			if w.Kind != lab.Weak {
				sound(t, w, c)
				return
			}
			got := slices.DeleteFunc(c.Of(finding.Fail), func(id string) bool { return slices.Contains(alsoMutual[w.Name], id) })
			if !slices.Equal(got, []string{w.Probe}) {
				t.Errorf("fail: %v, want %s alone", got, w.Probe)
			}
		})
	}
}

// sound: nothing is accused, and what the door is for is proven.
func sound(t *testing.T, w lab.Weakness, c *labtest.Collected) {
	t.Helper()
	for _, f := range c.Findings {
		if f.Outcome == finding.Fail || f.Outcome == finding.Unknown || f.Outcome == finding.NotChecked {
			t.Errorf("%s is %s: %s (%s, %s)", f.Probe, f.Outcome, f.Message, f.Variant, f.Reason)
		}
	}
	for _, id := range []string{"transport/client-certificate", w.Probe} {
		if f, ok := c.Probe(id); !ok || f.Outcome != finding.Pass {
			t.Errorf("%s is %s: %s", id, f.Outcome, f.Reason)
		}
	}
}

var _ = policy.Policy{}
var _ = login.Anonymous
