// SPDX-License-Identifier: Apache-2.0

// Package lab is a container registry on loopback with real images in it and
// named weaknesses on its doors, so that whatever judges registries can be
// judged itself. It refuses to listen beyond loopback: every listener of it is
// bound to 127.0.0.0/8 or ::1, and it opens no connection of its own.
//
// A [Lab] is one store. A [Door] is one way in: a plain net/http server in
// front of that store, guarded (Basic, or tokens with the door's own token
// service) and then weakened by the fronts that [DoorOptions] names. A weak
// front does not fake a leak: it sends the requests it forgets about to an
// unguarded registry over the same storage, so what leaks is the real content,
// with its real digest. Other weaknesses are settings of the real distribution.
// Made up is only what belongs to products that are not here: Harbor's two
// answers, the first registry API, metrics and a debug server.
//
// Two registries stand behind the doors: distribution (no referrers API, so an
// artifact is found by its fallback tag) and, for the entries that are about
// referrers, go-containerregistry's registry with the same images in memory.
//
// # To add a weakness
//
// Three places, no more:
//
//  1. one entry in the list of its kind (list_weak_*.go by family, list_sound.go,
//     list_unprovable.go, list_hostile.go): a name, a title, a sound twin, the
//     probe that decides it;
//  2. one front function, next to its kin (front_*.go, hostile_*.go). Most leaks
//     are a predicate only: leak(func(r *http.Request, d *Door) bool {...}), or
//     another path: reroute. What distribution itself can be told is in
//     configure.go;
//  3. one row in a table test: the anonymous request that must leak, and which
//     the twin must deny. Requests that no ordinary client sends are in
//     ingress_test.go, caches in cache_test.go, and what is told besides content
//     in exposure_test.go.
package lab
