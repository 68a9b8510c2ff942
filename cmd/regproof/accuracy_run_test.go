// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/regproof/regproof/internal/peer"
)

// accuracyCase is one weakness of software that nobody here wrote, the sound
// set-up that differs in the weakness alone, and what regproof must say of
// both. Without a weak half it is a sound set-up that looks weak.
type accuracyCase struct {
	name     string
	weakness string // its id in failures.yaml
	software string
	setup    string // what the weak configuration does
	sound    string // what the twin does instead
	needs    []string
	weak     half
	twin     half
	leak     leak
	harmless []string // requests that must not leak either, on the twin
	args     []string // more arguments of regproof

	fails []string // probes that fail on the weak half
	may   []string // patterns of probes that see the same weakness, and may fail too
	cause string   // a regular expression that the finding matches, "(?i)" is put before it
	prime bool     // regproof may read the sandbox through the cache
	low   bool     // the severity is below medium: exit 0
	exits int      // of the twin
}

// half starts one half of a case.
type half func(*testing.T, *accuracyWorld) site

// accuracyWorld holds the registries that the cases share. Their upload
// locations are relative, so that they do not follow a client's headers.
type accuracyWorld struct {
	*peerWorld
	open3     string // distribution v3.1.2 without authentication
	guarded3  string // and with htpasswd
	elsewhere string // an open registry without the private image
	content   layoutContent
	basic     string // the credential, as Basic has it
	pem       string // certificate and key in one file
}

// Where the private image is, too: in every registry what may be left in
// caches, in open ones what some guards forget.
const (
	sandboxImage = "regproof-sandbox/app:" + peerTag
	deeper       = "team/sub/app:" + peerTag
	static       = peerRepository + ":app.js"
)

func newAccuracyWorld(t *testing.T) *accuracyWorld {
	t.Helper()
	w := &accuracyWorld{peerWorld: &peerWorld{
		image: peer.NewImage(t, peerTag), public: peer.NewImage(t, "1"), signed: peer.NewImage(t, "sig"),
		passwd: peer.HtpasswdFile(t, peerUser, peerPassword), ca: peer.NewAuthority(t), got: map[string]outcome{},
	}}
	w.content = readLayout(t, w.image)
	w.basic = basicOf(peerUser, peerPassword)
	w.pem = joinFiles(t, w.ca.Cert, w.ca.Key)
	known := peer.Htpasswd(t, peerUser, peerPassword)
	w.open, w.guarded = w.registry(t, peer.DockerRegistry, nil), w.registry(t, peer.DockerRegistry, known)
	w.elsewhere = peer.StartRegistry(t, peer.DockerRegistry, nil)
	w.public.Push(t, w.elsewhere+"/"+publicImage, "")
	if peer.Find(peer.Registry) != "" {
		w.open3, w.guarded3 = w.registry(t, peer.Registry, nil), w.registry(t, peer.Registry, known)
	}
	return w
}

// registry starts one of the shared kind and fills it.
func (w *accuracyWorld) registry(t *testing.T, name string, auth peer.Auth, changes ...func(config map[string]any)) string {
	t.Helper()
	return w.registryAt(t, name, peer.Local(peer.Port(t)), auth, changes...)
}

func (w *accuracyWorld) registryAt(t *testing.T, name, addr string, auth peer.Auth, changes ...func(config map[string]any)) string {
	t.Helper()
	peer.StartRegistryWith(t, name, addr, auth, func(config map[string]any) {
		section(config, "http")["relativeurls"] = true
		for _, change := range changes {
			change(config)
		}
	})
	creds := ""
	if auth != nil {
		creds = peerUser + ":" + peerPassword
	}
	w.fill(t, addr, creds)
	w.image.Push(t, addr+"/"+sandboxImage, creds)
	if auth == nil {
		w.image.Push(t, addr+"/"+deeper, "")
		w.image.Push(t, addr+"/"+static, "")
	}
	return addr
}

// section is a part of a registry's configuration, made if it is not there.
func section(config map[string]any, name string) map[string]any {
	s, ok := config[name].(map[string]any)
	if !ok {
		s = map[string]any{}
		config[name] = s
	}
	return s
}

func accuracyCases() []accuracyCase {
	return slices.Concat(
		anonymousAccuracy(), pathAccuracy(), requestAccuracy(), headerAccuracy(), identityAccuracy(),
		hostAccuracy(), tlsAccuracy(), replicaAccuracy(), doorAccuracy(), exposureAccuracy(),
		cacheAccuracy(), mirrorAccuracy(), trapAccuracy(), soundAccuracy(),
	)
}

// TestAccuracySetups shows without regproof that every weak half gives the
// private content to a stranger who sends one request, that the twin does not,
// and that both serve the entitled.
func TestAccuracySetups(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real registries and proxies")
	}
	peer.Need(t, peer.DockerRegistry, peer.Skopeo)
	w := newAccuracyWorld(t)
	for _, c := range accuracyCases() {
		t.Run(c.name, func(t *testing.T) {
			peer.Need(t, c.needs...)
			t.Parallel()
			w.prove(t, c)
		})
	}
}

// TestAccuracy runs regproof on both halves of every case.
func TestAccuracy(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real registries and proxies")
	}
	if os.Getenv("REGPROOF_ACCURACY") == "" {
		t.Skip("REGPROOF_ACCURACY is not set")
	}
	peer.Need(t, peer.DockerRegistry, peer.Skopeo)
	w := newAccuracyWorld(t)
	w.build(t)
	cases := accuracyCases()
	results := make([]accuracyResult, len(cases))
	t.Run("cases", func(t *testing.T) {
		for i, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				peer.Need(t, c.needs...)
				t.Parallel()
				results[i] = w.judge(t, c)
			})
		}
	})
	text := accuracyTable(cases, results)
	t.Log(text)
	if dir := os.Getenv("REGPROOF_TABLES"); dir != "" {
		if err := os.WriteFile(tableFile(dir, "accuracy.md"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// build compiles regproof, unless it is at hand.
func (w *accuracyWorld) build(t *testing.T) {
	t.Helper()
	if w.binary = os.Getenv("REGPROOF_BINARY"); w.binary != "" {
		return
	}
	w.binary = filepath.Join(t.TempDir(), "regproof")
	if out, err := exec.Command("go", "build", "-o", w.binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
}
