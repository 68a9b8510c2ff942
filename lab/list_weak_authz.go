// SPDX-License-Identifier: Apache-2.0

package lab

// weakAuthz are the doors that know who somebody is, and ask too little about
// what he may.
func weakAuthz() []entry {
	rights := func(name, title, probe, id string, b basicRights) entry {
		return entry{Weakness: weak(name, title, "rights-sound", probe, id), front: b.front}
	}
	return []entry{
		rights("any-user", "Whoever has a password reads every repository.",
			"authz/pull", "any-valid-user-all-repos", basicRights{reads: true}),
		rights("lists-all", "Whoever has a password is shown every repository and every tag.",
			"authz/list", "any-valid-user-all-repos", basicRights{lists: true}),
		rights("any-user-push", "Whoever has a password may push everywhere.",
			"authz/push", "any-valid-user-all-repos", basicRights{pushes: true}),
		rights("any-user-delete", "Whoever has a password may delete everywhere.",
			"authz/delete", "delete-open", basicRights{deletes: true}),
		rights("blob-global", "A blob is served under any repository that the caller may read.",
			"authz/blob-repository", "blob-cross-repo-read", basicRights{blobs: true}),
		rights("mount-unchecked", "A blob is mounted from a repository that the caller may not read.",
			"authz/blob-mount", "blob-mount-leak", basicRights{mounts: true}),
		rights("blob-head-links", "HEAD of a blob that is anywhere links it into the repository in the path.",
			"authz/blob-link", "blob-cross-repo-read", basicRights{links: true}),
		rights("blob-oracle", "An upload of what is there anywhere is said to be complete without a byte.",
			"authz/blob-existence", "blob-push-existence-oracle", basicRights{tells: true}),
		rights("blob-status-oracle", "A blob is looked for before the right to read it is asked for: 403 where it is, 404 where not.",
			"authz/blob-status", "blob-push-existence-oracle", basicRights{looks: true}),
		rights("upload-by-id", "An upload is found by its name alone, whoever asks, under any repository.",
			"authz/upload-session", "upload-session-idor", basicRights{sessions: true}),
		rights("upload-finish-by-id", "An upload is finished in whichever repository the caller may push to, wherever it was begun.",
			"authz/upload-finish", "upload-session-idor", basicRights{finishes: true}),
		rights("upload-finish-open", "Strangers may finish an upload whose name they know.",
			"authz/upload-finish", "upload-session-idor", basicRights{ends: true}),
		rights("upload-cancel-open", "Strangers may cancel an upload whose name they know.",
			"authz/upload-session", "upload-session-idor", basicRights{cancels: true}),
	}
}

// soundAuthz are the doors that know rights.
func soundAuthz() []entry {
	return []entry{
		{Weakness: sound("rights-sound", "Basic authentication with rights for each repository.", "authz/pull"), front: basicRights{}.front},
	}
}
