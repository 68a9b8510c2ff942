// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"crypto/subtle"
	"fmt"
	"net/http"
	"os"
	"slices"

	"golang.org/x/crypto/bcrypt"
)

// user is one of the lab's two: ci may do everything, dev may pull team-b/**
// where rights are known at all.
type user struct {
	name, password string
	hash           []byte
	rights         rights
}

func newUser(name string, r rights) (user, error) {
	u := user{name: name, password: randomHex(12), rights: r}
	var err error
	u.hash, err = bcrypt.GenerateFromPassword([]byte(u.password), bcrypt.MinCost)
	return u, err
}

func (u user) has(password string) bool {
	return subtle.ConstantTimeCompare([]byte(password), []byte(u.password)) == 1
}

// User is the entitled identity: it may pull, push, delete and list everything.
func (l *Lab) User() (name, password string) { return l.keys.ci.name, l.keys.ci.password }

// Dev is the second identity. With tokens it may pull team-b/** and public/**
// and nothing else; Basic knows no rights and lets it do everything.
func (l *Lab) Dev() (name, password string) { return l.keys.dev.name, l.keys.dev.password }

// Revoke takes a user's credential away, at every door of the lab. What was
// issued before is good until it expires, except for refresh tokens.
func (l *Lab) Revoke(name string) error { return l.keys.revoke(name, true) }

// Restore gives it back.
func (l *Lab) Restore(name string) error { return l.keys.revoke(name, false) }

// find is the user of this name, revoked or not.
func (k *keys) find(name string) (user, bool) {
	for _, u := range []user{k.ci, k.dev} {
		if u.name == name {
			return u, true
		}
	}
	return user{}, false
}

// knows is the user whose Basic credential the request carries.
func (k *keys) knows(r *http.Request) (user, bool) {
	name, password, ok := r.BasicAuth()
	u, exists := k.find(name)
	if !ok || !exists || !u.has(password) || k.revoked(name) {
		return user{}, false
	}
	return u, true
}

// entitled tells whether the request carries a Basic credential of the lab.
func (k *keys) entitled(r *http.Request) bool { _, ok := k.knows(r); return ok }

func (k *keys) revoked(name string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Contains(k.gone, name)
}

func (k *keys) revoke(name string, gone bool) error {
	if _, ok := k.find(name); !ok {
		return fmt.Errorf("the lab has no user %q", name)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.gone = slices.DeleteFunc(k.gone, func(s string) bool { return s == name })
	if gone {
		k.gone = append(k.gone, name)
	}
	return k.writePasswords()
}

// writePasswords writes the file that distribution reads, again whenever it has
// changed.
func (k *keys) writePasswords() error {
	var lines []byte
	for _, u := range []user{k.ci, k.dev} {
		if !slices.Contains(k.gone, u.name) {
			lines = fmt.Appendf(lines, "%s:%s\n", u.name, u.hash)
		}
	}
	return os.WriteFile(k.htpasswd, lines, 0o600)
}
