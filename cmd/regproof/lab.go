// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/report"
	"github.com/spf13/cobra"
)

func labCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lab",
		Short: "Run real registries with named weaknesses, on this machine alone",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(labList(), labRun())
	return cmd
}

func labList() *cobra.Command {
	return &cobra.Command{
		Use:   "ls",
		Short: "List the weaknesses, and the sound registries beside them",
		Args:  cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) {
			for _, w := range lab.Weaknesses() {
				twin := ""
				if w.Twin != "" {
					twin = "  (twin: " + w.Twin + ")"
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%-11s %s%s\n%s\n", w.Kind, w.Name, twin, report.Fold(w.Title, "            "))
			}
		},
	}
}

func labRun() *cobra.Command {
	var auth string
	var tls bool
	cmd := &cobra.Command{
		Use:     "run [WEAKNESS...]",
		Short:   "Serve a registry with these weaknesses until interrupted",
		Example: "  regproof lab run blobs-open\n  regproof lab run --tls open-on-http2",
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, w := range lab.Weaknesses() {
				names = append(names, w.Name+"\t"+w.Title)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o := lab.DoorOptions{Weaknesses: args, TLS: tls}
			switch auth {
			case "basic":
			case "token":
				o.Auth = lab.Token
			case "none":
				o.Auth = lab.None
			default:
				return fmt.Errorf("--auth %q: expected basic, token or none", auth)
			}
			if err := checkWeaknesses(args); err != nil {
				return err
			}
			return serveLab(cmd, o)
		},
	}
	cmd.Flags().StringVar(&auth, "auth", "basic", "how the registry authenticates: basic, token, none")
	cmd.Flags().BoolVar(&tls, "tls", false, "serve https and HTTP/2, with an authority made for the occasion")
	return cmd
}

func serveLab(cmd *cobra.Command, o lab.DoorOptions) error {
	l, err := lab.Open(cmd.Context(), lab.Options{})
	if err != nil {
		return err
	}
	defer l.Close()
	d, err := l.Door(cmd.Context(), o)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	user, password := l.User()
	host := strings.TrimPrefix(strings.TrimPrefix(d.URL(), "https://"), "http://")
	flags := ""
	if strings.HasPrefix(d.URL(), "https:") {
		pem := d.CAPEM()
		f, err := os.CreateTemp("", "regproof-lab-ca-*.pem")
		if err != nil {
			return err
		}
		defer os.Remove(f.Name())
		if _, err := f.Write(pem); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
		flags = " --ca-file " + f.Name()
	}
	fmt.Fprintf(out, "registry  %s\nuser      %s, password %s\n", strings.Join(d.Addrs(), " "), user, password)
	more, forget, err := clientFiles(out, l, o)
	if err != nil {
		return err
	}
	defer forget()
	flags += more
	private := ""
	for _, i := range l.Images() {
		public := ""
		if i.Public {
			public = " (public)"
		} else if private == "" {
			private = i.Reference()
		}
		fmt.Fprintf(out, "image     %s/%s%s\n", host, i.Reference(), public)
	}
	for _, at := range d.Addrs()[1:] {
		flags += " --endpoint " + strings.SplitAfter(d.URL(), "://")[0] + at
	}
	fmt.Fprintf(out, "try       echo %s | \\\n            regproof check %s/%s \\\n           %s --username %s --password-stdin\n", password, host, private, flags, user)
	fmt.Fprintln(cmd.ErrOrStderr(), "serving until interrupted (Ctrl-C)")
	<-cmd.Context().Done()
	return nil
}

// clientFiles writes a client certificate where a door wants one, and the
// authority that made it, so that those can be made which it must refuse.
func clientFiles(out io.Writer, l *lab.Lab, o lab.DoorOptions) (flags string, forget func(), err error) {
	forget = func() {}
	name, _ := l.User()
	wanted := false
	for _, w := range lab.Weaknesses() {
		if slices.Contains(o.Weaknesses, w.Name) && w.Needs.Certificate {
			wanted = true
			if strings.HasPrefix(w.Name, "spiffe-") {
				name = lab.SPIFFE
			}
		}
	}
	if !wanted {
		return "", forget, nil
	}
	dir, err := os.MkdirTemp("", "regproof-lab-client-*")
	if err != nil {
		return "", forget, err
	}
	forget = func() { _ = os.RemoveAll(dir) }
	cert, err := l.ClientCert(name)
	if err != nil {
		return "", forget, err
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		return "", forget, err
	}
	authority, authorityKey, err := l.ClientCA()
	if err != nil {
		return "", forget, err
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range map[string][]byte{
		"client.pem":        pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}),
		"client-key.pem":    pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
		"authority.pem":     authority,
		"authority-key.pem": authorityKey,
	} {
		if err := os.WriteFile(at(name), text, 0o600); err != nil {
			return "", forget, err
		}
	}
	fmt.Fprintf(out, "client    %s, %s (%s)\nauthority %s, %s\n", at("client.pem"), at("client-key.pem"), name, at("authority.pem"), at("authority-key.pem"))
	return " \\\n            --cert-file " + at("client.pem") + " --key-file " + at("client-key.pem"), forget, nil
}
