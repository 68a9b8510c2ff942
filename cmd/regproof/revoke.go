// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/regproof/regproof/config"
	"github.com/regproof/regproof/probe"
)

// revocation is how the operator takes a credential away, nil when the file does
// not say.
func revocation(r *config.Revoke) *probe.Revocation {
	if r == nil {
		return nil
	}
	out := &probe.Revocation{Identity: r.Identity, Within: r.Within.Duration, Revoke: program(r.Command)}
	if len(r.Restore) > 0 {
		out.Restore = program(r.Restore)
	}
	return out
}

// program runs a program without a shell, in the folder and the environment of
// the run. What it prints is none of the result, so it goes to stderr.
func program(words []string) func(context.Context) error {
	return func(ctx context.Context) error {
		c := exec.CommandContext(ctx, words[0], words[1:]...)
		c.Stdout, c.Stderr = os.Stderr, os.Stderr
		c.WaitDelay = 5 * time.Second
		err := c.Run()
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return fmt.Errorf("%s did not end in time", words[0])
		}
		return err
	}
}
