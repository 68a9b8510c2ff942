// SPDX-License-Identifier: Apache-2.0

package credential

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// redacted is all that any formatter ever shows of a Secret, set or not.
const redacted = "[redacted]"

// Secret is a password or a token that does not print. Only [Secret.Reveal] gives it out.
// The zero value is no secret.
type Secret struct {
	// == would compare addresses: Equal is the comparison.
	_ [0]func()
	// A pointer, because fmt does not call Format on the unexported fields of a
	// surrounding struct: it walks them by reflection, and stops at a nested pointer.
	v *string
}

// NewSecret wraps a secret. The empty string gives the zero Secret.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{v: &s}
}

// Reveal returns the secret itself, for the one place that writes it on the wire.
func (s Secret) Reveal() string {
	if s.v == nil {
		return ""
	}
	return *s.v
}

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.v == nil }

// Equal reports whether both hold the same secret, in a time that depends on their lengths alone.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// String returns "[redacted]".
func (s Secret) String() string { return redacted }

// GoString returns "[redacted]".
func (s Secret) GoString() string { return redacted }

// Format writes "[redacted]" for every verb and flag.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[redacted]".
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns "[redacted]" as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// LogValue returns "[redacted]".
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
