// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/wire"
)

// Content judges an answer by its content: it is a leak if the bytes are the
// image's, a denial if it says so and something was there to be denied, and
// otherwise proves nothing.
func Content(ctx context.Context, t *Trial, a Attempt, answer Answer) Verdict {
	switch {
	case answer.Failure != "" && answer.Status == 0:
		return t.denial(ctx, a, answer)
	case answer.Status == http.StatusPartialContent:
		return t.partial(a, answer)
	case answer.Status/100 == 2:
		return t.leak(ctx, a, answer)
	case answer.Status == http.StatusNotModified:
		return t.notModified(ctx, a, answer)
	case answer.Status/100 == 3:
		return t.redirect(ctx, a, answer)
	}
	if c := t.matches(a, answer.Response); c != nil {
		return t.leaked(a, answer, c, fmt.Sprintf("served under a status of %d", answer.Status))
	}
	return t.denial(ctx, a, answer)
}

// leak judges a 2xx.
func (t *Trial) leak(ctx context.Context, a Attempt, answer Answer) Verdict {
	if a.Request.Method == http.MethodHead {
		return t.head(ctx, a, answer)
	}
	answer = t.unpackable(ctx, a, answer)
	if c := t.matches(a, answer.Response); c != nil {
		return t.leaked(a, answer, c, "served")
	}
	if a.Request.Kind == oci.Manifest {
		if v, ok := t.otherManifest(ctx, a, answer); ok {
			return v
		}
	}
	if html(answer.Response) {
		return t.htmlDenial(ctx, a, answer)
	}
	if !answer.Whole() {
		return Verdict{Outcome: finding.Unknown, Reason: fmt.Sprintf("%d, and the body could not be read to its end: %s", answer.Status, brief(answer.Response))}
	}
	return Verdict{Outcome: finding.Unknown, Reason: fmt.Sprintf("%d with bytes that are neither the image's nor a denial", answer.Status)}
}

// unpackable asks again for what is compressed and was kept in part, since a
// part of that is nothing.
func (t *Trial) unpackable(ctx context.Context, a Attempt, answer Answer) Answer {
	kept := int64(len(answer.Body)) == answer.Size && !answer.Truncated
	if !answer.Header.Has("Content-Encoding") || kept || answer.Failure != "" || (answer.Truncated && answer.Request.Limit >= image.SmallBlob) {
		return answer
	}
	whole := t.ask(ctx, question{
		lane: laneOf(answer), id: anonymous, phase: a.phase(), request: a.Request, change: a.Change, limits: image.Limits{Limit: image.SmallBlob}, lent: t.lend(a),
		variant: a.Class == Variant, direct: a.Direct, bare: a.Bare, fresh: a.Fresh,
	})
	if whole.Status != answer.Status {
		return answer
	}
	whole.Trail = append(answer.Trail, whole.Trail...)
	return whole
}

// unread says whether what was served cannot be judged: it broke off, or it is
// packed in a way that is not unpacked.
func unread(resp wire.Response) bool {
	coding := strings.ToLower(resp.Header.Get("Content-Encoding"))
	return resp.Failure != "" || (resp.Size > 0 && coding != "" && coding != "identity" && unzip(resp) == nil)
}

// matches finds the content whose bytes the answer holds: by the digest of the
// raw or unzipped body, or for a body that was too large by a part of it. That
// the answer broke off afterwards takes nothing from that.
func (t *Trial) matches(a Attempt, resp wire.Response) *image.Content {
	k := t.Known()
	if k == nil {
		return nil
	}
	if c := k.Lookup(resp.SHA256); c != nil && t.own(c.Digest) {
		return c
	}
	if plain := unzip(resp); plain != nil {
		if c := k.Lookup(oci.SHA256(plain).Encoded()); c != nil && t.own(c.Digest) {
			return c
		}
	}
	if d := a.Content; d != nil && d.Digest.Algorithm() != "sha256" && int64(len(resp.Body)) == resp.Size && d.Digest.Matches(resp.Body) {
		return d
	}
	if c := a.Content; c != nil && len(c.Sample) >= 64 && c.Offset >= 1024 && a.Limits.KeepFrom == c.Offset && bytes.Equal(resp.Body, c.Sample) {
		return c
	}
	return nil
}

// maxUnzip bounds how far a compressed answer is unpacked, in bytes.
const maxUnzip = 8 << 20

func unzip(resp wire.Response) []byte {
	if !strings.Contains(strings.ToLower(resp.Header.Get("Content-Encoding")), "gzip") || int64(len(resp.Body)) != resp.Size {
		return nil
	}
	z, err := gzip.NewReader(bytes.NewReader(resp.Body))
	if err != nil {
		return nil
	}
	plain, err := io.ReadAll(io.LimitReader(z, maxUnzip))
	if err != nil || len(plain) == maxUnzip {
		return nil
	}
	return plain
}

// otherManifest judges a 200 whose manifest is not among the known: what the
// entitled get for the very same request is known too; so is what names a
// layer of this image; anything else that parses is other content under a
// private name.
func (t *Trial) otherManifest(ctx context.Context, a Attempt, answer Answer) (Verdict, bool) {
	body := answer.Body
	if plain := unzip(answer.Response); plain != nil {
		body = plain
	}
	doc, err := oci.ParseDocument(body)
	if err != nil || answer.Truncated {
		return Verdict{}, false
	}
	c := &image.Content{Kind: image.Manifest, Digest: oci.SHA256(body), MediaType: doc.Type(answer.Header.Get("Content-Type")), Size: int64(len(body))}
	if same, trail := t.sameForRandom(ctx, a, answer, func(r Answer) bool { return r.Status == answer.Status && r.SHA256 == answer.SHA256 }); same {
		return Verdict{Outcome: finding.Unknown, Reason: "200 with the same manifest for a name that does not exist", Evidence: append(answer.Trail, trail...)}, true
	}
	if t.Known() == nil {
		return t.leaked(a, answer, c, "served"), true
	}
	if t.door.run.public.has(c.Digest) {
		return Verdict{}, false
	}
	if same, trail := t.entitledGets(ctx, a, answer.Response); same {
		v := t.leaked(a, answer, c, "served")
		v.Control = trail
		return v, true
	}
	if t.Known().Names(doc, t.own) {
		return t.leaked(a, answer, c, "served"), true
	}
	v := t.leaked(a, answer, c, "served")
	v.Severity = finding.High
	v.Message = fmt.Sprintf("a stranger gets a manifest (%s) under the private name, though not the one that the entitled get", c.Digest.Short())
	v.Reason = "other content under a private name"
	return v, true
}

// entitledGets repeats the request as the entitled identity and compares.
func (t *Trial) entitledGets(ctx context.Context, a Attempt, resp wire.Response) (bool, []string) {
	id := t.subject.entitled
	if id == nil || t.group.own == nil {
		return false, nil
	}
	again := t.ask(ctx, question{lane: t.door.first(), id: id, phase: phaseEntitled, request: a.Request, change: a.Change, limits: a.Limits, variant: true})
	return again.Status == 200 && again.Whole() && again.SHA256 == resp.SHA256, again.Trail
}

// leaked is the verdict for content in a stranger's hands.
func (t *Trial) leaked(a Attempt, answer Answer, c *image.Content, how string) Verdict {
	l := t.lend(a)
	v := Verdict{
		Outcome: finding.Fail, Reason: how + " " + l.alone(),
		Evidence: answer.Trail, Control: t.controlOf(c), Subject: subjectOf(c),
	}
	who := l.alone()
	if answer.Grant.Header != "" {
		who = l.and("with a token that the token service gives to anybody")
		v.Reason = how + " to an anonymous token"
	}
	v.Message = fmt.Sprintf("%s %s is %s %s", article(c), c.Digest.Short(), how, who)
	switch {
	case a.With != "":
		v.Reason = how + " to " + l.and(a.With)
		v.Message = fmt.Sprintf("%s %s is %s to %s", article(c), c.Digest.Short(), how, l.and(a.With))
		if a.Variant != "" {
			v.Message += " (" + a.Variant + ")"
		}
	case a.Variant != "":
		v.Message += ", when asked with " + a.Variant
	}
	return v
}

func article(c *image.Content) string {
	switch c.Kind {
	case image.Index:
		return "the index"
	case image.Config:
		return "the config"
	case image.Layer:
		return "layer"
	}
	return "the manifest"
}

// partial judges a 206: the bytes at a random place, and the total length.
func (t *Trial) partial(a Attempt, answer Answer) Verdict {
	c := a.Content
	if c == nil {
		return Verdict{Outcome: finding.Unknown, Reason: "206 to a request without Range"}
	}
	body := answer.Body
	rng := answer.Header.Get("Content-Range")
	if strings.HasPrefix(strings.ToLower(answer.Header.Get("Content-Type")), "multipart/byteranges") {
		if i := bytes.Index(body, c.Sample); i >= 0 && len(c.Sample) >= 64 {
			return t.leaked(a, answer, c, "served in part")
		}
	}
	if len(c.Sample) > 0 && bytes.Equal(body, c.Sample) && strings.HasSuffix(rng, fmt.Sprintf("/%d", c.Size)) {
		return t.leaked(a, answer, c, "served in part")
	}
	if got := t.matches(a, answer.Response); got != nil {
		return t.leaked(a, answer, got, "served")
	}
	return Verdict{Outcome: finding.Unknown, Reason: "206 with other bytes than the image's"}
}

// head judges a 200 to HEAD: it tells the digest, and not of anything at all.
func (t *Trial) head(ctx context.Context, a Attempt, answer Answer) Verdict {
	c := a.Content
	if c == nil {
		return Verdict{Outcome: finding.Unknown, Reason: "200 to HEAD, and nothing to compare it with"}
	}
	digest := answer.Header.Get("Docker-Content-Digest")
	if digest == "" && html(answer.Response) {
		same, trail := t.sameForRandom(ctx, a, answer, func(r Answer) bool { return r.Status == answer.Status && html(r.Response) })
		v := Verdict{Outcome: finding.Unknown, Reason: "200 to HEAD with an HTML type"}
		if same {
			v = t.denied(a, "200 with the type of a login page, as for every name", true)
		}
		v.Evidence = append(answer.Trail, trail...)
		return v
	}
	length := answer.Header.Get("Content-Length")
	if digest != string(c.Digest) && (length != fmt.Sprint(c.Size) || html(answer.Response)) {
		return Verdict{Outcome: finding.Unknown, Reason: "200 to HEAD without the digest or the size of the image"}
	}
	absent := a.Request
	absent.Reference = randomDigest()
	other := t.ask(ctx, question{lane: laneOf(answer), id: anonymous, phase: a.phase(), request: absent, change: a.Change, variant: true, lent: t.lend(a)})
	if !decides(other) {
		return Verdict{Outcome: finding.Unknown, Reason: "200 to HEAD, and no answer for a digest that does not exist"}
	}
	if other.Status == 200 {
		return Verdict{Outcome: finding.Unknown, Reason: "200 to HEAD, also for a digest that does not exist"}
	}
	v := t.leaked(a, answer, c, "confirmed")
	v.Evidence = append(v.Evidence, other.Trail...)
	v.Message = fmt.Sprintf("HEAD tells digest, size and type of %s %s without credentials", article(c), c.Digest.Short())
	return v
}

// notModified judges a 304: to the right validator, and not to any.
func (t *Trial) notModified(ctx context.Context, a Attempt, answer Answer) Verdict {
	other := t.ask(ctx, question{lane: laneOf(answer), id: anonymous, phase: a.phase(), request: a.Request, limits: a.Limits, variant: true, lent: t.lend(a), change: func(r *wire.Request) {
		if a.Change != nil {
			a.Change(r)
		}
		r.Header = append(without(r.Header, "If-None-Match"), [2]string{"If-None-Match", `"` + randomDigest() + `"`})
	}})
	if !decides(other) {
		return Verdict{Outcome: finding.Unknown, Reason: "304, and no answer to another validator"}
	}
	if other.Status == http.StatusNotModified || a.Content == nil {
		return Verdict{Outcome: finding.Unknown, Reason: "304 to any validator"}
	}
	v := t.leaked(a, answer, a.Content, "confirmed")
	v.Evidence = append(v.Evidence, other.Trail...)
	v.Severity = finding.Medium
	if other.Status/100 == 2 {
		if c := t.matches(a, other.Response); c != nil {
			v = t.leaked(a, other, c, "served")
		}
	}
	return v
}

// decides says whether a counter-question was answered at all.
func decides(a Answer) bool {
	return a.NotAsked == "" && a.Failure == "" && a.Status != http.StatusTooManyRequests && a.Status < 500
}

func html(resp wire.Response) bool {
	return strings.Contains(strings.ToLower(resp.Header.Get("Content-Type")), "html")
}

func laneOf(a Answer) Lane { return Lane{Address: a.Request.Address, Proto: a.Request.Proto} }

func brief(resp wire.Response) string {
	if resp.Err != nil {
		return string(resp.Failure)
	}
	return fmt.Sprintf("larger than %d bytes", resp.Request.Limit)
}
