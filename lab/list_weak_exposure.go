// SPDX-License-Identifier: Apache-2.0

package lab

import "time"

// weakExposure are the doors that tell or allow more than a registry should,
// whatever their guard does.
func weakExposure() []entry {
	return []entry{
		{Weakness: weak("v1-open", "The first registry API is served, and its search tells of a private repository.",
			"catch-all-html", "exposure/v1-api", "api-v1-leftover"), front: firstAPI().front},
		{Weakness: weak("debug-open", "The debug server is on the registry's port.",
			"catch-all-html", "exposure/debug", "debug-port"), front: debugServer().front},
		{Weakness: weak("metrics-open", "The metrics name a private repository.",
			"catch-all-html", "exposure/metrics", "metrics-open"), front: repositoryMetrics().front},
		{Weakness: weak("registration-open", "Harbor lets strangers make themselves an account.",
			"harbor-sound", "exposure/self-registration", "self-registration"), front: harbor{version: "v2.4.1", registration: true}.front},
		{Weakness: weak("version-open", "Harbor tells strangers its version.",
			"harbor-sound", "exposure/version", "version-disclosure"), front: harbor{version: "v2.14.0"}.front},
		{Weakness: weak("old-version", "Harbor is of a version with published vulnerabilities.",
			"harbor-sound", "exposure/known-vulnerability", "known-cve-version"), front: harbor{version: "v2.4.1-abc"}.front},
		{Weakness: weak("default-password", "Harbor's admin has the password that the installer gives.",
			"harbor-sound", "exposure/default-credentials", "default-credentials"), front: harbor{initial: true}.front},
		{Weakness: weak("catalog-unbounded", "A page of the catalog may be as long as the client likes.",
			"sound-basic", "exposure/catalog-size", "catalog-unbounded"), configure: endlessCatalog},
		{Weakness: weak("signed-url-long", "The entitled get a storage URL for a blob that is signed for a year.",
			"presigned-sound", "exposure/signed-url", "presigned-url-replay"),
			front: presigned(ownStorage, false), storage: true, signedFor: 365 * 24 * time.Hour},
		{Weakness: weak("storage-public", "The storage behind the registry asks for no signature, and lists itself.",
			"presigned-sound", "exposure/storage", "storage-bucket-public"),
			front: presigned(ownStorage, false), storage: true, storagePublic: true},
	}
}
