// SPDX-License-Identifier: Apache-2.0

// Package config reads regproof.yaml: one strict YAML file into one struct per section, with every fault at once.
// It changes nothing, opens no file but the one it is given, reads no secret and no environment variable but HOME,
// and never accepts a key that it would ignore.
//
// The YAML is decoded by walking goccy's AST with a small decoder of our own, because every ready strict mode stops
// at its first unknown field and an operator should not have to run the command once per mistake.
package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
)

// maxSize bounds the file. A registry estate of 10,000 images fits.
const maxSize = 1 << 20

// File is a valid configuration with its defaults applied.
type File struct {
	Path   string `yaml:"-"` // as given to Load or Parse
	SHA256 string `yaml:"-"` // of the bytes as read, in hex

	Version    int        `yaml:"version" jsonschema_description:"Version of this format: 1."`
	Registries []Registry `yaml:"registries" jsonschema:"minItems=1" jsonschema_description:"What is protected."`
	Identities []Identity `yaml:"identities,omitempty" jsonschema_description:"Who asks, besides anonymous."`
	Policy     *Policy    `yaml:"policy,omitempty" jsonschema_description:"What is intended. Anything not listed is denied; without this section anonymous may do nothing."`
	Images     []Image    `yaml:"images,omitempty" jsonschema_description:"Known images to try to reach, by tag and by digest."`
	Check      Check      `yaml:"check,omitempty" jsonschema_description:"Settings of the command check."`

	source *source
}

// Position is a place in the file: line and column count from 1, columns in characters. The zero Position is no place.
type Position struct{ Line, Column int }

// Load reads and parses the file at path. A file that cannot be read is an error that names it; a file that is read
// and found wrong is an error of type [Faults].
func Load(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return Parse(path, data)
}

// Parse parses data, which came from the file called name; relative paths inside are resolved against its directory.
// The error is nil or of type [Faults] and holds every fault found, in the order of the file.
func Parse(name string, data []byte) (*File, error) {
	src := newSource(name, data)
	c := &collector{source: src}
	root := c.tree(data)
	if root == nil {
		return nil, c.result()
	}
	sum := sha256.Sum256(data)
	file := &File{Path: name, SHA256: hex.EncodeToString(sum[:]), source: src}
	d := newDecoder(c, root)
	d.decode(root, file)
	check(d, file)
	if err := c.result(); err != nil {
		return nil, err
	}
	return file, nil
}

// Fault makes a fault at a place of this file, for what only a later stage can know (that no probe has this id).
func (f *File) Fault(at Position, message, hint string) Fault {
	fault := Fault{File: f.Path, Line: at.Line, Column: at.Column, Message: message, Hint: hint}
	if f.source != nil {
		fault.Source = f.source.excerpt(at)
	}
	return fault
}
