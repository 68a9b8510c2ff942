// SPDX-License-Identifier: Apache-2.0

package main

// AllProbes is every family, for the tables.
var AllProbes = allProbes
