// SPDX-License-Identifier: Apache-2.0

package credential

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

// Reader reads the password of a user from a stream, for --password-stdin: one line of
// at most 64 KiB, its line break dropped. No line and a second line are errors: half a
// secret is a wrong password. The stream is read to its end, so it can be asked once.
type Reader struct {
	Username string
	R        io.Reader
}

// Credential reads the line. It does not return before R does.
func (r Reader) Credential(context.Context) (Credential, error) {
	if r.Username == "" {
		return Credential{}, errors.New("standard input: a password without a user name: pass --username")
	}
	if r.R == nil {
		return Credential{}, errors.New("standard input: there is nothing to read")
	}
	data, err := io.ReadAll(io.LimitReader(r.R, maxSecretBytes+1))
	if err != nil {
		return Credential{}, fmt.Errorf("standard input: %w", err)
	}
	if len(data) > maxSecretBytes {
		return Credential{}, fmt.Errorf("standard input: larger than %d KiB, expected one line with the password", maxSecretBytes>>10)
	}
	data = trimLineBreak(data)
	if len(data) == 0 {
		return Credential{}, errors.New("standard input: empty, expected one line with the password")
	}
	if bytes.ContainsAny(data, "\r\n") {
		return Credential{}, errors.New("standard input: more than one line, expected one line with the password (a JSON key: jq -c . key.json)")
	}
	c, err := fromPair(r.Username, string(data))
	if err != nil {
		return Credential{}, fmt.Errorf("standard input: %w", err)
	}
	c.Source = Provenance{Kind: "standard input", Path: "standard input"}
	return c, nil
}
