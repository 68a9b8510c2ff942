// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// child is bench itself in another role. It lives until its standard input is closed, so it cannot outlive us.
type child struct {
	cmd *exec.Cmd
	in  io.Closer
	out *bufio.Reader
}

// spawn starts bench in a role and reads the one line that says it is ready.
func spawn(ctx context.Context, ready any, args ...string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.CommandContext(ctx, self, args...)}
	c.cmd.Stderr = os.Stderr
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = bufio.NewReader(stdout)
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := c.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, ready)
	}
	if err != nil {
		c.stop()
		return nil, fmt.Errorf("%s is not ready: %w", args[0], err)
	}
	return c, nil
}

// stop ends the child and waits for it.
func (c *child) stop() {
	_ = c.in.Close()
	_ = c.cmd.Wait()
}

// serveUntilClosed is a child's side: it says that it is ready, and waits for its parent to go.
func serveUntilClosed(ctx context.Context, ready any) error {
	if err := json.NewEncoder(os.Stdout).Encode(ready); err != nil {
		return err
	}
	gone := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(gone)
	}()
	select {
	case <-gone:
	case <-ctx.Done():
	}
	return nil
}

// behind starts the delay in front of a registry's address, on another address and the same port.
func behind(ctx context.Context, host string, rtt time.Duration) (string, *child, error) {
	var ready struct{ Address string }
	c, err := spawn(ctx, &ready, "delay", host, strconv.FormatFloat(rtt.Seconds()*1000, 'f', -1, 64))
	return ready.Address, c, err
}
