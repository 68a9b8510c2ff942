// SPDX-License-Identifier: Apache-2.0

package lab

// weakWorkload are the doors that let in workloads which they should not.
func weakWorkload() []entry {
	const probe, twin, id = "token/workload-enforcement", "workload-sound", "workload-identity-loose"
	flawed := func(name, title string, f workloadFlaw) entry {
		return entry{Weakness: weak(name, title, twin, probe, id), tokens: oauth(nil), verifies: true, workload: &f}
	}
	all := []entry{
		flawed("workload-no-aud", "The audience of a workload's token is not looked at.", workloadFlaw{flaws: ignoresAudience}),
		flawed("workload-any-issuer", "The issuer of a workload's token is not looked at, if the key is a trusted one.", workloadFlaw{flaws: ignoresIssuer}),
		flawed("workload-prefix-sub", "A workload is let in whose name begins like that of a trusted one.", workloadFlaw{loose: beginsAlike}),
		flawed("workload-pull-request", "Pull requests are let in, which come from forks, too.", workloadFlaw{loose: ofPullRequests}),
		flawed("workload-no-exp", "A workload's token is good for ever.", workloadFlaw{flaws: ignoresExpiry}),
		flawed("workload-unsigned", "An unsigned token of a workload is accepted.", workloadFlaw{flaws: takesNone}),
		flawed("workload-broker-loose", "The token service gives every workload of the issuer a token, and the registry refuses it.",
			workloadFlaw{loose: anySubject, brokerOnly: true}),
		flawed("workload-optional", "Blobs need no token at all.", workloadFlaw{}),
		flawed("workload-jwks-open", "When the issuer's keys cannot be had, a token with an unknown key is accepted.", workloadFlaw{down: true, opens: true}),
	}
	for i := range all {
		switch all[i].Name {
		case "workload-broker-loose":
			all[i].Probe = "token/workload-broker"
		case "workload-optional":
			all[i].front = leak(readOf(blob))
		case "workload-jwks-open":
			all[i].Twin = "workload-jwks-unreachable"
		}
	}
	return needsTokens(all)
}

// soundWorkload are those that let in the named ones alone.
func soundWorkload() []entry {
	const probe = "token/workload-enforcement"
	return needsTokens([]entry{
		{Weakness: sound("workload-sound", "Workloads that an issuer names are let in, with their token or with one that it is exchanged for.", probe),
			tokens: oauth(nil), verifies: true, workload: &workloadFlaw{}},
		{Weakness: sound("workload-jwks-unreachable", "The issuer's keys cannot be had any more, and only what the known ones signed is accepted.", probe),
			tokens: oauth(nil), verifies: true, workload: &workloadFlaw{down: true}},
	})
}
