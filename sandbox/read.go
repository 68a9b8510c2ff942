// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/regproof/regproof/oci"
)

// maxJournal bounds a journal that is read, in bytes.
const maxJournal = 64 << 20

// ErrBusy says that the run which writes a journal is still under way.
var ErrBusy = errors.New("the run is still under way")

// Dir is where journals are kept: $XDG_STATE_HOME/regproof/sandbox, or
// ~/.local/state/regproof/sandbox. It is an error if neither is known.
func Dir(env func(string) string, home string) (string, error) {
	if state := env("XDG_STATE_HOME"); filepath.IsAbs(state) { // a relative one is to be ignored (XDG Base Directory Specification)
		return filepath.Join(state, "regproof", "sandbox"), nil
	}
	if home == "" {
		return "", errors.New("there is no place for the journal of the sandbox: neither $XDG_STATE_HOME nor a home directory is set")
	}
	return filepath.Join(home, ".local", "state", "regproof", "sandbox"), nil
}

// List names the journals in dir, the oldest run first.
func List(dir string) ([]string, error) {
	found, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	type dated struct {
		path string
		at   int64
	}
	var all []dated
	for _, f := range found {
		info, err := f.Info()
		if err != nil || !info.Mode().IsRegular() || !strings.HasSuffix(f.Name(), ".jsonl") {
			continue
		}
		all = append(all, dated{filepath.Join(dir, f.Name()), info.ModTime().UnixNano()})
	}
	slices.SortFunc(all, func(a, b dated) int {
		if a.at != b.at {
			return int(min(max(a.at-b.at, -1), 1))
		}
		return strings.Compare(a.path, b.path)
	})
	var out []string
	for _, d := range all {
		out = append(out, d.path)
	}
	return out, nil
}

// Open reads a journal that was left behind, to go on with it. The error wraps
// ErrBusy while the run that writes it lives.
func Open(path string) (*Journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return nil, err
	}
	j, err := read(f, path)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return j, nil
}

func read(f *os.File, path string) (*Journal, error) {
	if err := hold(f); err != nil {
		return nil, err
	}
	j := &Journal{dir: filepath.Dir(path), path: path, file: f, entries: map[int]Entry{}}
	in := bufio.NewReader(io.LimitReader(f, maxJournal))
	first, err := in.ReadBytes('\n')
	if len(first) == 0 && errors.Is(err, io.EOF) { // killed before the first line: nothing was made
		return j, nil
	}
	if err != nil || json.Unmarshal(first, &j.Head) != nil || j.Head.Schema != Schema {
		return nil, fmt.Errorf("not a journal of the sandbox (%s)", Schema)
	}
	if err := oci.CheckRepository(j.Head.Sandbox); err != nil {
		return nil, err
	}
	for n := 2; ; n++ {
		b, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) { // the last line may be cut off: what it was for was not made then
			return j, j.mend(b)
		}
		if err != nil {
			return nil, err
		}
		if err := j.take(b); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
}

// take applies one line of a file.
func (j *Journal) take(b []byte) error {
	var l line
	if err := json.Unmarshal(b, &l); err != nil {
		return err
	}
	if l.Op == "make" {
		if l.Entry == nil {
			return errors.New("no entry")
		}
		if err := l.Entry.Check(); err != nil {
			return err
		}
		if l.Entry.Repository != j.Head.Sandbox {
			return fmt.Errorf("%s is not the sandbox %s", l.Entry.Repository, j.Head.Sandbox)
		}
	}
	j.apply(l)
	return nil
}

// mend ends a line that was cut off, so that the next one stands alone.
func (j *Journal) mend(rest []byte) error {
	if len(bytes.TrimSpace(rest)) == 0 {
		return nil
	}
	end, err := j.file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	return j.file.Truncate(end - int64(len(rest)))
}
