// SPDX-License-Identifier: Apache-2.0

package lab

// weakIngress are the doors whose guard depends on the request line, on the name
// that was asked for, or on the connection.
func weakIngress() []entry {
	return []entry{
		{Weakness: weak("path-encoded-open", "The guard reads the path as it was sent, and the registry decodes it.",
			"cleans-path-301", "ingress/path-spelling", "path-percent-encoding"), front: leak(encoded)},
		{Weakness: weak("path-slashes-open", "The guard wants /v2/ at the beginning, and the registry tidies //v2/ and /./v2/ itself.",
			"rejects-odd", "ingress/path-spelling", "path-dot-slash-normalisation"), front: reroute(slashes)},
		{Weakness: weak("path-case-open", "The guard knows /v2/ alone, and the registry takes /V2/ for the same.",
			"cleans-path-301", "ingress/path-spelling", "path-case"), front: reroute(anyCase)},
		{Weakness: weak("prefix-open", "A location /docker without its slash serves /dockerv2/ without a guard.",
			"sound-basic", "ingress/mount-path", "front-prefix-without-slash"), front: reroute(prefixWithoutSlash)},
		{Weakness: weak("mount-open", "The registry is open below /registry/ and /artifactory/api/docker/.",
			"sound-basic", "ingress/mount-path", "v2-mount-path-variants"), front: reroute(otherMount)},
		{Weakness: weak("query-open", "Requests with a query are open.",
			"sound-basic", "ingress/query", "front-query-exempt"), front: leak(anyQuery)},
		{Weakness: weak("skip-regex-open", "What is exempt from the guard is looked for in the whole target, its query too.",
			"sound-basic", "ingress/query", "front-skip-auth-regex"), front: leak(skipped())},
		{Weakness: weak("method-open", "Methods that the API does not have are not guarded, and taken for GET.",
			"private-404", "ingress/method", "anon-method-variants"), front: otherMethods},
		{Weakness: weak("host-port-open", "The guard compares Host with one spelling, port and all.",
			"redirects-unknown-host", "ingress/host", "front-host-spelling"), front: leak(otherHostSpelling)},
		{Weakness: weak("default-vhost-open", "Under any other name than its own the registry is open.",
			"redirects-unknown-host", "ingress/host", "vhost-default-server"), front: leak(otherVirtualHost)},
		{Weakness: weak("absolute-form-open", "A target that is a whole URL of another host is open.",
			"rejects-odd", "ingress/host", "front-absolute-form"), front: leak(otherAbsoluteForm)},
		{Weakness: needsTLS(weak("sni-open", "With a TLS server name that does not go with Host the registry is open.",
			"rejects-odd", "ingress/server-name", "front-sni-host-mismatch")), front: leak(otherServerName)},
		{Weakness: weak("http10-open", "Requests with HTTP/1.0 are open.",
			"sound-basic", "ingress/protocol", ""), front: leak(overHTTP10)},
		{Weakness: weak("upgrade-open", "Requests to upgrade to WebSocket are open.",
			"sound-basic", "ingress/protocol", "front-upgrade-exempt"), front: leak(upgrades)},
		{Weakness: weak("depth-open", "The guard covers repositories of two levels alone.",
			"front-basic", "ingress/depth", "front-regex-depth"), front: nginxBasic(skipsOtherDepths)},
		{Weakness: weak("extension-open", "The guard does not cover what ends like a static file.",
			"front-basic", "ingress/static-extension", "front-static-extension"), front: nginxBasic(skipsStatic)},
		{Weakness: weak("replica-open", "Every fifth connection of strangers reaches a replica without a guard.",
			"sound-basic", "ingress/replicas", "lb-inconsistent-backends"), front: oneReplicaOpen},
		{Weakness: needsToken(weak("realm-host-open", "The realm is made of the request's Host.",
			"sound-token", "ingress/realm-host", "host-header-realm")), front: tellsScheme, configure: autoRedirect},
		{Weakness: weak("location-host-open", "An upload's Location follows Host, Forwarded and X-Forwarded-Host.",
			"sound-basic", "ingress/location-host", "location-host-reflection"), configure: absoluteLocations},
	}
}
