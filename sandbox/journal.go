// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Schema is what the first line of a journal says it is.
const Schema = "regproof/sandbox/v1"

// Head is the first line of a journal.
type Head struct {
	Schema  string    `json:"schema"`
	Run     string    `json:"run"`
	Sandbox string    `json:"sandbox"` // the repository, outside which nothing was made
	Started time.Time `json:"started"`
}

// line is every other line: an object before it is made, or what became of one.
type line struct {
	Op    string `json:"op"` // make, place, removed, kept
	Entry *Entry `json:"entry,omitempty"`
	N     int    `json:"n,omitempty"`
	Text  string `json:"text,omitempty"`
}

// Journal is the journal of one run. Its file begins with the first object. It
// is safe for concurrent use.
type Journal struct {
	Head Head

	mu      sync.Mutex
	dir     string
	path    string
	file    *os.File
	last    int
	entries map[int]Entry // what may still be there
	made    int
	failed  error
	memory  bool // there is no file
}

// Memory makes a journal without a file, for a run that makes nothing.
func Memory(run, sandbox string) *Journal {
	j := New("", run, sandbox)
	j.memory = true
	return j
}

// New makes the journal of a run in dir, which is made if it is missing.
func New(dir, run, sandbox string) *Journal {
	return &Journal{
		Head: Head{Schema: Schema, Run: run, Sandbox: sandbox, Started: time.Now().UTC()},
		dir:  dir, path: filepath.Join(dir, run+".jsonl"), entries: map[int]Entry{},
	}
}

// Path is where the journal is, or will be.
func (j *Journal) Path() string { return j.path }

// Begin writes objects down that are about to be made, and returns the number of
// the first; the others follow it. Only when it returns no error may they be
// made: then the lines are on the disk.
func (j *Journal) Begin(entries ...Entry) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var lines []line
	for i, e := range entries {
		if e.Repository != j.Head.Sandbox {
			return 0, fmt.Errorf("%s is not the sandbox %s: nothing is made there", e.Repository, j.Head.Sandbox)
		}
		e.N, e.At, e.Kept = j.last+1+i, time.Now().UTC(), ""
		if err := e.Check(); err != nil {
			return 0, err
		}
		lines = append(lines, line{Op: "make", Entry: &e})
	}
	if err := j.write(true, lines...); err != nil {
		return 0, err
	}
	first := j.last + 1
	for _, l := range lines {
		j.apply(l)
	}
	return first, nil
}

// Place tells where an upload lives, once the registry has said so.
func (j *Journal) Place(n int, location string) error {
	return j.change(line{Op: "place", N: n, Text: location})
}

// Removed tells that an object is gone, or was never made.
func (j *Journal) Removed(n int) error { return j.change(line{Op: "removed", N: n}) }

// Kept tells why an object could not be removed.
func (j *Journal) Kept(n int, why string) error { return j.change(line{Op: "kept", N: n, Text: why}) }

func (j *Journal) change(l line) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, ok := j.entries[l.N]; !ok {
		return nil
	}
	j.apply(l)
	return j.write(l.Op == "place", l) // what is gone may be forgotten: removing it again does no harm
}

func (j *Journal) apply(l line) {
	switch e, ok := j.entries[l.N]; {
	case l.Op == "make" && l.Entry != nil:
		j.entries[l.Entry.N] = *l.Entry
		j.last = max(j.last, l.Entry.N)
		j.made++
	case !ok:
	case l.Op == "place":
		e.Reference = l.Text
		j.entries[l.N] = e
	case l.Op == "removed":
		delete(j.entries, l.N)
	case l.Op == "kept":
		e.Kept = l.Text
		j.entries[l.N] = e
	}
}

// Left lists what may still be there, in the order of removal.
func (j *Journal) Left() []Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []Entry
	for _, e := range j.entries {
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b Entry) int { return a.N - b.N })
	return Ordered(out)
}

// Made is how many objects were written down.
func (j *Journal) Made() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.made
}

// Close ends the journal. Its file goes when nothing is left.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil {
		return j.failed
	}
	err := j.file.Close()
	j.file = nil
	if len(j.entries) == 0 && j.failed == nil {
		err = errors.Join(err, os.Remove(j.path))
	}
	return errors.Join(j.failed, err)
}

// Forget ends the journal and removes its file, whatever is left.
func (j *Journal) Forget() error {
	j.mu.Lock()
	clear(j.entries)
	j.mu.Unlock()
	return j.Close()
}

// open makes the file, readable by its owner alone, and holds it as long as the
// process lives.
func (j *Journal) open() error {
	if j.failed != nil {
		return j.failed
	}
	if j.file != nil {
		return nil
	}
	if err := os.MkdirAll(j.dir, 0o700); err != nil {
		return fmt.Errorf("journal of the sandbox: %w", err)
	}
	f, err := os.OpenFile(j.path, os.O_RDWR|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("journal of the sandbox: %w", err)
	}
	if err := hold(f); err != nil {
		return errors.Join(fmt.Errorf("journal of the sandbox: %w", err), f.Close())
	}
	j.file = f
	if err := j.put(j.Head); err != nil {
		return err
	}
	return j.fail(syncDir(j.dir))
}

// write adds lines to the file, and waits until they are on the disk if that
// matters.
func (j *Journal) write(wait bool, lines ...line) error {
	if j.memory {
		return nil
	}
	if err := j.open(); err != nil {
		return err
	}
	for _, l := range lines {
		if err := j.put(l); err != nil {
			return err
		}
	}
	if !wait {
		return nil
	}
	return j.fail(j.file.Sync())
}

func (j *Journal) put(v any) error {
	b, err := json.Marshal(v)
	if err == nil {
		_, err = j.file.Write(append(b, '\n'))
	}
	return j.fail(err)
}

// fail remembers the first error: after one nothing more is made.
func (j *Journal) fail(err error) error {
	if err == nil {
		return nil
	}
	if j.failed == nil {
		j.failed = fmt.Errorf("journal of the sandbox: %w", err)
	}
	return j.failed
}

// syncDir makes the name of a new file last. Where a folder cannot be synced
// (Windows) the file system does so by itself.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && canSyncDir {
		return err
	}
	return nil
}
