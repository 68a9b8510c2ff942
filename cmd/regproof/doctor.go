// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/spf13/cobra"

func doctorCommand() *cobra.Command { return &cobra.Command{Use: "doctor"} }
func demoCommand() *cobra.Command   { return &cobra.Command{Use: "demo"} }
func labCommand() *cobra.Command    { return &cobra.Command{Use: "lab"} }
