// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/regproof/regproof/lab"
)

// served is what a registry says of itself.
type served struct {
	Host, User, Password string
	CA                   string // PEM
}

// registry is the role of what is measured against: registry lab-token | lab-basic | synthetic N.
func registry(ctx context.Context, args []string) error {
	switch what := strings.Join(args, " "); {
	case what == "lab-token":
		return labDoor(ctx, lab.DoorOptions{Auth: lab.Token, TLS: true})
	case what == "lab-basic":
		return labDoor(ctx, lab.DoorOptions{Auth: lab.Basic})
	case len(args) == 2 && args[0] == "synthetic":
		n, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		return manyDoor(ctx, n)
	}
	return fmt.Errorf("registry: want lab-token, lab-basic or synthetic N")
}

func labDoor(ctx context.Context, o lab.DoorOptions) error {
	l, err := lab.Open(ctx, lab.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	d, err := l.Door(ctx, o)
	if err != nil {
		return err
	}
	user, password := l.User()
	_, host, _ := strings.Cut(d.URL(), "://")
	return serveUntilClosed(ctx, served{Host: host, User: user, Password: password, CA: string(d.CAPEM())})
}

func manyDoor(ctx context.Context, n int) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := &http.Server{Handler: newSynthetic(n)}
	defer func() { _ = s.Close() }()
	go func() { _ = s.Serve(l) }()
	return serveUntilClosed(ctx, served{Host: l.Addr().String(), User: syntheticUser, Password: syntheticPassword})
}
