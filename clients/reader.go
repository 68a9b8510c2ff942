// SPDX-License-Identifier: Apache-2.0

package clients

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

const (
	maxFile  = 1 << 20
	maxFiles = 1000
	maxLinks = 40 // as Linux has it

	maxEntries = 1000 // of one list or table
	maxResults = 5000 // doors, and weaknesses
)

// reader opens files under a root and gathers the result. Paths are those that
// the client uses, absolute and with slashes; symbolic links are followed as
// they would be if the root were /.
type reader struct {
	root   string
	config string // the user's ~/.config, "" if there is no home
	result Result
	left   int // files that may still be read
}

// file reads a regular file, false if it is not there or is a problem.
func (r *reader) file(p string) ([]byte, bool) {
	data, err := r.read(p)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false
	}
	if err != nil {
		r.problem(p, 0, "%v", err)
		return nil, false
	}
	r.result.Files = append(r.result.Files, r.shown(p))
	return data, true
}

func (r *reader) read(p string) ([]byte, error) {
	if r.left--; r.left < 0 {
		return nil, fmt.Errorf("not read: %d files were read before it", maxFiles)
	}
	real, err := r.resolve(p)
	if err != nil {
		return nil, err
	}
	// Asked before it is opened: a pipe would wait for a writer.
	if info, err := os.Stat(real); err != nil {
		return nil, bare(err)
	} else if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	f, err := os.Open(real)
	if err != nil {
		return nil, bare(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, bare(err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("larger than %d KiB", maxFile>>10)
	}
	return data, nil
}

// dir lists the names in a folder in their order, none if it is not there.
func (r *reader) dir(p string) []string {
	real, err := r.resolve(p)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var names []string
	if err == nil {
		names, err = listNames(real)
	}
	if err != nil {
		r.problem(p, 0, "%v", err)
	}
	return names
}

func listNames(real string) ([]string, error) {
	f, err := os.Open(real)
	if err != nil {
		return nil, bare(err)
	}
	defer f.Close()
	names, err := f.Readdirnames(maxFiles + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, bare(err)
	}
	if len(names) > maxFiles {
		return nil, fmt.Errorf("not read: it holds more than %d files", maxFiles)
	}
	slices.Sort(names)
	return names, nil
}

// folders lists the names of the folders in a folder, each of which is for a host.
func (r *reader) folders(p string) (names []string) {
	for _, name := range r.dir(p) {
		real, err := r.resolve(path.Join(p, name))
		if err == nil {
			var info os.FileInfo
			if info, err = os.Stat(real); err == nil && !info.IsDir() {
				err = errors.New("not a folder, as each host has one here")
			}
		}
		if err != nil {
			r.problem(path.Join(p, name), 0, "%v", bare(err))
			continue
		}
		names = append(names, name)
	}
	return names
}

// exists says whether a client would find something there; what cannot be told is a problem.
func (r *reader) exists(p string) bool {
	_, err := r.resolve(p)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.problem(p, 0, "%v", err)
	}
	return err == nil
}

// pem is the path by which a certificate or key can be opened, false and a
// problem at the given place if there is none.
func (r *reader) pem(p, file string, line int) (string, bool) {
	real, err := r.resolve(p)
	if err == nil {
		var info os.FileInfo
		if info, err = os.Stat(real); err == nil && !info.Mode().IsRegular() {
			err = errors.New("not a regular file")
		}
	}
	if err != nil {
		r.problem(file, line, "%s: %v", r.shown(p), bare(err))
		return "", false
	}
	if r.root == "" {
		return p, true
	}
	return real, true
}

// resolve follows symbolic links one name at a time, so that an absolute link
// stays under the root and a loop ends.
func (r *reader) resolve(p string) (string, error) {
	left := strings.Split(path.Clean("/"+p), "/")
	done := "/"
	for links := 0; len(left) > 0; {
		name := left[0]
		left = left[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			done = path.Dir(done)
			continue
		}
		next := path.Join(done, name)
		info, err := os.Lstat(r.real(next))
		if err != nil {
			return "", bare(err)
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			done = next
			continue
		}
		if links++; links > maxLinks {
			return "", errors.New("too many symbolic links")
		}
		target, err := os.Readlink(r.real(next))
		if err != nil {
			return "", bare(err)
		}
		target = filepath.ToSlash(target)
		if path.IsAbs(target) {
			done = "/"
		}
		left = append(strings.Split(target, "/"), left...)
	}
	return r.real(done), nil
}

func (r *reader) real(p string) string {
	return filepath.Join(r.root, string(filepath.Separator), filepath.FromSlash(p))
}

// shown is a path as the user can open it.
func (r *reader) shown(p string) string {
	if r.root == "" {
		return p
	}
	return filepath.Join(r.root, filepath.FromSlash(p))
}

// full notes once that there was too much.
func (r *reader) full(shown string) {
	p := Problem{shown, 0, fmt.Sprintf("more than %d doors or weaknesses: the rest is left out", maxResults)}
	if !slices.ContainsFunc(r.result.Problems, func(o Problem) bool { return o.Text == p.Text }) {
		r.result.Problems = append(r.result.Problems, p)
	}
}

func (r *reader) problem(p string, line int, format string, args ...any) {
	r.result.Problems = append(r.result.Problems, Problem{r.shown(p), line, fmt.Sprintf(format, args...)})
}

// bare drops operation and path from an error of os: the problem names the file.
func bare(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	return err
}
