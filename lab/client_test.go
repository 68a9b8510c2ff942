// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/regproof/regproof/lab"
)

// TestOrdinaryClient pulls every image as crane would, and has it validated:
// what the lab stores are images, not only bytes with the right digest.
func TestOrdinaryClient(t *testing.T) {
	l := open(t)
	user, password := l.User()
	for _, weakness := range []string{"sound-basic", "sound-token", "sound-referrers", "hides-404", "presigned-sound"} {
		d := door(t, l, lab.DoorOptions{Weaknesses: []string{weakness}})
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		for _, i := range l.Images() {
			ref, err := name.ParseReference(strings.TrimPrefix(d.URL(), "http://") + "/" + i.Reference())
			if err != nil {
				t.Fatal(err)
			}
			got, err := remote.Get(ref, remote.WithContext(t.Context()), remote.WithTransport(transport),
				remote.WithAuth(&authn.Basic{Username: user, Password: password}))
			if err != nil {
				t.Errorf("%s: %s: %v", weakness, ref, err)
				continue
			}
			if i.Index {
				index, err := got.ImageIndex()
				if err != nil {
					t.Fatal(err)
				}
				if err := validate.Index(index); err != nil {
					t.Errorf("%s: %s: %v", weakness, ref, err)
				}
				continue
			}
			image, err := got.Image()
			if err != nil {
				t.Fatal(err)
			}
			if err := validate.Image(image); err != nil {
				t.Errorf("%s: %s: %v", weakness, ref, err)
			}
		}
	}
}
