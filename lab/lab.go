// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// Options say where a lab keeps its store.
type Options struct {
	// Dir is distribution's storage directory. Empty: a temporary one, removed
	// by Close. A directory that is given is left as it is.
	Dir string
}

// Lab is one store of real images, and doors onto it.
type Lab struct {
	temp      string
	store     string
	keys      *keys
	ca        *authority
	clients   *clientAuthority
	content   *content
	open      *app         // distribution, unguarded
	referrers http.Handler // go-containerregistry, unguarded

	mu     sync.Mutex
	closed bool
	doors  map[*Door]bool
}

// Open builds the images and fills the store; no door is open yet.
func Open(ctx context.Context, o Options) (*Lab, error) {
	temp, err := os.MkdirTemp("", "regproof-lab-")
	if err != nil {
		return nil, err
	}
	l := &Lab{temp: temp, store: o.Dir, doors: map[*Door]bool{}}
	if l.store == "" {
		l.store = filepath.Join(temp, "store")
	}
	if err := l.prepare(ctx); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *Lab) prepare(ctx context.Context) (err error) {
	if l.keys, err = newKeys(l.temp); err != nil {
		return err
	}
	if l.ca, err = newAuthority(); err != nil {
		return err
	}
	if l.clients, err = newClients(); err != nil {
		return err
	}
	if l.content, err = buildContent(); err != nil {
		return err
	}
	if l.open, err = newApp(ctx, l.store, l.keys.secret, nil); err != nil {
		return err
	}
	if err := layOut(l.store, l.content); err != nil {
		return err
	}
	l.referrers, err = newReferrers(ctx, l.content)
	return err
}

// Close closes every door and removes the temporary files.
func (l *Lab) Close() error {
	l.mu.Lock()
	l.closed = true
	doors := make([]*Door, 0, len(l.doors))
	for d := range l.doors {
		doors = append(doors, d)
	}
	l.mu.Unlock()
	var errs []error
	for _, d := range doors {
		errs = append(errs, d.Close())
	}
	if l.open != nil {
		errs = append(errs, l.open.close())
	}
	return errors.Join(append(errs, os.RemoveAll(l.temp))...)
}

// Images says what is stored, in the order in which it was pushed.
func (l *Lab) Images() []Image { return slices.Clone(l.content.images) }

// digest is what a tag names at the start, or the reference itself when it is
// a digest: what a lying door has to claim.
func (l *Lab) digest(t route) string {
	if t.byDigest() {
		return t.reference
	}
	for _, i := range l.content.images {
		if i.Repository == t.repository && i.Tag == t.reference {
			return i.Digest
		}
	}
	return digestOf([]byte(t.repository + t.reference))
}

// has tells whether pick's list holds digest for some image.
func (l *Lab) has(digest string, pick func(Image) []string) bool {
	return slices.ContainsFunc(l.content.images, func(i Image) bool { return slices.Contains(pick(i), digest) })
}
