// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/regproof/regproof/access"
	main "github.com/regproof/regproof/cmd/regproof"
	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/policy"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/sandbox"
)

// labWay is what a run needs so that an entry can be decided.
type labWay struct {
	family   string // of the probe that the entry is for
	entry    string // the entry itself, where it alone needs this
	lifetime time.Duration
}

// signedDoors are those whose weakness only the key of the token service shows.
var signedDoors = map[string]bool{"verify-exp-string": true, "verify-last-claim": true, "verify-exp-absent": true, "verify-first-claim": true, "verify-crit": true, "verify-no-nbf": true}

func wayOf(w lab.Weakness) labWay {
	family, name, _ := strings.Cut(w.Probe, "/")
	switch {
	case w.Needs.Certificate:
		switch {
		case strings.HasPrefix(w.Name, "spiffe-"):
			return labWay{family: "spiffe"}
		case strings.Contains(w.Name, "password") || strings.Contains(w.Name, "token"):
			return labWay{family: "certificate and password"}
		}
		return labWay{family: "certificate"}
	case strings.HasPrefix(w.Name, "workload-"):
		if name == "workload-broker" {
			return labWay{family: "workload", entry: name}
		}
		return labWay{family: "workload"}
	case signedDoors[w.Name] || strings.HasSuffix(w.Name, "-no-iss"):
		return labWay{family: family, entry: w.Name}
	case family == "token" && name == "revocation":
		return labWay{family: family, entry: name, lifetime: 20 * time.Second}
	case family == "token" && name == "expiry":
		return labWay{family: family, entry: name, lifetime: 3 * time.Second}
	case family == "authz" && (name == "blob-existence" || name == "blob-link" || name == "blob-mount" || name == "upload-finish"):
		return labWay{family: family, entry: "written"}
	case family == "token" && (name == "throttling" || name == "user-timing" || name == "mount"):
		return labWay{family: family, entry: name}
	case family == "cache" || family == "token" || family == "authz" || family == "immutability":
		return labWay{family: family}
	}
	return labWay{}
}

// slow orders runs: what waits for a limit, a ban or the end of a token takes
// longest.
func (w labWay) slow(door string) int {
	if w.lifetime > 0 || strings.Contains(door, "limit-") || strings.Contains(door, "ban-") || w.entry == "user-timing" {
		return 1
	}
	return 0
}

// always are the probes that fail at every door: the lab's registry is
// distribution, which has no immutable tags.
func (w labWay) always(door string) []string {
	if (w.family == "immutability" || w.entry == "written" || w.entry == "mount") && !strings.HasPrefix(door, "immutable-") {
		return []string{"immutability/tag"}
	}
	return nil
}

func (w labWay) String() string { return strings.TrimSpace(w.family + " " + w.entry) }

// The policies of what the lab's users may do.
var (
	allActions = []access.Action{access.Pull, access.Push, access.Delete, access.List, access.Catalog}
	labTokens  = policy.Policy{Rules: []policy.Rule{
		{Who: []string{login.Anonymous}, Repos: []string{"public/**"}, Can: []access.Action{access.Pull}},
		{Who: []string{"ci"}, Repos: []string{"**"}, Can: allActions},
		{Who: []string{"dev"}, Repos: []string{"team-b/**"}, Can: []access.Action{access.Pull, access.List}},
	}}
	labRights = policy.Policy{Rules: []policy.Rule{
		{Who: []string{"ci"}, Repos: []string{"team-a/**", lab.Sandbox}, Can: allActions[:4]},
		{Who: []string{"dev"}, Repos: []string{"team-b/**"}, Can: []access.Action{access.Pull, access.List}},
		{Who: []string{"dev"}, Repos: []string{lab.Sandbox}, Can: []access.Action{access.Pull, access.Push, access.List}},
	}}
)

// setting gives a run every effect, and what its way needs.
func (w labWay) setting(t *testing.T, l *lab.Lab, d *lab.Door) labtest.Setting {
	t.Helper()
	s := labtest.Setting{Probes: main.AllProbes(), Timeout: 90 * time.Second}
	if w.entry != "" {
		s.Timeout = 4 * time.Minute
	}
	switch w.family {
	case "workload":
		s.Policy = labTokens
	case "token":
		// The decoy of a run is nobody whom it needs.
		s.Policy, s.Dev, s.Also = labTokens, w.entry != "user-timing", []string{"team-b/tool:2.0"}
	case "authz":
		s.Policy, s.Dev, s.Also = labRights, true, []string{"team-b/tool:2.0"}
	}
	port := unusedPort(t)
	s.Change = func(o *probe.Options) {
		o.Effects = append(o.Effects, probe.DefaultCredentials, probe.WrongPassword)
		o.MaxDenied, o.PlainPort = 3000, port
		o.Targets[0].Redirects = labStorage(l, d)
		w.change(t, l, d, o)
	}
	return s
}

func (w labWay) change(t *testing.T, l *lab.Lab, d *lab.Door, o *probe.Options) {
	switch w.family {
	case "cache": // the image stands for one of the sandbox
		o.Effects = append(o.Effects, probe.PrimesCache)
		o.Sandbox = "team-a"
	case "authz":
		o.Sandbox = lab.Sandbox
		if w.entry == "written" {
			written(t, o)
		}
	case "immutability":
		o.Sandbox = "sandbox/trials"
		written(t, o)
	case "certificate", "spiffe", "certificate and password":
		w.certificate(t, l, &o.Identities[0])
		o.Targets[0].Mutual = w.family == "certificate and password"
	case "workload":
		use := credential.Bearer
		if w.entry == "workload-broker" {
			use = credential.Exchanged
		}
		o.Identities = []probe.Identity{labtest.Workload(t, d, "ci", lab.Workloads()[0], use, true)}
	}
	if signedDoors[w.entry] {
		id, key := l.SigningKey()
		o.Targets[0].Signing = &probe.Signing{KeyID: id, Key: key}
	}
	switch w.entry {
	case "mount":
		o.Sandbox = lab.Sandbox
		written(t, o)
	case "throttling":
		o.Effects = append(o.Effects, probe.ManyPasswords)
	case "user-timing":
		o.Decoy, _ = l.Dev()
	case "expiry":
		o.Slow = true
	case "revocation":
		name, _ := l.User()
		o.Slow = true
		o.Revocation = &probe.Revocation{
			Identity: name, Within: time.Second,
			Revoke:  func(context.Context) error { return l.Revoke(name) },
			Restore: func(context.Context) error { return l.Restore(name) },
		}
	}
	if strings.HasSuffix(w.entry, "-no-iss") {
		o.Targets[0].Foreign = []probe.Issuer{{Realm: d.URL() + "/other/token"}}
	}
}

// written lets a run write to its sandbox.
func written(t *testing.T, o *probe.Options) {
	t.Helper()
	o.Effects = append(o.Effects, probe.SandboxWrite)
	o.Journal = sandbox.New(t.TempDir(), o.ID, o.Sandbox)
	t.Cleanup(func() {
		if err := o.Journal.Close(); err != nil {
			t.Error(err)
		}
	})
}

// certificate gives an identity a client certificate of the lab, and the
// authority to make those that must be refused.
func (w labWay) certificate(t *testing.T, l *lab.Lab, id *probe.Identity) {
	t.Helper()
	name, _ := l.User()
	if w.family == "spiffe" {
		name = lab.SPIFFE
	}
	cert, err := l.ClientCert(name)
	if err != nil {
		t.Fatal(err)
	}
	certPEM, keyPEM, err := l.ClientCA()
	if err != nil {
		t.Fatal(err)
	}
	ca, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	id.Cert, id.TestCA = &cert, &ca
	if w.family != "certificate and password" {
		id.Secret = credential.Bound{}
	}
}

// unusedPort is one where nothing listens: what else runs on this machine is no
// matter of the lab.
func unusedPort(t *testing.T) uint16 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return uint16(l.Addr().(*net.TCPAddr).Port)
}

// labStorage finds where a door sends the entitled for blobs, if it does.
func labStorage(l *lab.Lab, d *lab.Door) []credential.Origin {
	r, err := http.NewRequest("GET", d.URL()+"/v2/team-a/app/blobs/"+l.Images()[0].Layers[0], nil)
	if err != nil {
		return nil
	}
	r.SetBasicAuth(l.User())
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil
	}
	resp.Body.Close()
	o, err := credential.ParseOrigin(resp.Header.Get("Location"))
	if err != nil {
		return nil
	}
	return []credential.Origin{o}
}
