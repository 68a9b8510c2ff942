// SPDX-License-Identifier: Apache-2.0

package transport_test

import (
	"crypto/tls"
	"slices"
	"strings"
	"testing"

	"github.com/regproof/regproof/access"
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
				if f.Outcome == finding.Error {
					t.Errorf("%s broke: %s\n%s", f.Probe, f.Reason, f.Message)
				}
			}
			if w.Kind != lab.Weak {
				sound(t, w, c)
				return
			}
			want := []string{w.Probe}
			if !ours(w) { // what is behind the certificate is no matter of this family
				want = nil
			}
			if got := c.Of(finding.Fail); !slices.Equal(got, want) {
				t.Errorf("fail: %v, want %v", got, want)
			}
			for _, f := range c.Findings {
				if f.Outcome == finding.Fail && (f.Message == "" || len(f.Evidence) == 0 || len(f.ControlEvidence) == 0) {
					t.Errorf("a finding without a word, without evidence or without control: %+v", f)
				}
			}
		})
	}
}

func ours(w lab.Weakness) bool { return strings.HasPrefix(w.Probe, "transport/") }

// sound: nothing is accused, and what the door is for is proven.
func sound(t *testing.T, w lab.Weakness, c *labtest.Collected) {
	t.Helper()
	for _, f := range c.Findings {
		if f.Outcome == finding.Fail || f.Outcome == finding.Unknown || f.Outcome == finding.NotChecked {
			t.Errorf("%s is %s: %s (%s, %s)", f.Probe, f.Outcome, f.Message, f.Variant, f.Reason)
		}
	}
	for _, id := range []string{"transport/client-certificate", w.Probe} {
		if !ours(w) && id == w.Probe {
			continue
		}
		if f, ok := c.Probe(id); !ok || f.Outcome != finding.Pass {
			t.Errorf("%s is %s: %s", id, f.Outcome, f.Reason)
		}
	}
}

// TestMutualOnOthers are runs that differ in what they were told.
func TestMutualOnOthers(t *testing.T) {
	l := labtest.Open(t)
	user, _ := l.User()
	another := func(o *probe.Options) {
		o.Identities = append(o.Identities, probe.Identity{Identity: login.Identity{Name: "other", Cert: certOf(t, l, "other")}})
		o.Policy = policy.Policy{Rules: []policy.Rule{
			{Who: []string{user}, Repos: []string{"**"}, Can: []access.Action{access.Pull}},
			{Who: []string{"other"}, Repos: []string{"other/**"}, Can: []access.Action{access.Pull}},
		}}
	}
	noAuthority := func(o *probe.Options) { o.Identities[0].TestCA = nil }
	strange := func(o *probe.Options) {
		elsewhere := labtest.Open(t)
		certPEM, keyPEM, err := elsewhere.ClientCA()
		if err != nil {
			t.Fatal(err)
		}
		ca, err := tls.X509KeyPair(certPEM, keyPEM)
		if err != nil {
			t.Fatal(err)
		}
		o.Identities[0].TestCA = &ca
	}
	nobody := func(o *probe.Options) { o.Identities = nil }
	const cert, who, session, spiffe = "client-certificate", "client-certificate-identity", "session-resumption", "spiffe-identity"
	for _, row := range []struct {
		name, door, as string
		tls            bool
		change         []func(*probe.Options)
		probe          string
		want           finding.Outcome
		severity       finding.Severity
		says           string
	}{
		{"asked for and not required", "mtls-password-optional", user, false, nil, cert, finding.NotApplicable, "", "set tls.mutual: true"},
		{"open to strangers, a password is known", "mtls-optional", user, false, nil, cert, finding.NotApplicable, "", "open to everybody"},
		{"open to strangers, and meant to be required", "mtls-optional", user, false, []func(*probe.Options){required}, cert, finding.Fail, finding.Critical, "does not require it"},
		{"not asked for at all", "sound-basic", user, true, []func(*probe.Options){required, noAuthority}, cert, finding.Fail, finding.High, "password of ci"},
		{"not asked for, and nobody can read", "sound-basic", user, true, []func(*probe.Options){required, nobody}, cert, finding.Fail, finding.High, "the API answers 401 to no certificate"},
		{"not asked for, at a token service either", "sound-token", user, true, []func(*probe.Options){required, nobody}, cert, finding.Fail, finding.High, "the API answers 401"},
		{"not asked for, nor meant to be", "sound-basic", user, true, nil, cert, finding.NotApplicable, "", "no client certificate is asked for"},
		{"no TLS", "sound-basic", user, false, []func(*probe.Options){required}, cert, finding.NotApplicable, "", "no TLS"},
		{"nobody can read", "mtls-required", user, false, []func(*probe.Options){nobody}, cert, finding.Unknown, "", "no control"},
		{"the certificate is refused", "mtls-required", "other", false, []func(*probe.Options){alone}, cert, finding.Unknown, "", "no control"},
		{"a 403 where it is missing", "mtls-asked", user, false, []func(*probe.Options){alone, required}, cert, finding.Pass, "", "own control"},

		{"somebody else", "mtls-any-subject", user, false, []func(*probe.Options){alone, noAuthority, another}, who, finding.Fail, finding.Critical, "the certificate of other"},
		{"somebody else is refused", "mtls-required", user, false, []func(*probe.Options){alone, noAuthority, another}, who, finding.Pass, "", "1 way"},
		{"somebody else, and the authority", "mtls-required", user, false, []func(*probe.Options){alone, another}, who, finding.Pass, "", "8 ways"},
		{"nobody else", "mtls-required", user, false, []func(*probe.Options){alone, noAuthority}, who, finding.NotChecked, "", "identities[].cert.ca"},
		{"an authority that is not trusted", "mtls-required", user, false, []func(*probe.Options){alone, strange}, who, finding.Unknown, "", "a good certificate of identities[].cert.ca is refused, too"},
		{"no certificate at all", "sound-basic", user, true, []func(*probe.Options){func(o *probe.Options) { o.Identities[0].Cert = nil }}, who, finding.NotApplicable, "", "nobody who may read"},

		{"a session of another", "mtls-vhosts", user, false, []func(*probe.Options){alone, noAuthority, another}, session, finding.Pass, "", "sessions"},
		{"nothing to resume", "mtls-required", user, false, []func(*probe.Options){alone}, session, finding.NotApplicable, "", "no TLS session can be had"},
		{"nothing that it stands in for", "sound-basic", user, true, []func(*probe.Options){required}, session, finding.NotApplicable, "", "no client certificate is required"},

		{"no authority", "spiffe-sound", lab.SPIFFE, false, []func(*probe.Options){alone, noAuthority}, spiffe, finding.NotChecked, "", "identities[].cert.ca"},
		{"no SPIFFE ID", "mtls-required", user, false, []func(*probe.Options){alone}, spiffe, finding.NotApplicable, "", "no certificate with a SPIFFE ID"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{row.door}, TLS: row.tls})
			c := labtest.Prove(t, l, d, labtest.Setting{Probes: mutual, Change: with(t, l, row.as, row.change...)})
			f, _ := c.Probe("transport/" + row.probe)
			if f.Outcome != row.want || (row.severity != "" && f.Severity != row.severity) || !strings.Contains(f.Reason+" "+f.Message, row.says) {
				t.Errorf("%s %s: %s (%s), want %s %s, %q", f.Outcome, f.Severity, f.Message, f.Reason, row.want, row.severity, row.says)
			}
			if row.name == "somebody else" && f.Identity != "other" {
				t.Errorf("the finding is about %s", f.Identity)
			}
		})
	}
}

// TestTokenServiceOpen: what the token service does is told of the token
// service, and the API beside it passes.
func TestTokenServiceOpen(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{Weaknesses: []string{"mtls-token-open"}})
	user, _ := l.User()
	c := labtest.Prove(t, l, d, labtest.Setting{Probes: mutual[:1], Change: with(t, l, user, required)})
	if len(c.Findings) != 2 {
		t.Fatalf("%d findings", len(c.Findings))
	}
	api, service := c.Findings[0], c.Findings[1]
	if api.Outcome != finding.Pass || api.Endpoint != d.URL() {
		t.Errorf("API: %s at %s: %s", api.Outcome, api.Endpoint, api.Reason)
	}
	if service.Outcome != finding.Fail || service.Endpoint == d.URL() || service.Severity != finding.High || !strings.Contains(service.Message, "200 to no certificate") {
		t.Errorf("token service: %s at %s: %s", service.Outcome, service.Endpoint, service.Message)
	}
	for _, f := range c.Findings {
		if len(f.Evidence) == 0 || len(f.ControlEvidence) == 0 {
			t.Errorf("no evidence: %+v", f)
		}
	}
}
