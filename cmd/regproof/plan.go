// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"

	"github.com/regproof/regproof/probe"
)

func printPlan(ctx context.Context, out io.Writer, opts probe.Options) error { return nil }
