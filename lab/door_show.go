// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"errors"
	"slices"
)

// URL is where the door is: scheme, address and port, without a path.
func (d *Door) URL() string { return d.url }

// Addrs are all the addresses the door listens on, the one of URL first.
func (d *Door) Addrs() []string { return slices.Clone(d.addresses) }

// CAPEM is the certificate authority to trust, whether or not the door has TLS.
func (d *Door) CAPEM() []byte { return slices.Clone(d.lab.ca.pem) }

// Requests is how many requests reached the door, its token service included.
// What net/http itself refuses as malformed is not counted.
func (d *Door) Requests() int64 { return d.log.count() }

// Log is the last 100,000 of them, oldest first.
func (d *Door) Log() []Request { return d.log.list() }

// Trap is what reached the trap of a hostile door: the listener to which it
// tries to lure its clients. Doors that are not hostile have none.
func (d *Door) Trap() []Hit {
	if d.trap == nil {
		return nil
	}
	return d.trap.list()
}

// TrapURL is where the trap listens, "" when there is none.
func (d *Door) TrapURL() string {
	if d.trap == nil {
		return ""
	}
	return d.trap.url
}

// Close stops listening, cuts every connection and waits for its handlers.
func (d *Door) Close() error {
	d.lab.mu.Lock()
	delete(d.lab.doors, d)
	d.lab.mu.Unlock()
	return d.shut()
}

func (d *Door) shut() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	var errs []error
	for _, s := range slices.Backward(d.servers) {
		errs = append(errs, s.close())
	}
	if d.app != nil {
		errs = append(errs, d.app.close())
	}
	return errors.Join(errs...)
}
