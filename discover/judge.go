// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/evidence"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/product"
	"github.com/regproof/regproof/wire"
)

// judge says what the answers to GET /v2/ and, if it was asked for, to GET of
// the manifest make of a door. Content decides before anything else.
func (s *scan) judge(c Candidate, d *Door, ping wire.Response, manifest *wire.Response) {
	is := isRegistry(ping) || manifest != nil && isRegistry(*manifest)
	if !is {
		d.Product = ""
	} else if d.Product == "" {
		d.Product = product.Unknown
	}
	d.Same = s.sameChallenge(ping) || manifest != nil && s.sameChallenge(*manifest)
	switch {
	case speaksTLS(ping):
		d.State = SpeaksTLS
	case manifest != nil:
		s.content(c, d, ping, *manifest, is)
	case redirect(ping):
		s.redirected(c, d, ping)
	case is && !s.want.comparable():
		d.State = IsRegistry
	case ping.Status == 401 || ping.Status == 403 || ping.Status == 429 || ping.Status >= 500:
		d.State, d.Note = Unclear, fmt.Sprintf("/v2/ answers %d", ping.Status)
	default:
		d.State, d.Note = NotRegistry, fmt.Sprintf("/v2/ answers %d", ping.Status)
	}
}

// content judges by the answer to GET of the manifest.
func (s *scan) content(c Candidate, d *Door, ping, m wire.Response, is bool) {
	switch {
	case m.Failure == "" && m.Status == 200 && s.matches(m):
		d.State, d.Same, d.Digest = Serves, true, string(s.want.Digest)
		if d.Product == "" {
			d.Product = product.Unknown
		}
	case !m.Whole():
		d.State, d.Note = Unclear, "the manifest: "+broken(m)
	case m.Status == 200 && manifestOf(m):
		d.State, d.Digest = OtherRegistry, string(oci.SHA256(m.Body))
		d.Note = "it serves another manifest for this digest"
		if d.Product == "" {
			d.Product = product.Unknown
		}
	case m.Status == 401 || m.Status == 403:
		d.State = Denies
		if !is {
			d.Note = "nothing says that it is a registry"
		} else if redirect(ping) {
			d.Note = "/v2/ is redirected, the manifest is not"
		}
	case redirect(m):
		s.redirected(c, d, m)
	case m.Status == 429 || m.Status >= 500:
		d.State, d.Note = Unclear, fmt.Sprintf("the manifest: it answers %d", m.Status)
	case is && m.Status == 404:
		d.State, d.Note = OtherRegistry, "it has no such manifest, or hides it"
	case is:
		d.State, d.Note = OtherRegistry, fmt.Sprintf("the manifest: it answers %d", m.Status)
	case redirect(ping):
		s.redirected(c, d, ping)
	default:
		d.State, d.Note = NotRegistry, fmt.Sprintf("/v2/ answers %d", ping.Status)
	}
}

// broken says what is wrong with an answer that is not whole.
func broken(r wire.Response) string {
	if r.Failure != "" {
		return string(r.Failure)
	}
	return fmt.Sprintf("an answer of more than %d bytes", r.Size)
}

// redirected says where a redirect leads. Nobody goes there.
func (s *scan) redirected(c Candidate, d *Door, resp wire.Response) {
	location := resp.Header.Get("Location")
	base := &url.URL{Scheme: c.URL.Scheme, Host: c.authority(), Path: "/v2/"}
	shown := evidence.Target(evidence.Printable(location, 300))
	d.State, d.Note = Elsewhere, "to "+shown
	u, err := base.Parse(location)
	if err != nil || u.Opaque != "" || location == "" {
		d.Note = fmt.Sprintf("to %q, which is no URL", shown)
		return
	}
	origin, err := credential.ParseOrigin(u.Scheme + "://" + u.Host)
	if err != nil {
		d.Note = fmt.Sprintf("to %q, which is no URL of http or https", shown)
		return
	}
	d.To = origin
	here, _ := credential.ParseOrigin(base.Scheme + "://" + base.Host)
	switch {
	case u.Scheme == "https" && s.want.configured(origin):
		d.State = Redirects
	case origin == here:
		d.Note = "to itself: " + shown
	}
}

// redirect says whether an answer sends somewhere else. 304 does not.
func redirect(r wire.Response) bool { return r.Status/100 == 3 && r.Status != 304 }

// matches says whether a body is the manifest that is asked for, as it is or
// unpacked.
func (s *scan) matches(m wire.Response) bool {
	if m.Truncated {
		return false
	}
	if s.want.Digest.Matches(m.Body) {
		return true
	}
	if !strings.EqualFold(strings.TrimSpace(m.Header.Get("Content-Encoding")), "gzip") {
		return false
	}
	z, err := gzip.NewReader(bytes.NewReader(m.Body))
	if err != nil {
		return false
	}
	plain, err := io.ReadAll(io.LimitReader(z, wire.DefaultLimit))
	return err == nil && s.want.Digest.Matches(plain)
}

// manifestOf says whether the body is any manifest at all.
func manifestOf(m wire.Response) bool {
	_, err := oci.ParseDocument(m.Body)
	return err == nil
}

// maybeRegistry says whether it makes sense to ask for a manifest where only a
// server said that there is a door.
func maybeRegistry(ping wire.Response) bool {
	return isRegistry(ping) || ping.Status == 401 || ping.Status == 403
}

// isRegistry says whether an answer to a path of the API is one of a registry.
func isRegistry(r wire.Response) bool {
	if r.Header.Has("Docker-Distribution-Api-Version") || len(marks(r.Header.Values("Www-Authenticate"))) > 0 {
		return true
	}
	if r.Status >= 400 {
		return slices.ContainsFunc(oci.ParseErrors(r.Body), func(e oci.Error) bool { return codes[e.Code] })
	}
	return r.Status == 200 && r.Whole() && string(bytes.TrimSpace(r.Body)) == "{}"
}

// codes are the error codes of distribution-spec that say what is asked.
var codes = map[string]bool{
	"UNAUTHORIZED": true, "DENIED": true, "NAME_UNKNOWN": true, "NAME_INVALID": true, "MANIFEST_UNKNOWN": true,
	"MANIFEST_INVALID": true, "BLOB_UNKNOWN": true, "UNSUPPORTED": true, "TOOMANYREQUESTS": true, "DIGEST_INVALID": true,
}

// sameChallenge says whether the door sends to the token service of the
// registry, for the same service.
func (s *scan) sameChallenge(r wire.Response) bool {
	return slices.ContainsFunc(marks(r.Header.Values("Www-Authenticate")), func(m string) bool { return slices.Contains(s.marks, m) })
}

var parameter = regexp.MustCompile(`(?i)(?:^|[\s,])(realm|service)="([^"]*)"`)

// marks are realm and service of the Bearer challenges in WWW-Authenticate. A
// realm of Basic is a text that many servers share, and marks none.
func marks(values []string) []string {
	var out []string
	for _, v := range values {
		scheme, rest, _ := strings.Cut(strings.TrimSpace(v), " ")
		if !strings.EqualFold(scheme, "Bearer") {
			continue
		}
		found := map[string]string{}
		for _, p := range parameter.FindAllStringSubmatch(rest, 8) {
			if key := strings.ToLower(p[1]); found[key] == "" {
				found[key] = p[2]
			}
		}
		if found["realm"] != "" && found["service"] != "" {
			out = append(out, found["realm"]+" "+found["service"])
		}
	}
	return out
}
