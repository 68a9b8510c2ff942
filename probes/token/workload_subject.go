// SPDX-License-Identifier: Apache-2.0

package token

import (
	"maps"
	"strings"
)

// outsider is a subject near to the one that is let in, with the claims that go
// with it where the token has them.
type outsider struct {
	name    string
	subject string
	claims  map[string]any
}

// made-up parts of names; what begins like a real name is a look-alike.
const (
	alike   = "-evil"
	foreign = "regproof-other"
)

// outsiders are subjects that an exact rule for this one does not let in, in the
// form of the issuer: GitHub Actions, GitLab CI, Kubernetes, SPIFFE (JWT-SVID),
// or any other.
func outsiders(subject string) []outsider {
	if rest, ok := strings.CutPrefix(subject, "repo:"); ok {
		if project, context, ok := strings.Cut(rest, ":"); ok {
			return github(project, context)
		}
	}
	if rest, ok := strings.CutPrefix(subject, "project_path:"); ok {
		if project, context, ok := strings.Cut(rest, ":"); ok {
			return gitlab(project, context)
		}
	}
	if rest, ok := strings.CutPrefix(subject, "system:serviceaccount:"); ok {
		if space, name, ok := strings.Cut(rest, ":"); ok {
			return kubernetes(space, name)
		}
	}
	if rest, ok := strings.CutPrefix(subject, "spiffe://"); ok {
		if domain, path, ok := strings.Cut(rest, "/"); ok {
			return spiffe(domain, path)
		}
	}
	return []outsider{
		{name: "another subject", subject: foreign},
		{name: "a subject that begins alike", subject: subject + alike},
		{name: "a subject that ends alike", subject: "evil-" + subject},
	}
}

// github: "repo:OWNER/NAME:" and a ref, an environment or pull_request (GitHub
// docs, OpenID Connect, "Example subject claims").
func github(project, context string) []outsider {
	owner, name, _ := strings.Cut(project, "/")
	in := func(what, project, context string, claims map[string]any) outsider {
		at, _, _ := strings.Cut(project, "/")
		all := map[string]any{"repository": project, "repository_owner": at}
		if project != owner+"/"+name {
			all["repository_id"], all["repository_owner_id"] = "1", "1"
		}
		maps.Copy(all, claims)
		return outsider{what, "repo:" + project + ":" + context, all}
	}
	ref := func(full, kind string) map[string]any {
		return map[string]any{"ref": full, "ref_type": kind, "ref_protected": "false", "environment": nil}
	}
	branch := foreign
	if b, ok := strings.CutPrefix(context, "ref:refs/heads/"); ok {
		branch = b
	}
	out := []outsider{
		in("another repository of the owner", owner+"/"+foreign, context, nil),
		in("a repository that begins alike", owner+"/"+name+alike, context, nil),
		in("a fork under another owner", foreign+"/"+name, context, nil),
		in("an owner that begins alike", owner+alike+"/"+name, context, nil),
		in("an owner that ends alike", "evil-"+owner+"/"+name, context, nil),
		in("another branch", project, "ref:refs/heads/"+foreign, ref("refs/heads/"+foreign, "branch")),
		in("a branch that begins alike", project, "ref:refs/heads/"+branch+alike, ref("refs/heads/"+branch+alike, "branch")),
		in("a tag", project, "ref:refs/tags/"+branch, ref("refs/tags/"+branch, "tag")),
		in("another environment", project, "environment:"+foreign, map[string]any{"environment": foreign}),
		in("a pull request", project, "pull_request", map[string]any{"event_name": "pull_request", "ref": "refs/pull/1/merge", "head_ref": foreign, "environment": nil}),
		in("a pull request of a fork", foreign+"/"+name, "pull_request", map[string]any{"event_name": "pull_request", "ref": "refs/pull/1/merge", "environment": nil}),
	}
	return append(out, outsider{name: "anything, by a wildcard", subject: "repo:" + project + ":*"})
}

// gitlab: "project_path:GROUP/NAME:ref_type:TYPE:ref:REF" (GitLab docs, ID
// token authentication, "Token payload").
func gitlab(project, context string) []outsider {
	group, name := "", project
	if i := strings.LastIndexByte(project, '/'); i >= 0 {
		group, name = project[:i], project[i+1:]
	}
	in := func(what, group, name, context string, claims map[string]any) outsider {
		all := map[string]any{"project_path": group + "/" + name, "namespace_path": group}
		if group+"/"+name != project {
			all["project_id"], all["namespace_id"] = "1", "1"
		}
		maps.Copy(all, claims)
		return outsider{what, "project_path:" + group + "/" + name + ":" + context, all}
	}
	ref := func(kind, ref string) (string, map[string]any) {
		return "ref_type:" + kind + ":ref:" + ref, map[string]any{"ref": ref, "ref_type": kind, "ref_protected": "false", "environment": nil}
	}
	branch := foreign
	if _, b, ok := strings.Cut(context, ":ref:"); ok {
		branch = b
	}
	other, otherClaims := ref("branch", foreign)
	near, nearClaims := ref("branch", branch+alike)
	tag, tagClaims := ref("tag", branch)
	merge, mergeClaims := ref("branch", "refs/merge-requests/1/head")
	mergeClaims["pipeline_source"] = "merge_request_event"
	return []outsider{
		in("another project of the group", group, foreign, context, nil),
		in("a project that begins alike", group, name+alike, context, nil),
		in("a fork in another group", foreign, name, context, nil),
		in("a group that begins alike", group+alike, name, context, nil),
		in("another branch", group, name, other, otherClaims),
		in("a branch that begins alike", group, name, near, nearClaims),
		in("a tag", group, name, tag, tagClaims),
		in("a merge request", group, name, merge, mergeClaims),
	}
}

// kubernetes: "system:serviceaccount:NAMESPACE:NAME".
func kubernetes(space, name string) []outsider {
	in := func(what, space, name string) outsider {
		return outsider{what, "system:serviceaccount:" + space + ":" + name, map[string]any{
			"kubernetes.io": map[string]any{"namespace": space, "serviceaccount": map[string]any{"name": name, "uid": "1"}},
		}}
	}
	return []outsider{
		in("another service account", space, foreign),
		in("the default service account", space, "default"),
		in("a service account that begins alike", space, name+alike),
		in("the same name in another namespace", foreign, name),
		in("a namespace that begins alike", space+alike, name),
	}
}

// spiffe: "spiffe://TRUST-DOMAIN/PATH" (SPIFFE-ID section 2).
func spiffe(domain, path string) []outsider {
	in := func(what, domain, path string) outsider {
		return outsider{what, "spiffe://" + domain + "/" + path, nil}
	}
	return []outsider{
		in("another trust domain", foreign+".example", path),
		in("a trust domain that begins alike", domain+".evil.example", path),
		in("another path", domain, foreign),
		in("a path that begins alike", domain, path+alike),
		in("a path below", domain, path+"/evil"),
		{name: "the trust domain itself", subject: "spiffe://" + domain},
	}
}

// admitted says whether a subject is one of those that are meant to be let in.
// In a glob, * stands for any text.
func admitted(subject string, globs []string) bool {
	for _, g := range globs {
		if globbed(subject, strings.Split(g, "*")) {
			return true
		}
	}
	return false
}

func globbed(s string, parts []string) bool {
	if len(parts) == 1 {
		return s == parts[0]
	}
	s, ok := strings.CutPrefix(s, parts[0])
	if !ok {
		return false
	}
	for _, p := range parts[1 : len(parts)-1] {
		_, after, ok := strings.Cut(s, p)
		if !ok {
			return false
		}
		s = after
	}
	return strings.HasSuffix(s, parts[len(parts)-1])
}
