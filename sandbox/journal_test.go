// SPDX-License-Identifier: Apache-2.0

package sandbox_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/regproof/regproof/sandbox"
)

const digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// entry is one that a run could write.
func entry(k sandbox.Kind, reference string) sandbox.Entry {
	return sandbox.Entry{Registry: "corp", Endpoint: "https://r.example", Repository: "box", Kind: k, Reference: reference, Identity: "ci"}
}

func begin(t *testing.T, j *sandbox.Journal, entries ...sandbox.Entry) int {
	t.Helper()
	n, err := j.Begin(entries...)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestJournal: what was written down survives, in the order of removal, and the
// file goes with the last of it.
func TestJournal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "sandbox")
	j := sandbox.New(dir, "r1", "box")
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Error("there is a folder before anything was made")
	}
	tag := begin(t, j, entry(sandbox.Tag, "t1"), entry(sandbox.Manifest, digest))
	up := begin(t, j, entry(sandbox.Upload, ""))
	if err := j.Place(up, "/v2/box/blobs/uploads/1?_state=x"); err != nil {
		t.Fatal(err)
	}
	blob := begin(t, j, entry(sandbox.Blob, digest))
	if err := j.Removed(blob); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(j.Path()); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if err := j.Close(); err != nil { // as after a crash: nothing more is written
		t.Fatal(err)
	}
	paths, err := sandbox.List(dir)
	if err != nil || len(paths) != 1 {
		t.Fatal(paths, err)
	}
	again, err := sandbox.Open(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	left := again.Left()
	var got []string
	for _, e := range left {
		got = append(got, e.String())
	}
	if want := "upload /v2/box/blobs/uploads/1; tag t1; manifest " + digest; strings.Join(got, "; ") != want || again.Head.Run != "r1" {
		t.Errorf("%v, want %s", got, want)
	}
	if left[0].Reference != "/v2/box/blobs/uploads/1?_state=x" {
		t.Errorf("the place of the upload is %q", left[0].Reference)
	}
	if _, err := again.Begin(entry(sandbox.Tag, "t2")); err != nil || again.Left()[1].N <= left[1].N {
		t.Errorf("numbers begin anew: %v %v", err, again.Left())
	}
	for _, e := range again.Left() {
		if err := again.Kept(e.N, "405"); err != nil {
			t.Fatal(err)
		}
		if err := again.Removed(e.N); err != nil {
			t.Fatal(err)
		}
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	if paths, _ := sandbox.List(dir); len(paths) > 0 {
		t.Errorf("left: %v", paths)
	}
	_ = tag
}

// TestBusy: what a run is still writing is not taken over.
func TestBusy(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no lock there")
	}
	j := sandbox.New(t.TempDir(), "r1", "box")
	begin(t, j, entry(sandbox.Tag, "t1"))
	if _, err := sandbox.Open(j.Path()); !errors.Is(err, sandbox.ErrBusy) {
		t.Errorf("%v", err)
	}
	if err := j.Forget(); err != nil {
		t.Error(err)
	}
}

// TestCut: a line that was cut off by a crash is dropped, and the next one is
// read.
func TestCut(t *testing.T) {
	j := sandbox.New(t.TempDir(), "r1", "box")
	begin(t, j, entry(sandbox.Tag, "t1"))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(j.Path())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(j.Path(), append(b, []byte(`{"op":"make","entry":{"n":2,"regi`)...), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{1, 2} {
		again, err := sandbox.Open(j.Path())
		if err != nil {
			t.Fatal(err)
		}
		if got := again.Left(); len(got) != want {
			t.Errorf("%v, want %d", got, want)
		}
		begin(t, again, entry(sandbox.Tag, "t2"))
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRefused: an entry outside of the sandbox, or that is no object, is neither
// written nor read: what a journal says is deleted.
func TestRefused(t *testing.T) {
	for name, change := range map[string]func(*sandbox.Entry){
		"other repository": func(e *sandbox.Entry) { e.Repository = "prod/app" },
		"below":            func(e *sandbox.Entry) { e.Repository = "box/app" },
		"prefix":           func(e *sandbox.Entry) { e.Prefix = "../" },
		"tag":              func(e *sandbox.Entry) { e.Reference = "../../prod/manifests/1" },
		"digest":           func(e *sandbox.Entry) { e.Kind = sandbox.Manifest },
		"kind":             func(e *sandbox.Entry) { e.Kind = "repository" },
		"endpoint":         func(e *sandbox.Entry) { e.Endpoint = "https://r.example/v2/prod" },
		"user":             func(e *sandbox.Entry) { e.Endpoint = "https://ci:secret@r.example" },
		"scheme":           func(e *sandbox.Entry) { e.Endpoint = "file:///etc" },
		"address":          func(e *sandbox.Entry) { e.Address = "nowhere" },
		"upload":           func(e *sandbox.Entry) { e.Kind, e.Reference = sandbox.Upload, "/v2/box\r\nHost: x" },
	} {
		t.Run(name, func(t *testing.T) {
			e := entry(sandbox.Tag, "t1")
			change(&e)
			j := sandbox.New(t.TempDir(), "r1", "box")
			if _, err := j.Begin(e); err == nil {
				t.Fatal("written")
			}
			if paths, _ := sandbox.List(filepath.Dir(j.Path())); len(paths) > 0 {
				t.Errorf("there is a file: %v", paths)
			}
		})
	}
	for name, text := range map[string]string{
		"no journal":      "{}\n",
		"other schema":    `{"schema":"x","run":"r","sandbox":"box"}` + "\n",
		"bad sandbox":     `{"schema":"regproof/sandbox/v1","run":"r","sandbox":"../x"}` + "\n",
		"other place":     `{"schema":"regproof/sandbox/v1","run":"r","sandbox":"box"}` + "\n" + `{"op":"make","entry":{"n":1,"endpoint":"https://r","repository":"prod","kind":"tag","reference":"1"}}` + "\n",
		"no JSON":         `{"schema":"regproof/sandbox/v1","run":"r","sandbox":"box"}` + "\nx\n",
		"without a entry": `{"schema":"regproof/sandbox/v1","run":"r","sandbox":"box"}` + "\n" + `{"op":"make"}` + "\n",
	} {
		path := filepath.Join(t.TempDir(), "r1.jsonl")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if j, err := sandbox.Open(path); err == nil {
			t.Errorf("%s: read: %v", name, j.Left())
		}
	}
}

// TestNoPlace: where nothing can be written down nothing may be made.
func TestNoPlace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sandbox.New(filepath.Join(file, "sub"), "r1", "box").Begin(entry(sandbox.Tag, "t1")); err == nil {
		t.Error("no error")
	}
	env := func(v string) func(string) string { return func(string) string { return v } }
	if dir, err := sandbox.Dir(env("/state"), "/home/op"); err != nil || dir != filepath.FromSlash("/state/regproof/sandbox") {
		t.Error(dir, err)
	}
	if dir, err := sandbox.Dir(env("relative"), "/home/op"); err != nil || dir != filepath.FromSlash("/home/op/.local/state/regproof/sandbox") {
		t.Error(dir, err)
	}
	if dir, err := sandbox.Dir(env(""), ""); err == nil {
		t.Error(dir)
	}
}
