// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/regproof/regproof/lab"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes this binary the command regproof for scripts, and the
// command that the peers' table runs.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"regproof": func() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// TestScript runs the sessions of testdata as a user would type them.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("XDG_RUNTIME_DIR", e.WorkDir)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"lab":    serve,
			"narrow": narrow,
			"mode":   mode,
		},
	})
}

// serve starts a door: lab VARIABLE [--token] [--tls] [WEAKNESS...]. The
// host:port is put in VARIABLE, the password in PASSWORD, an authority in the file
// ca.pem and a client certificate in client.pem.
func serve(ts *testscript.TestScript, _ bool, args []string) {
	l, err := lab.Open(context.Background(), lab.Options{})
	ts.Check(err)
	ts.Defer(func() { _ = l.Close() })
	var o lab.DoorOptions
	for _, a := range args[1:] {
		switch a {
		case "--token":
			o.Auth = lab.Token
		case "--tls":
			o.TLS = true
		default:
			o.Weaknesses = append(o.Weaknesses, a)
		}
	}
	d, err := l.Door(context.Background(), o)
	ts.Check(err)
	_, host, _ := strings.Cut(d.URL(), "://")
	ts.Setenv(args[0], host)
	user, password := l.User()
	ts.Setenv("USERNAME", user)
	ts.Setenv("PASSWORD", password)
	ts.Check(os.WriteFile(ts.MkAbs("password"), []byte(password+"\n"), 0o600))
	if i := d.Issuer(); i != nil {
		workloads(ts, i)
	}
	if ca := d.CAPEM(); len(ca) > 0 {
		ts.Check(os.WriteFile(ts.MkAbs("ca.pem"), ca, 0o600))
		cert, err := l.ClientCert(user)
		ts.Check(err)
		key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
		ts.Check(err)
		both := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
		ts.Check(os.WriteFile(ts.MkAbs("client.pem"), both, 0o600))
	}
}

// workloads writes the token of a workload that is let in and of one that is not,
// and the key of their issuer.
func workloads(ts *testscript.TestScript, i *lab.Issuer) {
	for file, subject := range map[string]string{"workload.jwt": lab.Workloads()[0], "fork.jwt": "repo:fork/app:pull_request"} {
		token, err := i.Token(subject, nil)
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(token), 0o600))
	}
	key, err := i.KeyPEM()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("issuer.pem"), key, 0o600))
}

// narrow fails when a line of a file is wider than 80 columns, lines with a
// URL apart: those must be pasted whole.
func narrow(ts *testscript.TestScript, _ bool, args []string) {
	for line := range strings.SplitSeq(ts.ReadFile(args[0]), "\n") {
		if utf8.RuneCountInString(line) > 80 && !strings.Contains(line, "://") {
			ts.Fatalf("%d columns: %s", utf8.RuneCountInString(line), line)
		}
	}
}

// mode fails when a file has other permission bits.
func mode(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := info.Mode().Perm().String(); got != args[0] {
		ts.Fatalf("%s is %s, want %s", args[1], got, args[0])
	}
}
