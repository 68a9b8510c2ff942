// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"context"
	"regexp"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/probe"
)

// SelfRegistration looks whether strangers can make themselves an account.
var SelfRegistration = probe.Probe{
	ID:    "exposure/self-registration",
	Title: "Strangers cannot make themselves an account",
	Why: "Where anyone can sign up, \"authenticated users only\" means everybody: whatever is " +
		"open to all users is open to the world. Harbor 1.7.0 to 1.8.2 let such an account make " +
		"itself administrator (CVE-2019-16097).",
	How: []string{
		"GET /api/v2.0/systeminfo of Harbor: self_registration is true, and auth_mode is db_auth, without which Harbor ignores it",
		"GET /users/sign_up of GitLab and /user/sign_up of Gitea and Forgejo: the form with the fields of that product; a made-up path beside it does not get it",
		"nobody is registered",
	},
	Fix:      "Harbor: switch \"Allow Self-Registration\" off. GitLab: disable \"Sign-up enabled\". Gitea: DISABLE_REGISTRATION = true.",
	NotWhen:  "New accounts wait for the approval of an administrator, or may do no more than strangers.",
	Severity: finding.High,
	Control:  "self-registration",
	Effect:   probe.Read,
	Per:      probe.Registry,
	Run: func(ctx context.Context, t *probe.Trial) probe.Result {
		return t.Judge(ctx, []probe.Attempt{
			page("/api/v2.0/systeminfo", true, harborSignUp),
			page("/users/sign_up", true, gitlabSignUp),
			page("/user/sign_up", true, giteaSignUp),
		})
	},
}

func harborSignUp(a probe.Answer) (probe.Verdict, bool) {
	i, ok := readSystemInfo(a)
	switch {
	case !ok:
		return probe.Verdict{}, false
	case !*i.SelfRegistration:
		return probe.Verdict{Outcome: finding.Pass, Reason: "Harbor says self_registration: false"}, true
	case *i.AuthMode != "db_auth":
		return probe.Verdict{Outcome: finding.Pass, Reason: "Harbor has accounts elsewhere, where self_registration means nothing"}, true
	}
	return probe.Verdict{Reason: "Harbor says self_registration: true", Message: "strangers can make themselves an account of this Harbor"}, true
}

func gitlabSignUp(a probe.Answer) (probe.Verdict, bool) {
	if !form(a, "gitlab", "new_user[username]", "new_user[email]", "new_user[password]") {
		return probe.Verdict{}, false
	}
	return probe.Verdict{Reason: "GitLab serves its sign-up form", Message: "strangers can make themselves an account of this GitLab"}, true
}

func giteaSignUp(a probe.Answer) (probe.Verdict, bool) {
	fields := []string{"user_name", "email", "password", "retype"}
	if !form(a, "gitea", fields...) && !form(a, "forgejo", fields...) {
		return probe.Verdict{}, false
	}
	return probe.Verdict{Reason: "the sign-up form of Gitea or Forgejo is served", Message: "strangers can make themselves an account of this Gitea or Forgejo"}, true
}

// inputs finds the names of a form's fields.
var inputs = regexp.MustCompile(`<input\b[^>]{0,1000}?\bname="([^"]{1,64})"`)

// form says whether a page is HTML, names its product, and holds a form with
// these fields.
func form(a probe.Answer, product string, fields ...string) bool {
	body := string(a.Body)
	if !html(a) || !strings.Contains(strings.ToLower(body), product) || !strings.Contains(body, "<form") {
		return false
	}
	have := map[string]bool{}
	for _, m := range inputs.FindAllStringSubmatch(body, 500) {
		have[m[1]] = true
	}
	for _, f := range fields {
		if !have[f] {
			return false
		}
	}
	return true
}
