// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// delayedImage is what row 1 proves: an index of two platforms with an artifact attached, the richest of the lab.
const delayedImage = "team-a/app:1.4"

// delayedRepositories is how many repositories row 2 asks through the delay: enough that filling the slots, and not
// the steps of one image, is what takes the time.
const delayedRepositories = 96

// plannedAttempts is how many attempts a stranger may make at one endpoint without being asked to do more.
const plannedAttempts = 400

// plannedHost is who a plan is about. Nobody is asked for it.
const plannedHost = "registry.test"

// oneRepository is row 1: one image behind a long way, with everything that a first run has to find out. It asks what
// a run without any option asks: every family, as far as it only reads.
func oneRepository(ctx context.Context, b *bench) error {
	for _, door := range []struct{ role, what, scheme string }{
		{"lab-token", "tokens over TLS", "https"},
		{"lab-basic", "Basic over plain HTTP", "http"},
	} {
		if err := b.oneDoor(ctx, door.role, door.what, door.scheme); err != nil {
			return fmt.Errorf("%s: %w", door.role, err)
		}
	}
	return nil
}

func (b *bench) oneDoor(ctx context.Context, role, what, scheme string) error {
	var s served
	c, err := spawn(ctx, &s, "registry", role)
	if err != nil {
		return err
	}
	defer c.stop()
	at, far, err := behind(ctx, s.Host, roundTrip)
	if err != nil {
		return err
	}
	defer far.stop()
	if err := b.distance(ctx, what, scheme, s, at); err != nil {
		return err
	}
	host, port, _ := net.SplitHostPort(s.Host)
	image := func(host string) []string {
		return []string{net.JoinHostPort(host, port) + "/" + delayedImage, "--resolve", host + ":" + delayAddress}
	}
	args := []string{"--username", s.User, "--password-stdin", "--concurrent", strconv.Itoa(workers)}
	if scheme == "http" {
		args = append(args, "--plain-http")
	} else {
		ca, err := b.write("ca.pem", []byte(s.CA))
		if err != nil {
			return err
		}
		args = append(args, "--ca-file", ca)
	}
	runs, err := times(b.repeat, func() (measured, error) { return b.check(ctx, s, slices.Concat(image(host), args)...) })
	if err != nil {
		return err
	}
	n := median(runs, func(m measured) float64 { return float64(m.requests) })
	trips := func(m measured) float64 { return m.wall.Seconds() / roundTrip.Seconds() }
	b.table.add(line{
		Row: 1, What: "one image, all families, " + what, Measured: median(runs, trips), Goal: 16 + math.Ceil(n/workers), Unit: "round trips",
		Note: fmt.Sprintf("N %.0f, W %d, 16 + ceil(N/W); %s", n, workers, spread(runs, trips)),
	})
	if role == "lab-token" {
		if err := b.tokenFamily(ctx, s, slices.Concat(image(host), args)); err != nil {
			return err
		}
	}
	// A plan does not ask a registry on this machine what it speaks, and assumes HTTP: it gets a name.
	p, err := b.plan(ctx, s, slices.Concat(image(plannedHost), args)...)
	if err != nil {
		return err
	}
	b.table.add(line{
		Row: 1, What: "attempts at the endpoint, " + what, Measured: float64(p.attempts), Goal: plannedAttempts, Unit: "attempts",
		Note: fmt.Sprintf("by a stranger, as --plan prints them, for a name and Basic; %d repeats that watch for bans come on top", p.repeats),
	})
	return nil
}

// tokenFamily asks what the token service gives and what the registry takes, alone: each token is asked for, used, and
// used once more.
func (b *bench) tokenFamily(ctx context.Context, s served, args []string) error {
	// What needs an option or a key of a file is no part of a run without any.
	only := []string{"--only", "token/*", "--skip", "token/action,token/mount,token/expiry,token/throttling,token/user-*,token/audience,token/issuer,token/revocation"}
	runs, err := times(b.repeat, func() (measured, error) { return b.check(ctx, s, slices.Concat(args, only)...) })
	if err != nil {
		return err
	}
	n := median(runs, func(m measured) float64 { return float64(m.requests) })
	trips := func(m measured) float64 { return m.wall.Seconds() / roundTrip.Seconds() }
	b.table.add(line{
		Row: 1, What: "one image, the token family alone", Measured: median(runs, trips), Goal: 20 + math.Ceil(n/workers), Unit: "round trips",
		Note: fmt.Sprintf("N %.0f, W %d, 20 + ceil(N/W), tokens over TLS, without --slow; %s", n, workers, spread(runs, trips)),
	})
	return nil
}

// distance shows with a plain client that the delay is what it is meant to be.
func (b *bench) distance(ctx context.Context, what, scheme string, s served, at string) error {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(s.CA))
	var cold, warm []float64
	for range b.repeat {
		t := &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots},
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, at)
			},
		}
		for _, list := range []*[]float64{&cold, &warm} {
			began := time.Now()
			if err := get(ctx, &http.Client{Transport: t}, scheme+"://"+s.Host+"/v2/"); err != nil {
				return err
			}
			*list = append(*list, time.Since(began).Seconds()/roundTrip.Seconds())
		}
		t.CloseIdleConnections()
	}
	expect := 2.0
	if scheme == "https" {
		expect = 3
	}
	b.table.add(line{Row: 1, What: "the delay itself, " + what, Measured: median(cold, same), Unit: "round trips",
		Note: fmt.Sprintf("first request of a plain client, %.0f expected (connect, handshake, request); %s on a kept connection, 1 expected", expect, number(median(warm, same)))})
	return nil
}

func get(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// manyTrials is row 2: when there is enough to ask, the slots are full, and a request costs little.
func manyTrials(ctx context.Context, b *bench) error {
	n := delayedRepositories
	if b.quick {
		n /= 3
	}
	var s served
	c, err := spawn(ctx, &s, "registry", "synthetic", strconv.Itoa(n))
	if err != nil {
		return err
	}
	defer c.stop()
	at, far, err := behind(ctx, s.Host, roundTrip)
	if err != nil {
		return err
	}
	defer far.stop()
	file, err := b.config("far.yaml", at, n)
	if err != nil {
		return err
	}
	runs, err := times(b.repeat, func() (measured, error) { return b.check(ctx, s, "-f", file, "--only", "anonymous/manifest-by-tag") })
	if err != nil {
		return err
	}
	sent := median(runs, func(m measured) float64 { return float64(m.requests) })
	trips := func(m measured) float64 { return m.wall.Seconds() / roundTrip.Seconds() }
	b.table.add(line{
		Row: 2, What: fmt.Sprintf("%d independent trials", n), Measured: median(runs, trips), Goal: 1.15 * (1 + math.Ceil(sent/workers)), Unit: "round trips",
		Note: fmt.Sprintf("anonymous/manifest-by-tag alone, N %.0f requests, W %d, 1.15 x (1 + ceil(N/W)); %s", sent, workers, spread(runs, trips)),
	})
	if err := b.near(ctx); err != nil {
		return err
	}
	b.table.add(line{Row: 2, What: "CPU a request, no delay", Measured: median(b.warm, cpuEach), Goal: 0.2, Unit: "ms",
		Note: fmt.Sprintf("user and system, anonymous family, %d repositories; %s", b.repositories, spread(b.warm, cpuEach))})
	return nil
}
