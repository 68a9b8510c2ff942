// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regproof/regproof/internal/peer"
)

// The user whom every sound peer knows.
const (
	peerUser     = "ci"
	peerPassword = "secret"
)

// peerCase is one set-up of software that nobody here wrote, and what regproof
// must say of it. A sound one is judged exit 0, not merely "could not prove".
type peerCase struct {
	name     string
	software string
	setup    string   // what the configuration does
	twin     string   // the sound case that differs in the weakness alone
	needs    []string // peers beside docker-registry and skopeo
	build    func(*testing.T, *peerWorld) target
	exit     int
	fails    []string // the probes that fail, "anonymous/" left out: these and no others
	may      []string // probes that may fail too: the same weakness seen twice
	passes   []string // probes that must pass, beside what the exit code asks for
	decided  bool     // nothing is unknown, but what an identity may that is not let in
	says     string   // part of the reason for the exit code
	curl     bool     // the printed curl lines are tried
}

// target is how regproof is called on a case.
type target struct {
	image     string // HOST/REPO:TAG; "" when args hold everything
	args      []string
	env       []string
	password  string   // "" is the right one
	stranger  bool     // without any credential
	untouched []string // endpoints that must not have a failure
	storage   string   // folder of a distribution, in which no upload may be left
}

// peerWorld holds the registries that the cases share.
type peerWorld struct {
	binary  string
	open    string // docker-registry without authentication
	guarded string // docker-registry with htpasswd
	image   peer.Image
	public  peer.Image
	signed  peer.Image // under the tag where clients keep signatures
	passwd  string     // password file for nginx
	ca      peer.Authority

	mu  sync.Mutex
	got map[string]outcome
}

// outcome is what regproof said of a case.
type outcome struct {
	exit int
	text string
	took time.Duration
	report
	problems []string
}

// report is the part of the JSON report that is looked at.
type report struct {
	Run  struct{ Requests int }
	Exit struct {
		Code   int
		Reason string
	}
	Findings []struct {
		Probe, Outcome, Severity, Endpoint, Reason, Message string
		Required                                            bool
	}
}

// peerRepository is where the private image lives.
const (
	peerRepository = "team/app"
	peerTag        = "1.4"
	peerImage      = peerRepository + ":" + peerTag
	publicImage    = "public/base:1"
)

func TestPeers(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real registries and proxies")
	}
	peer.Need(t, peer.DockerRegistry, peer.Skopeo)
	w := newPeerWorld(t)
	cases := slices.Concat(registryCases(), rightsCases(), nginxCases(), limitCases(), haproxyCases(), doorCases(), callCases(), upstreamCases(), mutualCases(), sandboxCases(), tlsCases(), tokenCases(), deleteCases())
	t.Run("cases", func(t *testing.T) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				peer.Need(t, c.needs...)
				t.Parallel()
				w.try(t, c)
			})
		}
	})
	for _, c := range cases {
		if got := w.got[c.name]; got.took > 5*time.Second {
			t.Logf("slow: %s took %.1f s, %d requests", c.name, got.took.Seconds(), got.Run.Requests)
		}
	}
	text := w.table(cases)
	if len(w.got) == len(cases) {
		t.Log(text)
	}
	if dir := os.Getenv("REGPROOF_TABLES"); dir != "" {
		if err := os.WriteFile(tableFile(dir, "peers.md"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func newPeerWorld(t *testing.T) *peerWorld {
	w := &peerWorld{
		binary: filepath.Join(t.TempDir(), "regproof"), image: peer.NewImage(t, peerTag), public: peer.NewImage(t, "1"), signed: peer.NewImage(t, "sig"),
		passwd: peer.HtpasswdFile(t, peerUser, peerPassword), ca: peer.NewAuthority(t), got: map[string]outcome{},
	}
	if ready := os.Getenv("REGPROOF_BINARY"); ready != "" {
		w.binary = ready
	} else if out, err := exec.Command("go", "build", "-o", w.binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	w.open = peer.StartRegistry(t, peer.DockerRegistry, nil)
	w.guarded = peer.StartRegistry(t, peer.DockerRegistry, peer.Htpasswd(t, peerUser, peerPassword))
	w.fill(t, w.open, "")
	w.fill(t, w.guarded, peerUser+":"+peerPassword)
	return w
}

// fill puts the same images into a registry.
func (w *peerWorld) fill(t *testing.T, registry, creds string) {
	t.Helper()
	w.image.Push(t, registry+"/"+peerImage, creds)
	w.signed.Push(t, registry+"/"+peerRepository+":"+strings.Replace(w.image.Digest, ":", "-", 1)+".sig", creds)
	w.public.Push(t, registry+"/"+publicImage, creds)
}

// try runs regproof on a case as a user would, and compares.
func (w *peerWorld) try(t *testing.T, c peerCase) {
	at := c.build(t, w)
	got := w.check(t, at)
	complain := func(format string, args ...any) {
		got.problems = append(got.problems, fmt.Sprintf(format, args...))
	}
	if got.exit != c.exit {
		complain("exit %d, want %d", got.exit, c.exit)
	}
	fails := slices.DeleteFunc(got.probes("fail", ""), func(p string) bool { return slices.Contains(c.may, p) && !slices.Contains(c.fails, p) })
	if !slices.Equal(fails, sorted(c.fails)) {
		complain("fails %q, want %q", fails, sorted(c.fails))
	}
	for _, f := range got.Findings {
		sound := func(e string) bool { return strings.Contains(f.Endpoint, e) }
		if p := strings.TrimPrefix(f.Probe, "anonymous/"); f.Outcome == "pass" && slices.Contains(c.fails, p) && !slices.Contains(fails, p) && !slices.ContainsFunc(at.untouched, sound) {
			complain("FALSE PASS of %s: %s", p, f.Reason)
		}
	}
	for _, p := range c.passes {
		if !slices.Contains(got.probes("pass", ""), p) {
			complain("%s does not pass", p)
		}
	}
	for _, f := range got.Findings {
		if c.decided && f.Outcome == "unknown" && !strings.Contains(f.Reason, "not proven live") {
			complain("%s is unknown: %s", f.Probe, f.Reason)
		}
	}
	if broken := got.probes("error", ""); len(broken) > 0 {
		complain("errors %q", broken)
	}
	for _, endpoint := range at.untouched {
		if fails := got.probes("fail", endpoint); len(fails) > 0 {
			complain("at %s, which is sound: fails %q", endpoint, fails)
		}
	}
	if at.storage != "" {
		left, err := filepath.Glob(filepath.Join(at.storage, "docker/registry/v2/repositories/*/*/_uploads/*/startedat")) // distribution leaves the state of a hash behind
		if err != nil || len(left) > 0 {
			complain("uploads are left: %v %v", left, err)
		}
	}
	if !strings.Contains(got.report.Exit.Reason, c.says) {
		complain("exit reason %q does not say %q", got.report.Exit.Reason, c.says)
	}
	if c.curl {
		peer.Need(t, peer.Curl)
		for _, p := range tryCurl(t, got.text) {
			complain("%s", p)
		}
	}
	w.mu.Lock()
	w.got[c.name] = got
	w.mu.Unlock()
	for _, p := range got.problems {
		t.Error(p)
	}
	if t.Failed() {
		t.Logf("regproof said:\n%s", got.text)
	}
}

// check runs regproof check.
func (w *peerWorld) check(t *testing.T, at target) outcome {
	t.Helper()
	dir := t.TempDir()
	json1 := filepath.Join(dir, "report.json")
	args := []string{"check"}
	if at.image != "" {
		args = append(args, at.image)
	}
	if at.image != "" && !at.stranger {
		args = append(args, "--username", peerUser, "--password-stdin")
	}
	args = append(args, "-v", "-o", "text", "-o", "json="+json1)
	keep := os.Getenv("REGPROOF_KEEP") // for a look at what a case came to
	if keep != "" {
		args = append(args, "--evidence", "all")
	}
	cmd := exec.Command(w.binary, append(args, at.args...)...)
	password := at.password
	if password == "" {
		password = peerPassword
	}
	cmd.Stdin = strings.NewReader(password + "\n")
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "XDG_RUNTIME_DIR=" + dir}, at.env...)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	began := time.Now()
	err := cmd.Run()
	got := outcome{took: time.Since(began), text: strings.Join(cmd.Args, " ") + "\n" + out.String() + errOut.String()}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	got.exit = cmd.ProcessState.ExitCode()
	b, err := os.ReadFile(json1)
	if err != nil {
		t.Errorf("no report: %v\n%s", err, got.text)
		return got
	}
	if keep != "" {
		_ = os.WriteFile(filepath.Join(keep, filepath.Base(t.Name())+".json"), b, 0o644)
		_ = os.WriteFile(filepath.Join(keep, filepath.Base(t.Name())+".txt"), []byte(got.text), 0o644)
	}
	if err := json.Unmarshal(b, &got.report); err != nil {
		t.Fatal(err)
	}
	if got.report.Exit.Code != got.exit {
		t.Errorf("the report says exit %d, the process ended with %d", got.report.Exit.Code, got.exit)
	}
	return got
}

// probes lists the probes with an outcome, at an endpoint or anywhere.
func (o outcome) probes(state, endpoint string) []string {
	var out []string
	for _, f := range o.Findings {
		if f.Outcome == state && strings.Contains(f.Endpoint, endpoint) {
			out = append(out, strings.TrimPrefix(f.Probe, "anonymous/"))
		}
	}
	return sorted(out)
}

func sorted(list []string) []string {
	out := slices.Clone(list)
	slices.Sort(out)
	return slices.Compact(out)
}
