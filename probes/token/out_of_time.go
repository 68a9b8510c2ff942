// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"time"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// outOfTime shows the registry tokens of another time, signed by the key of the
// token service where the configuration gives it: nothing is waited for then.
// The zero result is that there is none to sign with.
func outOfTime(ctx context.Context, t *probe.Trial) probe.Result {
	if t.Signing() == nil {
		return probe.Result{}
	}
	m := templateOf(ctx, t)
	if m.result.Outcome != "" {
		return probe.Result{}
	}
	if r, known := lenience(ctx, t).issued(t); known {
		return r
	}
	now, hour := time.Now().Unix(), int64(time.Hour/time.Second)
	var forms []form
	for name, claims := range map[string]map[string]any{
		"signed well, over for an hour":                 {"iat": now - 2*hour, "nbf": now - 2*hour, "exp": now - hour},
		"signed well, not good before an hour from now": {"iat": now, "nbf": now + hour, "exp": now + 2*hour},
	} {
		if f, ok := m.signed(t, name, "The time of a token is not compared with the clock.", claims, nil); ok {
			f.with = "a token of another time"
			forms = append(forms, f)
		}
	}
	forms, why := m.signable(ctx, t, forms)
	if why != "" {
		return probe.Result{Outcome: finding.Unknown, Reason: why}
	}
	return m.say(present(ctx, t, forms, false))
}
