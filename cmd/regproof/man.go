// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func manCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man [DIR]",
		Short: "Write the manual pages to a folder, or the first to stdout",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			header := &doc.GenManHeader{Title: "REGPROOF", Section: "1", Source: "regproof " + version, Manual: "regproof"}
			cmd.Root().DisableAutoGenTag = true
			if len(args) == 0 {
				return doc.GenMan(cmd.Root(), header, cmd.OutOrStdout())
			}
			if info, err := os.Stat(args[0]); err != nil || !info.IsDir() {
				return fmt.Errorf("%s is not a folder: make it first", args[0])
			}
			return doc.GenManTree(cmd.Root(), header, args[0])
		},
	}
}
