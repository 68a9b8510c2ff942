// SPDX-License-Identifier: Apache-2.0

package credential

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

const (
	maxSecretBytes = 64 << 10 // a secret, or what a helper answers
	maxConfigBytes = 4 << 20  // a docker or podman configuration file
)

// File reads a user name and a password from two files, given by path; a leading ~/ is
// the user's home. One trailing line break is dropped from each. A file that is missing,
// empty or larger than 64 KiB is an error. A password file that everyone may read is
// not, but Source.Note says so.
type File struct{ Username, Password string }

// Credential reads both files.
func (f File) Credential(context.Context) (Credential, error) {
	username, _, err := readLine(f.Username)
	if err != nil {
		return Credential{}, fmt.Errorf("user name file: %w", err)
	}
	password, note, err := readLine(f.Password)
	if err != nil {
		return Credential{}, fmt.Errorf("password file: %w", err)
	}
	c, err := fromPair(username, password)
	if err != nil {
		return Credential{}, fmt.Errorf("%s, %s: %w", f.Username, f.Password, err)
	}
	c.Source = Provenance{Kind: "file", Path: f.Password, Note: note}
	return c, nil
}

func readLine(path string) (text, note string, err error) {
	if path == "" {
		return "", "", errors.New("no path is given: name a file")
	}
	data, note, err := readFile(expandHome(path), maxSecretBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return "", "", fmt.Errorf("%s: %w: create it, or name another source", path, fs.ErrNotExist)
	}
	if err != nil {
		return "", "", fmt.Errorf("%s: %w", path, err)
	}
	data = trimLineBreak(data)
	if len(data) == 0 {
		return "", "", fmt.Errorf("%s: the file is empty: write the value into it", path)
	}
	return string(data), note, nil
}

// readFile reads at most limit bytes; more is an error, as is a symbolic link to
// nothing. A missing file gives fs.ErrNotExist. The path is left to the caller to tell.
func readFile(path string, limit int64) (data []byte, note string, err error) {
	f, err := os.Open(path)
	if err != nil {
		if _, lerr := os.Lstat(path); errors.Is(err, fs.ErrNotExist) && lerr == nil {
			return nil, "", errors.New("a symbolic link to a file that does not exist")
		}
		return nil, "", bare(err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, "", bare(err)
	}
	data, err = io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, "", bare(err)
	}
	if int64(len(data)) > limit {
		return nil, "", fmt.Errorf("larger than %d KiB", limit>>10)
	}
	if info.Mode().IsRegular() && info.Mode().Perm()&0o004 != 0 && runtime.GOOS != "windows" {
		note = "readable by everyone"
	}
	return data, note, nil
}

// bare drops operation and path from an error of os: the caller names the file once, as the user wrote it.
func bare(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	return err
}

func trimLineBreak(b []byte) []byte {
	b = bytes.TrimSuffix(b, []byte("\n"))
	return bytes.TrimSuffix(b, []byte("\r"))
}

// expandHome replaces a leading ~/, which people write in YAML where no shell sees it.
func expandHome(path string) string {
	rest, ok := strings.CutPrefix(path, "~/")
	if home := homeDir(os.Getenv); ok && home != "" {
		return filepath.Join(home, rest)
	}
	return path
}
