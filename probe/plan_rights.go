// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"net/http"
	"strings"

	"github.com/regproof/regproof/access"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/wire"
)

// simulatedUpload is where every upload of a simulated registry lives.
const simulatedUpload = "regproof-simulated"

// byRight is what the simulated registry answers to a named identity because of
// what policy lets it do. ok is false where it is answered as everybody is.
func (s *simulation) byRight(d *door, req wire.Request, resp wire.Response) (wire.Response, bool) {
	t := &Trial{group: &group{door: d, subject: &subject{}}}
	id := t.identity(req.Identity)
	r, err := oci.ParseRequest(strings.ToUpper(req.Method), req.Target)
	switch {
	case err != nil || (r.Kind != oci.Ping && (id == nil || t.unstated() != "")):
		return resp, false
	case r.Kind == oci.Ping:
		if resp.Status = http.StatusOK; id == nil {
			resp.Status = http.StatusUnauthorized
		}
		return resp, true
	}
	repository := strings.TrimPrefix(r.Repository, d.ep.Prefix)
	if allow, stated, _ := t.May(id, repository, actionOf(r)); stated && !allow {
		resp.Status, resp.Body = http.StatusForbidden, []byte(`{"errors":[{"code":"DENIED"}]}`)
		resp.Size = int64(len(resp.Body))
		return resp, true
	}
	switch {
	case r.Kind == oci.UploadStart && r.Method == http.MethodPost && !(d.run.allows(SandboxWrite) && repository == d.run.opts.Sandbox):
		s.began(repository)
		resp.Status, resp.Header = http.StatusAccepted, wire.Header{{"Location", req.Target + simulatedUpload + "?_state=simulated"}}
	case r.Kind == oci.Upload && r.Reference == simulatedUpload && s.begun(repository):
		resp.Status = http.StatusNoContent
	case r.Kind == oci.Upload && r.Reference == simulatedUpload:
	default:
		return resp, false
	}
	return resp, true
}

// began notes that an upload lives in a repository.
func (s *simulation) began(repository string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.uploads == nil {
		s.uploads = map[string]bool{}
	}
	s.uploads[repository] = true
}

func (s *simulation) begun(repository string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.uploads[repository]
}

// actionOf is the right that a request needs.
func actionOf(r oci.Request) access.Action {
	switch {
	case r.Kind == oci.Catalog:
		return access.Catalog
	case r.Kind == oci.Tags || r.Kind == oci.Referrers:
		return access.List
	case r.Kind == oci.Upload || r.Kind == oci.UploadStart:
		return access.Push
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		return access.Pull
	case r.Method == http.MethodDelete:
		return access.Delete
	}
	return access.Push
}
