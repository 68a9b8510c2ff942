// SPDX-License-Identifier: Apache-2.0

// Package discover looks for ways into a registry that nobody configured: the
// other addresses and usual ports of its host, and what its certificate,
// Alt-Svc, redirects and realms name. For each it says whether the same
// content can be had there. It refuses to send anything but plain, anonymous
// GETs of /v2/, of one manifest by its digest and, on ports for them, of debug
// pages; it shows no credential and no client certificate, finishes no token
// flow, follows no redirect, and asks no door that is configured: those are
// for the probes.
package discover
