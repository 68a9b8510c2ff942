// SPDX-License-Identifier: Apache-2.0

package control

// rights is what controls about what a named identity may do cite.
var rights = []Clause{authRisk, authMeasure, leastPrivilege, overprivileged, accessModel, denyAll, ccmLeast}

func authz() []Control {
	return []Control{
		{"authz-pull", "A user reads what policy lets him read, and no more", rights,
			[]string{"any-valid-user-all-repos", "nhi-shared-pull-secret"}},
		{"authz-list", "A user lists what policy lets him list, and no more", rights,
			[]string{"any-valid-user-all-repos"}},
		{"authz-push", "A user cannot push where policy does not let him", rights,
			[]string{"any-valid-user-all-repos", "nhi-shared-pull-secret"}},
		{"authz-delete", "A user cannot delete where policy does not let him", rights,
			[]string{"delete-open"}},
		{"blob-repository", "A blob cannot be read through a repository that does not hold it", rights,
			[]string{"blob-cross-repo-read"}},
		{"blob-mount", "A blob cannot be mounted without the right to pull it", rights,
			[]string{"blob-mount-leak"}},
		{"blob-link", "HEAD of a blob puts it into no repository", rights,
			[]string{"blob-cross-repo-read"}},
		{"blob-existence", "A push does not tell whether a blob exists elsewhere", rights,
			[]string{"blob-push-existence-oracle"}},
		{"blob-status", "A denial does not tell whether a blob exists", rights,
			[]string{"blob-push-existence-oracle"}},
		{"upload-session", "An upload belongs to the repository and the user who began it", rights,
			[]string{"upload-session-idor"}},
		{"upload-finish", "An upload is finished by nobody who may not push where it was begun", rights,
			[]string{"upload-session-idor"}},
	}
}
