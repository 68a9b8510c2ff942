// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/regproof/regproof/credential"
	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/image"
	"github.com/regproof/regproof/oci"
	"github.com/regproof/regproof/wire"
)

// Saw is what an answer lets somebody see.
type Saw int

// Nothing: the answer says neither.
const (
	Nothing Saw = iota
	Served
	Denied
)

// Reply is what came of a question that somebody asked in his own name.
type Reply struct {
	Answer
	Saw     Saw
	What    string         // in a few words
	Content *image.Content // what was served, when it is known
}

// Read asks for content as an identity, nil for a stranger, with the login that
// the registry wants, and looks at what was served. It is asked at the first
// address; only questions of the same bytes and the same identity share an
// answer.
func (t *Trial) Read(ctx context.Context, id *Identity, a Attempt) Reply {
	if why := t.barred(id); why != "" {
		return Reply{Answer: Answer{NotAsked: why}, What: why}
	}
	r := Reply{Answer: t.ask(ctx, t.inName(id, a))}
	if t.door.sentinels.answered() {
		t.rounds.Go(func() { t.door.sentinels.check(ctx, t.group) })
	}
	r.Saw, r.What, r.Content = t.saw(ctx, id, a, &r.Answer)
	if r.Saw == Served && id != nil {
		t.door.run.lives.served(id.Name)
	}
	return r
}

// barred says why an identity is not asked here at all: its secret goes to the
// origins that it is bound to.
func (t *Trial) barred(id *Identity) string {
	if id == nil || id.Secret.Credential.IsZero() {
		return ""
	}
	o, err := credential.ParseOrigin(t.door.name())
	if err == nil {
		if _, ok := id.Secret.For(o); ok {
			return ""
		}
	}
	return fmt.Sprintf("the secret of %s does not go to %s, which its origins do not name", id.Name, t.door.name())
}

// inName is the question of an attempt in somebody's name.
func (t *Trial) inName(id *Identity, a Attempt) question {
	who := anonymous
	if id != nil {
		who = &id.Identity
	}
	return question{
		lane: t.door.first(), id: who, phase: phaseRights + 100*a.Again, request: a.Request, change: a.Change, limits: a.Limits,
		variant: true, fresh: a.Fresh, confirms: a.Confirms,
	}
}

// ReadAgain repeats what was served, on new connections, and says whether it
// was served each time. The exchanges are added to the reply.
func (t *Trial) ReadAgain(ctx context.Context, id *Identity, a Attempt, r *Reply) bool {
	always := true
	for n := range rightsConfirmations {
		a.Again, a.Fresh, a.Confirms = n+1, true, true
		again := t.Read(ctx, id, a)
		r.Trail = append(slices.Clone(r.Trail), again.Trail...)
		always = always && again.Saw == r.Saw
	}
	return always
}

// rightsConfirmations is how often what an identity should not have been given
// is asked for again.
const rightsConfirmations = 2

// saw looks at an answer. What it asks beside it is added to the trail.
func (t *Trial) saw(ctx context.Context, id *Identity, a Attempt, answer *Answer) (Saw, string, *image.Content) {
	if answer.Failure == wire.ClientCert {
		return Denied, inHandshake, nil
	}
	if why := unanswered(*answer); why != "" {
		return Nothing, why, nil
	}
	what := fmt.Sprintf("%d%s", answer.Status, errorCode(answer.Response))
	if answer.Grant.Refused {
		return Denied, "the token service refuses", nil
	}
	if c := t.matches(a, answer.Response); c != nil {
		return Served, what, c
	}
	switch s := answer.Status; {
	case s == http.StatusPartialContent && t.partial(a, *answer).Outcome == finding.Fail:
		return Served, what, a.Content
	case s/100 == 2 && a.Request.Method == http.MethodHead:
		return t.sawHead(ctx, id, a, answer)
	case s/100 == 2 && a.Request.Kind == oci.Manifest:
		return t.sawManifest(ctx, id, a, answer)
	case s/100 == 3:
		return t.sawRedirect(ctx, id, a, answer)
	}
	if answer.Status == http.StatusBadRequest && a.Request.Method == http.MethodHead { // the reason is in the body
		whole := a
		whole.Request.Method = http.MethodGet
		got := t.ask(ctx, t.inName(id, whole))
		answer.Trail = append(slices.Clone(answer.Trail), got.Trail...)
		if got.WantsCertificate() {
			return Denied, what + ": another client certificate is required", nil
		}
	}
	if t.refusal(answer) {
		return Denied, what, nil
	}
	return Nothing, what + ", which is neither content nor a denial", nil
}

// unanswered says why an answer is none.
func unanswered(a Answer) string {
	switch {
	case a.NotAsked != "":
		return a.NotAsked
	case a.Grant.Refused:
		return ""
	case a.Problem != "":
		return "the login could not be finished: " + a.Problem
	case a.Status == 0:
		return silence(a.Response)
	}
	return ""
}

// refusal says whether an answer is a denial: 401, 403 or 404, and not the word
// of a bot filter or a rate limit; or the refusal of a certificate.
func (t *Trial) refusal(a *Answer) bool {
	return a.Grant.Refused || a.WantsCertificate() || (wafMark(a.Response) == "" && denies(a.Status))
}

// sawHead: the digest or the size, and not of anything at all.
func (t *Trial) sawHead(ctx context.Context, id *Identity, a Attempt, answer *Answer) (Saw, string, *image.Content) {
	c := a.Content
	if c == nil || (answer.Header.Get("Docker-Content-Digest") != string(c.Digest) && answer.Header.Get("Content-Length") != fmt.Sprint(c.Size)) {
		return Nothing, "200 to HEAD without the digest or the size of the image", nil
	}
	absent := a
	absent.Request.Reference = randomDigest()
	other := t.ask(ctx, t.inName(id, absent))
	answer.Trail = append(slices.Clone(answer.Trail), other.Trail...)
	if !decides(other) || other.Status/100 == 2 {
		return Nothing, "200 to HEAD, also for a digest that does not exist", nil
	}
	return Served, "200 to HEAD", c
}

// sawManifest: another manifest than the known one is content too, unless a tag
// that does not exist has the same.
func (t *Trial) sawManifest(ctx context.Context, id *Identity, a Attempt, answer *Answer) (Saw, string, *image.Content) {
	doc, err := oci.ParseDocument(answer.Body)
	if err != nil || answer.Truncated {
		return Nothing, fmt.Sprintf("%d with something that is no manifest", answer.Status), nil
	}
	c := &image.Content{Kind: image.Manifest, Digest: oci.SHA256(answer.Body), MediaType: doc.Type(answer.Header.Get("Content-Type")), Size: answer.Size}
	if t.door.run.public.has(c.Digest) {
		return Nothing, "200 with a manifest that is public", nil
	}
	absent := a
	absent.Request.Reference = t.Nonce()
	other := t.ask(ctx, t.inName(id, absent))
	answer.Trail = append(slices.Clone(answer.Trail), other.Trail...)
	if !decides(other) || other.SHA256 == answer.SHA256 {
		return Nothing, "200 with the same manifest for a tag that does not exist", nil
	}
	return Served, "200", c
}

// sawRedirect: to storage with a signature the registry has authorised it; else
// what counts is what is there.
func (t *Trial) sawRedirect(ctx context.Context, id *Identity, a Attempt, answer *Answer) (Saw, string, *image.Content) {
	location := answer.Header.Get("Location")
	authorised := storageSignature(location) || (a.Content != nil && a.Content.Redirect != "" && image.StripQuery(location) == a.Content.Redirect)
	resp, trail, _ := t.follow(ctx, t.inName(id, a), answer.Response, answer.Trail)
	answer.Trail = trail
	if c := t.matches(a, resp); c != nil {
		return Served, fmt.Sprintf("%d to the bytes", answer.Status), c
	}
	if authorised && a.Content != nil {
		return Served, fmt.Sprintf("%d to storage, with a signature", answer.Status), a.Content
	}
	return Nothing, fmt.Sprintf("%d to a place that answers %d", answer.Status, resp.Status), nil
}

// Asked says that all questions of the trial were asked, and waits until it was
// seen whether the endpoint still answers as before.
func (t *Trial) Asked(ctx context.Context) { t.done(ctx) }

// Turn waits until it is the turn of what no other trial depends on.
func (t *Trial) Turn(ctx context.Context) { t.turn(ctx) }

// Stands says why the denial of an identity proves nothing, "" when it counts:
// it may be that of a rate limit or a ban, and an identity that was not seen
// alive, before and after it, is denied for what it is and not for what it may.
func (t *Trial) Stands(ctx context.Context, id *Identity, a Answer) (evidence []string, why string) {
	if tainted := t.door.sentinels.tainted(a.begin, a.end); tainted != "" && !signed(a.Response) && !a.Grant.Refused {
		return nil, doubt(tainted)
	}
	if id == nil {
		return nil, ""
	}
	evidence, why = t.Alive(ctx, id)
	if why != "" {
		return evidence, why
	}
	still := t.ask(ctx, question{lane: t.door.first(), id: &id.Identity, phase: phaseStill, variant: true, request: oci.Request{Method: http.MethodGet, Kind: oci.Ping}})
	evidence = append(slices.Clone(evidence), still.Trail...)
	if why := unanswered(still); why != "" || still.Status != http.StatusOK {
		return evidence, fmt.Sprintf("identity %s not proven live: /v2/ let it in at first, and then answered it %d", id.Name, still.Status)
	}
	return evidence, ""
}

// Shown is the exchange in which the entitled got what an attempt asks for: here,
// or at another endpoint of the same registry where here is not wanted. why says
// why there is none.
func (t *Trial) Shown(a Attempt, here bool) (control []string, why string) {
	control, kind := t.control(a)
	if kind == "" || (here && kind == sibling) {
		return nil, t.noControl("denied", kind, a.Content)
	}
	return control, ""
}

// Primes says why nothing private is read here in anybody's name, "" where it
// may be: through a shared cache it is such a read that makes others succeed.
func (t *Trial) Primes() string {
	switch {
	case t.group.cache:
		return t.group.ownProblem
	case t.door.ep.Cache && !(t.Allows(PrimesCache) && t.door.run.sandboxed(t.Repository())):
		return "it is a shared cache, through which nothing private is read (name the registry behind it with --endpoint)"
	}
	return ""
}

// Configure says what is missing where nothing is known of the rights of named
// identities.
const Configure = "name identities, and under policy.rules what each of them may do"

// unstated says why nothing is intended for named identities, "" where something
// is.
func (t *Trial) unstated() string {
	p, ok := t.door.run.opts.Policy.(interface{ NamesAnybody() bool })
	switch {
	case len(t.Identities()) == 0:
		return "no named identity was given: " + Configure
	case ok && !p.NamesAnybody():
		return "policy says nothing of named identities: " + Configure
	}
	return ""
}

// Refusal looks at an answer that can hold no content.
func (t *Trial) Refusal(a Answer) Reply {
	r := Reply{Answer: a}
	if a.Failure == wire.ClientCert {
		r.Saw, r.What = Denied, inHandshake
		return r
	}
	if r.What = unanswered(a); r.What != "" {
		return r
	}
	r.What = fmt.Sprintf("%d%s", a.Status, errorCode(a.Response))
	switch {
	case a.Grant.Refused:
		r.Saw, r.What = Denied, "the token service refuses"
	case t.refusal(&a):
		r.Saw = Denied
	default:
		r.What += ", which is no denial"
	}
	return r
}

// RandomDigest is one that nothing has.
func RandomDigest() string { return randomDigest() }
