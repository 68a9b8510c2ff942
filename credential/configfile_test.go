// SPDX-License-Identifier: Apache-2.0

package credential_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/regproof/regproof/credential"
)

func TestLookupEntries(t *testing.T) {
	type secrets struct{ User, Password, Token, Refresh string }
	raw := func(s string) string { return strings.TrimRight(b64(s), "=") }
	for name, tt := range map[string]struct {
		entry string
		want  secrets
	}{
		"auth":                    {`{"auth":"` + b64("u:p") + `"}`, secrets{"u", "p", "", ""}},
		"colons in the password":  {`{"auth":"` + b64("u:p:q:") + `"}`, secrets{"u", "p:q:", "", ""}},
		"without padding":         {`{"auth":"` + raw("u:pw") + `"}`, secrets{"u", "pw", "", ""}},
		"trailing NULs":           {`{"auth":"` + b64("u:p\x00\x00") + `"}`, secrets{"u", "p", "", ""}},
		"separate keys":           {`{"username":"u","password":"p"}`, secrets{"u", "p", "", ""}},
		"auth overrides":          {`{"auth":"` + b64("a:b") + `","username":"u","password":"p"}`, secrets{"a", "b", "", ""}},
		"identitytoken":           {`{"identitytoken":"r"}`, secrets{"", "", "", "r"}},
		"Azure":                   {`{"auth":"` + b64("0000:") + `","identitytoken":"r"}`, secrets{"0000", "", "", "r"}},
		"registrytoken":           {`{"registrytoken":"t"}`, secrets{"", "", "t", ""}},
		"all":                     {`{"auth":"` + b64("u:p") + `","identitytoken":"r","registrytoken":"t"}`, secrets{"u", "p", "t", "r"}},
		"<token>":                 {`{"auth":"` + b64("<token>:r") + `"}`, secrets{"", "", "", "r"}},
		"other keys are no fault": {`{"auth":"` + b64("u:p") + `","email":"e","x":[1]}`, secrets{"u", "p", "", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]string{".docker/config.json": `{"auths":{"` + host + `":` + tt.entry + `,"broken.example":[7]},"proxies":{"a":1}}`})
			c, err := w.lookup(host).Credential(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got := secrets{c.Username, c.Password.Reveal(), c.Token.Reveal(), c.Refresh.Reveal()}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLookupBroken(t *testing.T) {
	const file = "~/.docker/config.json"
	for name, tt := range map[string]struct{ config, want string }{
		"syntax":               {"{\n  \"auths\": {x}\n}", file + ":2:13: not valid JSON: repair it, or name another one"},
		"secret unquoted":      {`{"auths":{"` + host + `":{"password":` + hush + `}}}`, file + ":1:"},
		"column in characters": {"{\"é\": x}", file + ":1:7: not valid JSON"},
		"ends too early":       {"{\n\"auths\": {", file + ":2:11: the JSON ends too early"},
		"trailing":             {"{}\n{}", file + ":2:1: not valid JSON"},
		"empty":                {" \n", file + ": the file is empty"},
		"array":                {"[]", file + ":1:1: expected an object"},
		"null":                 {"null", file + ": expected a JSON object"},
		"auths is a list":      {`{"auths":[]}`, "auths: expected an object"},
		"helper no string":     {`{"credHelpers":{"a":12345}}`, "expected a string"},
		"store no string":      {`{"credsStore":{}}`, "credsStore: expected a string"},
		"entry no object":      {`{"auths":{"` + host + `":"` + hush + `"}}`, file + ` auths["` + host + `"]: expected an object`},
		"password number":      {`{"auths":{"` + host + `":{"username":"u","password":8675309}}}`, file + ` auths["` + host + `"]: password: expected a string: log in again`},
		"not base64":           {`{"auths":{"` + host + `":{"auth":"` + hush + `!"}}}`, `auths["` + host + `"]: auth is not base64`},
		"URL base64":           {`{"auths":{"` + host + `":{"auth":"dTp-fn4_"}}}`, "auth is not base64"},
		"no colon":             {`{"auths":{"` + host + `":{"auth":"` + b64(hush) + `"}}}`, "auth is not base64 of USER:PASSWORD"},
		"no user":              {`{"auths":{"` + host + `":{"auth":"` + b64(":"+hush) + `"}}}`, "auth is not base64 of USER:PASSWORD"},
		"no password":          {`{"auths":{"` + host + `":{"auth":"` + b64("u:") + `"}}}`, "a user name without a secret"},
		"password alone":       {`{"auths":{"` + host + `":{"password":"` + hush + `"}}}`, "a secret without a user name"},
		"token with spaces":    {`{"auths":{"` + host + `":{"registrytoken":"` + hush + ` x"}}}`, "registrytoken: the token contains white space"},
		"ambiguous":            {auths("https://"+host+"/v1/", "a", "https://"+host+"/v2/", "b"), file + ` auths: "https://` + host + `/v1/" and "https://` + host + `/v2/" both mean ` + host + ` and differ: remove one`},
		"ambiguous helpers":    {`{"credHelpers":{"https://` + host + `":"a","http://` + host + `":"b"}}`, "both mean"},
		"too large":            {`{"a":"` + strings.Repeat("x", 4<<20) + `"}`, file + ": larger than 4096 KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]string{".docker/config.json": tt.config, ".dockercfg": `{"` + host + `":{"auth":"` + b64("later:"+hush) + `"}}`})
			c, err := w.lookup(host).Credential(t.Context())
			wantError(t, err, tt.want)
			if strings.Contains(err.Error(), "8675309") || strings.Contains(err.Error(), "12345") {
				t.Errorf("error shows a value: %v", err)
			}
			if !c.IsZero() || errors.Is(err, credential.ErrNotFound) || errors.Is(err, credential.ErrHelper) {
				t.Errorf("got %v, %v", c, err)
			}
		})
	}
}
