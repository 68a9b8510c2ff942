// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regproof/regproof/internal/labtest"
	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/sandbox"
)

// process makes this binary the command, in a home of its own.
func process(t *testing.T, home, stdin string, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out := &bytes.Buffer{}
	cmd := &exec.Cmd{Path: self, Args: append([]string{"regproof"}, args...), Env: []string{"HOME=" + home, "XDG_RUNTIME_DIR=" + home, "PATH=" + os.Getenv("PATH")}}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), out, out
	return cmd, out
}

// killed runs a check of some probes until a request that match says, kills it
// when the registry has done what that asks, and returns where that was.
func killed(t *testing.T, l *lab.Lab, d *lab.Door, home, repository, only string, match func(*http.Request) bool) string {
	t.Helper()
	middle, dead := make(chan struct{}), make(chan struct{})
	var once sync.Once
	at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		hold := match(r)
		if hold {
			w = discard{w}
		}
		next.ServeHTTP(w, r)
		if hold {
			once.Do(func() { close(middle) })
			<-dead // the answer never comes
		}
	})
	user, password := l.User()
	check, out := process(t, home, password+"\n", "check", at.Host, "--write-sandbox", repository, "--only", only, "--username", user, "--password-stdin")
	if err := check.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-middle:
	case <-time.After(time.Minute):
		t.Errorf("it was not asked for\n%s", out)
	}
	_ = check.Process.Kill()
	_ = check.Wait()
	close(dead)
	return at.Host
}

// discard is an answer that nobody gets.
type discard struct{ http.ResponseWriter }

func (discard) Header() http.Header         { return http.Header{} }
func (discard) WriteHeader(int)             {}
func (discard) Write(b []byte) (int, error) { return len(b), nil }

// TestKilledUpload: an upload of which the registry had not said where it lives
// is named until --forget.
func TestKilledUpload(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{})
	var posts atomic.Int64
	home := t.TempDir()
	host := killed(t, l, d, home, "box/upload", "immutability/tag", func(r *http.Request) bool {
		return r.Method == http.MethodPost && posts.Add(1) == 2
	})
	user, password := l.User()
	for _, want := range []struct {
		code int
		says string
		more []string
	}{
		{3, "Nobody can remove these through the API", nil},
		{0, "what is written down of them is dropped", []string{"--forget"}},
		{0, "nothing is left", nil},
	} {
		cmd, out := process(t, home, password+"\n", append([]string{"sandbox", "clean", host, "--username", user, "--password-stdin"}, want.more...)...)
		_ = cmd.Run()
		if got := cmd.ProcessState.ExitCode(); got != want.code || !strings.Contains(out.String(), want.says) {
			t.Errorf("exit %d, want %d and %q\n%s", got, want.code, want.says, out)
		}
	}
}

// TestCleanDown: while a registry is down nothing is forgotten of what is left there.
func TestCleanDown(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := l.Addr().String()
	_ = l.Close()
	home := t.TempDir()
	j := sandbox.New(filepath.Join(home, ".local/state/regproof/sandbox"), "r1", "box")
	n, err := j.Begin(sandbox.Entry{Registry: "r", Endpoint: "http://" + host, Repository: "box", Kind: sandbox.Upload, Identity: "ci"})
	if err != nil || j.Place(n, "/v2/box/blobs/uploads/1") != nil || j.Close() != nil {
		t.Fatal(err)
	}
	cmd, out := process(t, home, "p\n", "sandbox", "clean", host, "--username", "ci", "--password-stdin", "--plain-http")
	_ = cmd.Run()
	if got := cmd.ProcessState.ExitCode(); got != 3 || strings.Contains(out.String(), "Nobody can remove") {
		t.Errorf("exit %d\n%s", got, out)
	}
	if _, err := os.Stat(j.Path()); err != nil {
		t.Errorf("forgotten: %v", err)
	}
}

// TestKilled: a check that is killed in the middle has written down what it made,
// and sandbox clean removes just that.
func TestKilled(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{})
	var puts atomic.Int64
	home := t.TempDir()
	user, password := l.User()
	flags := []string{"--username", user, "--password-stdin"}
	host := killed(t, l, d, home, "box/killed", "immutability/tag,immutability/delete-disabled", func(r *http.Request) bool {
		return r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/regproof-") && puts.Add(1) == 2
	})
	foreign := []byte(push(t, l, d, "box/killed", "of-somebody-else"))
	if left := tags(t, l, d, "box/killed"); len(left) < 2 {
		t.Fatalf("nothing is left to clean: %v", left)
	}
	journals, err := filepath.Glob(filepath.Join(home, ".local/state/regproof/sandbox/*.jsonl"))
	if err != nil || len(journals) != 1 {
		t.Fatal(journals, err)
	}
	text, err := os.ReadFile(journals[0])
	if err != nil || bytes.Contains(text, []byte(password)) || bytes.Contains(text, []byte("Authorization")) {
		t.Errorf("%v, or a secret in %s", err, text)
	}

	run := func(code int, args ...string) string {
		t.Helper()
		cmd, out := process(t, home, password+"\n", append([]string{"sandbox", "clean"}, args...)...)
		_ = cmd.Run()
		if got := cmd.ProcessState.ExitCode(); got != code {
			t.Errorf("%v: exit %d, want %d\n%s", args, got, code, out)
		}
		return out.String()
	}
	if list := run(0, "--list"); !strings.Contains(list, "sandbox box/killed") || !strings.Contains(list, "made by "+user) {
		t.Errorf("the list:\n%s", list)
	}
	if wrong := run(3, host); !strings.Contains(wrong, "401") { // without a credential
		t.Errorf("without a credential:\n%s", wrong)
	}
	t.Logf("%s", run(0, append([]string{host}, flags...)...))
	if left := tags(t, l, d, "box/killed"); len(left) != 1 || left[0] != "of-somebody-else" {
		t.Errorf("left %v, want what somebody else pushed (%s)", left, foreign)
	}
	if again := run(0); !strings.Contains(again, "nothing is left") {
		t.Errorf("once more:\n%s", again)
	}
}

// TestInterrupt: an interrupted check removes what it made, prints what it has,
// and ends with 130.
func TestInterrupt(t *testing.T) {
	l := labtest.Open(t)
	d := labtest.Door(t, l, lab.DoorOptions{})
	middle := make(chan struct{})
	var puts atomic.Int64
	at := labtest.Before(t, d, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(w, r)
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") && puts.Add(1) == 4 {
			close(middle)
		}
	})
	home := t.TempDir()
	user, password := l.User()
	check, out := process(t, home, password+"\n", "check", at.Host, "--write-sandbox", "box/interrupted", "--only", "immutability/*", "--username", user, "--password-stdin")
	if err := check.Start(); err != nil {
		t.Fatal(err)
	}
	<-middle
	if err := check.Process.Signal(os.Interrupt); err != nil {
		t.Skipf("a process cannot be interrupted here: %v", err)
	}
	_ = check.Wait()
	if code := check.ProcessState.ExitCode(); code != 130 || !strings.Contains(out.String(), "interrupted") {
		t.Errorf("exit %d\n%s", code, out)
	}
	journals, _ := filepath.Glob(filepath.Join(home, ".local/state/regproof/sandbox/*"))
	if left := tags(t, l, d, "box/interrupted"); len(left) > 0 || len(journals) > 0 {
		t.Errorf("left %v %v\n%s", left, journals, out)
	}
}

// entitled asks a door of the lab as its user.
func entitled(t *testing.T, l *lab.Lab, method, url string, body []byte) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(l.User())
	r.Header.Set("Accept", "application/vnd.oci.image.index.v1+json")
	r.Header.Set("Content-Type", "application/vnd.oci.image.index.v1+json")
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	_, _ = b.ReadFrom(resp.Body)
	return resp, b.Bytes()
}

// tags lists a repository.
func tags(t *testing.T, l *lab.Lab, d *lab.Door, repository string) []string {
	t.Helper()
	var list struct{ Tags []string }
	_, body := entitled(t, l, "GET", d.URL()+"/v2/"+repository+"/tags/list", nil)
	_ = json.Unmarshal(body, &list)
	return list.Tags
}

// push puts an empty index under a tag.
func push(t *testing.T, l *lab.Lab, d *lab.Door, repository, tag string) string {
	t.Helper()
	resp, body := entitled(t, l, "PUT", d.URL()+"/v2/"+repository+"/manifests/"+tag, []byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}`))
	if resp.StatusCode != http.StatusCreated {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	return resp.Header.Get("Docker-Content-Digest")
}
