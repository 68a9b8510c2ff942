// SPDX-License-Identifier: Apache-2.0

package credential

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

const (
	helperTimeout = 10 * time.Second
	helperPrefix  = "docker-credential-"
	// What a helper prints, on standard output and with a non-zero exit, when it works
	// and has no entry (docker-credential-helpers credentials/error.go).
	helperNoEntry = "credentials not found in native keychain"
	// Of standard error, this much is shown.
	maxShownBytes = 200
)

// Helper asks the program docker-credential-NAME for the entry of a server, in the
// protocol of docker-credential-helpers: "get", the server on standard input, JSON back.
// The program inherits the environment, has 10 s and may answer 64 KiB. The user name
// "<token>" marks a refresh token. Everything but an answer with a secret is an error;
// all of them but "no entry" match [ErrHelper].
type Helper struct {
	Name, Server string

	timeout time.Duration // 0 is helperTimeout; tests shorten it
}

// Credential runs the helper.
func (h Helper) Credential(ctx context.Context) (Credential, error) {
	if h.Server == "" {
		return Credential{}, h.fail("there is no server to ask it for: name one", nil)
	}
	c, err := h.get(ctx)
	if errors.Is(err, errNoEntry) {
		return Credential{}, fmt.Errorf("%s has no entry for %q: log in to it, or name another server", h.program(), h.Server)
	}
	if err != nil {
		return Credential{}, err
	}
	c.Source = Provenance{Kind: "credential helper", Path: h.program(), Key: fmt.Sprintf("%q", h.Server)}
	return c, nil
}

// get returns errNoEntry when the helper works and has no entry.
func (h Helper) get(ctx context.Context) (Credential, error) {
	if !validHelperName(h.Name) {
		return Credential{}, h.fail("not a name of a helper, expected letters a-z, digits, '-', '_' and '.'", nil)
	}
	path, err := exec.LookPath(h.program())
	if errors.Is(err, exec.ErrNotFound) {
		return Credential{}, h.fail("not in PATH: install it, or name another source", nil)
	}
	if err != nil { // exec.ErrDot, for one: a program of the working directory is not run
		return Credential{}, h.fail("cannot be run", err)
	}
	return h.run(ctx, path)
}

func (h Helper) run(ctx context.Context, path string) (Credential, error) {
	timeout := h.timeout
	if timeout == 0 {
		timeout = helperTimeout
	}
	inner, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	stdout, stderr := &bounded{limit: maxSecretBytes}, &bounded{limit: maxShownBytes, drop: true}
	cmd := exec.CommandContext(inner, path, "get")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(h.Server), stdout, stderr
	cmd.WaitDelay = time.Second // a child of the helper may keep the pipes open
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) && cmd.ProcessState.Success() {
		err = nil // it answered and went; an agent that it started lives on
	}
	switch {
	case ctx.Err() != nil:
		return Credential{}, h.fail("was stopped", ctx.Err())
	case inner.Err() != nil && err != nil:
		return Credential{}, h.fail(fmt.Sprintf("no answer in %v: run it by hand, it may be waiting for a password", timeout), nil)
	case stdout.over:
		return Credential{}, h.fail(fmt.Sprintf("answered more than %d KiB", maxSecretBytes>>10), nil)
	case err != nil:
		return Credential{}, h.failed(err, stdout.buf.String(), stderr.buf.String())
	}
	return h.answer(stdout.buf.Bytes())
}

func (h Helper) answer(out []byte) (Credential, error) {
	var a struct{ Username, Secret string }
	// The text of a JSON error may quote a value, so it is not passed on.
	if err := json.Unmarshal(out, &a); err != nil {
		return Credential{}, h.fail(`the answer is not JSON of the form {"ServerURL","Username","Secret"} (not shown: it may hold a secret)`, nil)
	}
	c, err := fromPair(a.Username, a.Secret)
	if err != nil && !errors.Is(err, errNoEntry) {
		return Credential{}, h.fail("answered with "+err.Error(), nil)
	}
	return c, err
}

// failed makes the error of a helper that did not exit with 0. By the protocol its
// standard output says why, yet a helper may also print a secret there and then fail:
// only the sentences of the protocol are shown.
func (h Helper) failed(err error, stdout, stderr string) error {
	reason := strings.TrimSpace(stdout)
	if reason == helperNoEntry {
		return errNoEntry
	}
	problem := err.Error() // "exit status 1", "signal: killed"
	if line, _, _ := strings.Cut(strings.TrimSpace(stderr), "\n"); line != "" {
		problem += fmt.Sprintf(": %q", strings.TrimSpace(line))
	}
	switch reason {
	case "":
	case "no credentials server URL", "no credentials username":
		problem += ": " + reason
	default:
		problem += fmt.Sprintf(" (its standard output is not shown, it may hold a secret: run `%s get` and type %q to see it)", h.program(), h.Server)
	}
	return h.fail(problem, nil)
}

func (h Helper) program() string { return helperPrefix + h.Name }

func (h Helper) fail(problem string, cause error) error {
	program := h.program()
	if !validHelperName(h.Name) {
		program = fmt.Sprintf("%q", program)
	}
	return &helperError{program: program, problem: problem, cause: cause}
}

// validHelperName keeps the name a name: no path separator, no shell character.
func validHelperName(name string) bool {
	const allowed = "abcdefghijklmnopqrstuvwxyz0123456789-_."
	return name != "" && strings.Trim(name, allowed) == ""
}

type helperError struct {
	program, problem string
	cause            error
}

func (e *helperError) Error() string {
	if e.cause != nil {
		return e.program + ": " + e.problem + ": " + e.cause.Error()
	}
	return e.program + ": " + e.problem
}

func (e *helperError) Is(target error) bool { return target == ErrHelper }
func (e *helperError) Unwrap() error        { return e.cause }

// bounded keeps the first limit bytes. What exceeds them is dropped, or else refused,
// which closes the pipe and so ends a program that writes without end. The buffer is
// not embedded: its ReadFrom would let io.Copy pass by Write.
type bounded struct {
	buf   bytes.Buffer
	limit int
	drop  bool
	over  bool
}

func (b *bounded) Write(p []byte) (int, error) {
	n := min(len(p), b.limit-b.buf.Len())
	b.buf.Write(p[:n])
	if n == len(p) || b.drop {
		return len(p), nil
	}
	b.over = true
	return n, errors.New("too much output")
}
