// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// Signature shows tokens that were changed, or are not signed.
var Signature = probe.Probe{
	ID:    "token/signature",
	Title: "A token that was changed, or that nobody signed, opens nothing",
	Why: "Whoever can write a token himself is whoever he says he is. A gateway that reads a " +
		"token and does not verify it has no lock at all.",
	How: []string{
		"tokens for the image with a signature that is random, of zeros, of another token, of a key of our own under the issuer's key id, or missing, with and without its dot",
		"the token of who may pull the image with one bit of the signature changed; with other rights and another subject under the old signature; the stranger's token with the right to pull written into it",
		"where the issuer signs by HMAC, its secret is looked for among some seventy that everybody tries first and the names in its tokens, here and without a request; tokens that are signed with it are tried",
		"content is a failure; where no token of the issuer can be read, the claims are guessed from the challenge",
	},
	Fix:      "Verify the signature of every token against the issuer's keys, with a maintained library, before anything of it is read.",
	NotWhen:  "Never.",
	Severity: finding.Critical,
	Control:  "token-signature",
	Effect:   probe.Read,
	Per:      probe.Once,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		m := templateOf(ctx, t)
		if m.result.Outcome != "" {
			return m.result
		}
		if l := lenience(ctx, t); l.anything {
			return t.Told("any bearer opens it", "ingress/authorization")
		}
		return m.say(present(ctx, t, m.signatures(t), false))
	},
}

// say tells what forgeries were made from.
func (m *template) say(r probe.Result) probe.Result {
	if r.Outcome == finding.Pass && m.real == "" && m.stranger == nil {
		r.Reason += "; no token of the issuer could be read, so that issuer, audience and algorithm were guessed"
	}
	return r
}

const unverified = "The signature is not verified."

// made is a form of what the template makes: shown, unless it tells of a user.
func (m *template) made(name, token, cause string) form {
	return form{name: name, token: token, cause: cause, secret: m.secret}
}

func (m *template) junkSigned() form {
	return m.made("a signature of random bytes", m.base.by(bytesOf(m.junk)), unverified)
}

// stripped names the issuer's own algorithm, and has no signature.
func (m *template) stripped() form {
	return m.made("the signature left out", m.base.by(unsigned), "What is not signed is not verified.")
}

func (m *template) none() form {
	return m.made("alg none, not signed", m.base.with(map[string]any{"alg": "none"}).by(unsigned), byHeader)
}

func (m *template) signatures(t *probe.Trial) []form {
	forms := []form{
		m.junkSigned(),
		m.stripped(),
		m.made("the signature and its dot left out", m.base.input(), "What is not signed is not verified."),
		m.made("a signature of zeros", m.base.by(bytesOf(make([]byte, len(m.junk)))), "The numbers of an ECDSA signature are not checked for zero, as in CVE-2022-21449."),
		m.made("a signature by another key", m.base.by(m.own.sign), unverified),
	}
	if m.stranger != nil {
		widened := jws{text(m.stranger.Header), text(m.stranger.Claims)}.claiming(map[string]any{"access": []any{allows(t.Name(t.Repository()), "pull")}})
		forms = append(forms, form{name: "the stranger's token with the right to pull written into it", token: widened.input() + "." + m.stranger.RawSignature, cause: unverified, secret: true})
		if m.real != "" {
			forms = append(forms, form{name: "the signature of another token", token: join(m.jwt.RawHeader, m.jwt.RawPayload, m.stranger.RawSignature), cause: unverified, secret: true})
		}
	}
	if real, ok := m.faithful(); ok {
		widened := real.claiming(map[string]any{"access": []any{allows(t.Name(t.Repository()), "pull", "push", "delete")}, "sub": t.Nonce()})
		forms = append(forms,
			form{name: "one bit of the signature changed", token: join(m.jwt.RawHeader, m.jwt.RawPayload, flipped(m.signature())), cause: unverified, secret: true},
			form{name: "more rights and another subject under the old signature", token: join(encode(widened.header), encode(widened.payload), m.jwt.RawSignature), cause: unverified, secret: true},
		)
	}
	return append(forms, m.withGuessed()...)
}

func join(parts ...string) string { return strings.Join(parts, ".") }

// flipped is the signature with one bit in its midst changed: the last ones of
// its last letter may be padding, which decoders drop.
func flipped(signature []byte) string {
	out := append([]byte{}, signature...)
	if len(out) > 0 {
		out[len(out)/2] ^= 1
	}
	return encode(out)
}
