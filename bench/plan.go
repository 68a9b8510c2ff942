// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// planned is what a plan says of one endpoint.
type planned struct {
	attempts int // by a stranger
	repeats  int // of them, that watch for bans
}

// plan asks regproof what it would ask of one endpoint.
func (b *bench) plan(ctx context.Context, s served, args ...string) (planned, error) {
	cmd := b.command(ctx, s, append([]string{"--plan"}, args...)...)
	var out strings.Builder
	cmd.Stdout = &out
	if _, err := measure(cmd, 0); err != nil {
		return planned{}, err
	}
	return readPlan(out.String())
}

var endpointOfPlan = regexp.MustCompile(`(\d+) attempts by a stranger at \S+ and (\d+) repeats`)

// readPlan finds the one line about an endpoint, which may be folded.
func readPlan(text string) (planned, error) {
	found := endpointOfPlan.FindAllStringSubmatch(strings.Join(strings.Fields(text), " "), -1)
	if len(found) != 1 {
		return planned{}, fmt.Errorf("the plan counts the attempts at %d endpoints, want 1:\n%s", len(found), text)
	}
	attempts, err := strconv.Atoi(found[0][1])
	if err != nil {
		return planned{}, err
	}
	repeats, err := strconv.Atoi(found[0][2])
	return planned{attempts: attempts, repeats: repeats}, err
}
