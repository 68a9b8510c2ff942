// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/wire"
)

// Storage asks the object storage behind the registry without a signature.
var Storage = probe.Probe{
	ID:    "exposure/storage",
	Title: "The storage behind the registry is not public",
	Why: "Registries send clients to an object store for layers. If its bucket is public, " +
		"every image in it can be read around the registry and all its rules, and nothing of " +
		"that stands in the registry's log.",
	How: []string{
		"where this endpoint sends the entitled for a layer of the first private image, once per endpoint: the same URL without its query, as a stranger",
		"bytes of the layer are critical: they are their own proof",
		"GET of the bucket with ?list-type=2&max-keys=1 and the prefix of the repository: an S3 listing alone is low, since it was not reproduced on a real store; medium when it names the repository",
		"only the host that the registry itself redirects to; it is asked for a list only if it is named in registries[].redirects, and for anything only if it is named there or public",
	},
	Fix:      "Make the bucket private and block public access (S3: Block Public Access; MinIO: mc anonymous set none), and let a CDN before it ask for signatures.",
	NotWhen:  "Every image in the bucket is meant to be public.",
	Severity: finding.Critical,
	Control:  "storage",
	Effect:   probe.Read,
	Per:      probe.Repository,
	Needs:    []probe.Need{probe.NeedContent},
	Run:      storage,
}

func storage(ctx context.Context, t *probe.Trial) probe.Result {
	c, answer, r := redirected(ctx, t)
	if c == nil {
		return r
	}
	location := answer.Header.Get("Location")
	bare := image.StripQuery(location)
	limits := image.Limits{Limit: image.SmallBlob, Keep: image.SmallBlob}
	if c.Size >= 0 {
		limits.Limit = min(max(c.Size+1, 64<<10), image.SmallBlob)
	}
	if len(c.Sample) > 0 && c.Offset > 0 {
		limits.KeepFrom, limits.Keep = c.Offset, int64(len(c.Sample))
	}
	resp, why := t.Storage(ctx, bare, limits)
	r = fold(r, unsigned(c, location, resp, why))
	if r.Outcome == finding.Fail {
		return r
	}
	if !t.Named(bare) {
		r.Reason += "; its bucket was not asked for a list, since it is not named in registries[].redirects"
		return r
	}
	for _, list := range listings(bare, t.Repository()) {
		resp, why := t.Storage(ctx, list, image.Limits{Limit: 256 << 10})
		r = fold(r, listing(t.Repository(), resp, why))
		if r.Outcome == finding.Fail {
			break
		}
	}
	return r
}

// redirected finds a layer of the image for which this endpoint sends the
// entitled elsewhere; without one, the result says why.
func redirected(ctx context.Context, t *probe.Trial) (*image.Content, probe.Answer, probe.Result) {
	r := probe.Result{Outcome: finding.Unknown, Observed: "unknown", Attempts: 1}
	if !t.Chosen() {
		return nil, probe.Answer{}, probe.NotApplicable("it is asked once per endpoint, in the first private repository")
	}
	layers := slices.DeleteFunc(t.Private(t.Known().Layers), func(c *image.Content) bool { return c.Redirect == "" || !c.Verified })
	if len(layers) == 0 {
		return nil, probe.Answer{}, probe.NotApplicable("nobody was sent to another place for a layer")
	}
	c := layers[0]
	a := t.Redirected(ctx, c)
	r.Evidence, r.Address, r.Protocol = a.Trail, address(a), string(wire.HTTP11)
	r.Subject = &finding.Subject{Kind: string(c.Kind), Digest: string(c.Digest), MediaType: c.MediaType}
	switch {
	case a.Problem != "":
		r.Reason = "no control: " + a.Problem
		return nil, a, r
	case a.Failure != "":
		r.Reason = "no control: " + string(a.Failure)
		return nil, a, r
	case a.Status/100 == 2:
		return nil, a, probe.NotApplicable("this endpoint serves layers itself")
	case a.Status/100 != 3 || a.Header.Get("Location") == "":
		r.Reason = fmt.Sprintf("no control: the entitled were answered %d", a.Status)
		return nil, a, r
	}
	r.Control = append(slices.Clone(c.Evidence), a.Trail...)
	return c, a, r
}

// unsigned judges what a stranger got for the object itself.
func unsigned(c *image.Content, location string, resp wire.Response, why string) probe.Verdict {
	v := probe.Verdict{Outcome: finding.Unknown, Evidence: trail(resp)}
	same := resp.Status/100 == 2 && (resp.Whole() && resp.SHA256 == c.Digest.Encoded() ||
		len(c.Sample) >= 64 && c.Offset >= 1024 && resp.Request.KeepFrom == c.Offset && bytes.Equal(resp.Body, c.Sample))
	switch {
	case why != "":
		v.Reason = "the storage was not asked: " + why
	case same && !signed(location) && secretPath(location, c.Digest.Encoded()):
		v.Reason = "the storage serves the layer to strangers, but its path holds what may be a secret"
	case same:
		v.Outcome, v.Severity = finding.Fail, finding.Critical
		v.Reason = "the storage serves the bytes without a signature"
		v.Message = fmt.Sprintf("layer %s is served by the storage at %s to anybody", c.Digest.Short(), resp.Request.Host)
	case resp.Status == http.StatusUnauthorized || resp.Status == http.StatusForbidden || resp.Status == http.StatusNotFound:
		v.Outcome, v.Reason = finding.Pass, fmt.Sprintf("the storage answers %d without the signature, own control", resp.Status)
	default:
		v.Reason = fmt.Sprintf("the storage answers %d with something else than the layer", resp.Status)
	}
	return v
}

// listing judges what a stranger got for a list of the bucket.
func listing(repository string, resp wire.Response, why string) probe.Verdict {
	v := probe.Verdict{Outcome: finding.Unknown, Evidence: trail(resp)}
	switch {
	case why != "":
		v.Reason = "the bucket was not asked: " + why
	case resp.Status == http.StatusOK && bytes.Contains(resp.Body, []byte("<ListBucketResult")):
		v.Outcome, v.Severity = finding.Fail, finding.Low
		v.Reason = "the storage lists its bucket to strangers"
		v.Message = fmt.Sprintf("the bucket at %s is listed to anybody", resp.Request.Host)
		if bytes.Contains(resp.Body, []byte("<Key>")) && bytes.Contains(resp.Body, []byte("/repositories/"+repository+"/")) {
			v.Severity = finding.Medium
			v.Message += ", and names the private repository"
		}
	case resp.Status/100 == 4 && resp.Status != http.StatusTooManyRequests && resp.Status != http.StatusRequestTimeout:
		v.Outcome, v.Reason = finding.Pass, fmt.Sprintf("the storage answers %d for a list", resp.Status)
	case resp.Status == http.StatusOK:
		v.Outcome, v.Reason = finding.Pass, "200 with something that is no list of a bucket"
	default:
		v.Reason = fmt.Sprintf("the storage answers %d for a list", resp.Status)
	}
	return v
}

// fold adds one verdict to a result: the first of the gravest outcome counts.
func fold(r probe.Result, v probe.Verdict) probe.Result {
	r.Evidence = append(r.Evidence[:len(r.Evidence):len(r.Evidence)], v.Evidence...)
	if r.Reason != "" && finding.Worse(r.Outcome, v.Outcome) == r.Outcome {
		return r
	}
	r.Outcome, r.Severity, r.Reason, r.Message = v.Outcome, v.Severity, v.Reason, v.Message
	switch v.Outcome {
	case finding.Fail:
		r.Observed = "allow"
	case finding.Pass:
		r.Observed = "deny"
	}
	return r
}

func trail(resp wire.Response) []string {
	if resp.ID == "" {
		return nil
	}
	return []string{resp.ID}
}

// root is where the folder of distribution's registry begins in a bucket.
const root = "docker/registry/v2/"

// listings are the URLs at which S3 would list the objects of a repository: of
// a bucket that is in the host's name, and of one that begins the path.
func listings(bare, repository string) []string {
	u, err := url.Parse(bare)
	if err != nil || u.Host == "" {
		return nil
	}
	before, _, ok := strings.Cut(strings.TrimPrefix(u.Path, "/"), root)
	if !ok {
		return nil
	}
	list := func(bucket, above string) string {
		q := url.Values{"list-type": {"2"}, "max-keys": {"1"}, "prefix": {above + root + "repositories/" + repository + "/"}}
		return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: bucket, RawQuery: q.Encode()}).String()
	}
	out := []string{list("/", before)}
	if bucket, above, ok := strings.Cut(before, "/"); ok {
		out = append(out, list("/"+bucket+"/", above))
	}
	return out
}

// secretPath says whether the path of a URL holds a long word of letters and
// digits beside the digest: who knows such a path may have been meant to.
func secretPath(location, digest string) bool {
	path := image.StripQuery(location)
	if u, err := url.Parse(location); err == nil {
		path = u.Path
	}
	path = strings.ReplaceAll(path, digest, "")
	for _, word := range longWord.FindAllString(path, -1) {
		if strings.ContainsAny(word, "0123456789") && strings.Trim(word, "0123456789") != "" {
			return true
		}
	}
	return false
}

var longWord = regexp.MustCompile(`[A-Za-z0-9_=+-]{16,}`)
