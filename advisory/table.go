// SPDX-License-Identifier: Apache-2.0

package advisory

// table is what is known. Every range and every fixed version was compared with
// the record that Source names (the OSV record of the Go vulnerability database,
// or the CVE record of the vendor); what could not be compared is not here.
// Where two records disagree, the narrower range stands: nobody is accused on
// the word of one of them. Severity is that of the CVE record, where it has one.
var table = []Advisory{
	// distribution. Every Linux distribution ships it, so a version of it
	// decides nothing (Packaged).
	{ID: "CVE-2017-11468", Aliases: []string{"GHSA-h62f-wm92-2cmw"}, Product: Distribution, Ranges: []Range{{"", "2.7.0-rc.0"}},
		Summary: "a manifest of any size is read into memory", Source: "https://pkg.go.dev/vuln/GO-2021-0072"},
	{ID: "GHSA-qq97-vm5h-rrhg", Product: Distribution, Ranges: []Range{{"", "2.8.0"}},
		Summary: "one document can be read as a manifest and as an index", Source: "https://pkg.go.dev/vuln/GO-2022-0379"},
	{ID: "CVE-2023-2253", Aliases: []string{"GHSA-hqxw-f8mx-cpmw"}, Product: Distribution, Ranges: []Range{{"", "2.8.2-beta.1"}}, Severity: "high",
		Summary: "a catalog page of any size is allocated", Source: "https://github.com/advisories/GHSA-hqxw-f8mx-cpmw"},
	{ID: "CVE-2026-35172", Aliases: []string{"GHSA-f2g3-hh2r-cwgc"}, Product: Distribution, Ranges: []Range{{"", "3.1.0"}},
		Summary: "deleted blobs are served from a stale cache of descriptors", Source: "https://pkg.go.dev/vuln/GO-2026-4942"},
	{ID: "CVE-2026-33540", Aliases: []string{"GHSA-3p65-76g6-3w7r"}, Product: Distribution, Ranges: []Range{{"", "3.1.0"}},
		Summary: "a pull-through cache sends the upstream's credentials to a realm on any host", Source: "https://pkg.go.dev/vuln/GO-2026-5094"},
	{ID: "CVE-2026-41888", Aliases: []string{"GHSA-6pjf-3r9x-m592"}, Product: Distribution, Ranges: []Range{{"", "3.1.1"}},
		Summary: "tags can be deleted although deletion is disabled", Source: "https://pkg.go.dev/vuln/GO-2026-5185"},

	{ID: "CVE-2019-19030", Aliases: []string{"GHSA-q9x4-q76f-5h5j"}, Product: Harbor, Ranges: []Range{{"1.7.0", "1.10.3"}, {"2.0.0", "2.0.1"}},
		Summary: "a stranger can find out which projects exist", Source: "https://pkg.go.dev/vuln/GO-2022-0704"},
	{ID: "CVE-2020-13788", Aliases: []string{"GHSA-33p6-fx42-7rf5"}, Product: Harbor, Ranges: []Range{{"1.8.0", "2.0.1"}},
		Summary: "the test of a webhook reaches hosts of the internal network", Source: "https://pkg.go.dev/vuln/GO-2022-0781"},
	{ID: "CVE-2020-13794", Aliases: []string{"GHSA-q9p8-33wc-h432"}, Product: Harbor, Ranges: []Range{{"", "2.0.3"}},
		Summary: "any user can find out which users exist", Source: "https://pkg.go.dev/vuln/GO-2022-0865"},
	{ID: "CVE-2020-29662", Aliases: []string{"GHSA-38r5-34mr-mvm7"}, Product: Harbor, Ranges: []Range{{"2.0.0", "2.0.5"}, {"2.1.0", "2.1.2"}},
		Summary: "the catalog is served without authentication on another spelling of its path", Source: "https://pkg.go.dev/vuln/GO-2022-0785"},
	{ID: "CVE-2022-31668", Aliases: []string{"GHSA-r864-28pw-8682"}, Product: Harbor, Ranges: []Range{{"2.0.0", "2.4.3"}, {"2.5.0", "2.5.2"}},
		Summary: "any user can change the preheat policies of other projects", Source: "https://pkg.go.dev/vuln/GO-2024-3268"},
	{ID: "CVE-2022-31671", Aliases: []string{"GHSA-3wpx-625q-22j7"}, Product: Harbor, Ranges: []Range{{"2.0.0", "2.4.3"}, {"2.5.0", "2.5.2"}}, Severity: "high",
		Summary: "any user can read and change the job logs of other projects", Source: "https://www.cve.org/CVERecord?id=CVE-2022-31671"},
	{ID: "CVE-2023-20902", Aliases: []string{"GHSA-mq6f-5xh5-hgcf"}, Product: Harbor, Ranges: []Range{{"", "1.10.18"}, {"2.0.0", "2.7.3"}, {"2.8.0", "2.8.3"}},
		Summary: "a secret is compared in a time that tells of it", Source: "https://pkg.go.dev/vuln/GO-2023-2109"},
	{ID: "CVE-2024-22244", Aliases: []string{"GHSA-5757-v49g-f6r7"}, Product: Harbor, Ranges: []Range{{"", "2.8.5"}, {"2.9.0", "2.9.3"}, {"2.10.0", "2.10.1"}},
		Summary: "the login redirects to any site", Source: "https://pkg.go.dev/vuln/GO-2024-2915"},
	{ID: "CVE-2024-22261", Aliases: []string{"GHSA-vw63-824v-qf2j"}, Product: Harbor, Ranges: []Range{{"2.8.1", "2.8.6"}, {"2.9.0", "2.9.4"}, {"2.10.0", "2.10.2"}}, Severity: "low",
		Summary: "SQL can be injected by administrators in the log of scans", Source: "https://www.cve.org/CVERecord?id=CVE-2024-22261"},
	{ID: "CVE-2024-22278", Aliases: []string{"GHSA-hw28-333w-qxp3"}, Product: Harbor, Ranges: []Range{{"", "2.9.5"}, {"2.10.0", "2.10.3"}}, Severity: "medium",
		Summary: "users change project settings that they may not", Source: "https://pkg.go.dev/vuln/GO-2024-3013"},
	{ID: "CVE-2025-30086", Aliases: []string{"GHSA-h27m-3qw8-3pw8"}, Product: Harbor, Ranges: []Range{{"2.12.0", "2.12.4"}, {"2.13.0", "2.13.1"}},
		Summary: "administrators can read password hashes through a filter", Source: "https://www.cve.org/CVERecord?id=CVE-2025-30086"},
	{ID: "CVE-2025-32019", Aliases: []string{"GHSA-f9vc-vf3r-pqqq"}, Product: Harbor, Ranges: []Range{{"2.12.0-rc1", "2.12.4-rc1"}, {"2.13.0-rc1", "2.13.1-rc1"}},
		Summary: "the description of a repository runs scripts", Source: "https://pkg.go.dev/vuln/GO-2025-3825"},
	{ID: "GHSA-prh4-vhfh-24mj", Product: Harbor, Ranges: []Range{{"2.13.0", "2.13.5"}, {"2.14.0", "2.14.3"}},
		Summary: "LDAP password and OIDC secret stand in the audit log", Source: "https://pkg.go.dev/vuln/GO-2026-4876"},

	{ID: "CVE-2024-39897", Aliases: []string{"GHSA-55r9-5mx9-qq7r"}, Product: Zot, Ranges: []Range{{"", "2.1.0"}}, Severity: "medium",
		Summary: "a blob of a repository that one may not read is served under another", Source: "https://www.cve.org/CVERecord?id=CVE-2024-39897"},
	{ID: "CVE-2025-23208", Aliases: []string{"GHSA-c9p4-xwr9-rfhx"}, Product: Zot, Ranges: []Range{{"", "2.1.2"}}, Severity: "high",
		Summary: "who leaves a group keeps its rights", Source: "https://www.cve.org/CVERecord?id=CVE-2025-23208"},
	{ID: "CVE-2026-31801", Aliases: []string{"GHSA-85jx-fm8m-x8c6"}, Product: Zot, Ranges: []Range{{"2.0.0", "2.1.15"}},
		Summary: "who may create tags may overwrite latest", Source: "https://pkg.go.dev/vuln/GO-2026-4668"},

	{ID: "CVE-2025-68944", Aliases: []string{"GHSA-f85h-c7m6-cfpm"}, Product: Gitea, Ranges: []Range{{"", "1.22.2"}},
		Summary: "the scope of a token is lost in a package registry", Source: "https://pkg.go.dev/vuln/GO-2025-4264"},
	{ID: "CVE-2026-27771", Aliases: []string{"GHSA-8qw8-rq86-9pc2"}, Product: Gitea, Ranges: []Range{{"", "1.26.2"}}, Severity: "high",
		Summary: "strangers pull private container images", Source: "https://pkg.go.dev/vuln/GO-2026-6017"},
	{ID: "CVE-2026-28699", Aliases: []string{"GHSA-9r5x-wg6m-x2rc"}, Product: Gitea, Ranges: []Range{{"", "1.26.2"}},
		Summary: "the scope of a token is not enforced when it is sent as Basic", Source: "https://pkg.go.dev/vuln/GO-2026-5299"},
	{ID: "CVE-2026-56443", Aliases: []string{"GHSA-7p4h-3gxq-x3h3"}, Product: Gitea, Ranges: []Range{{"", "1.27.0"}},
		Summary: "a token for public content reads packages of owners with limited visibility", Source: "https://pkg.go.dev/vuln/GO-2026-6045"},

	{ID: "CVE-2019-9629", Product: Nexus, Ranges: []Range{{"3.0.0", "3.17.0"}},
		Summary: "the administrator has a fixed default password", Source: "https://www.cve.org/CVERecord?id=CVE-2019-9629"},
	{ID: "CVE-2019-9630", Product: Nexus, Ranges: []Range{{"3.0.0", "3.17.0"}},
		Summary: "strangers may read every repository by default", Source: "https://www.cve.org/CVERecord?id=CVE-2019-9630"},
	{ID: "CVE-2024-4956", Aliases: []string{"GHSA-6cgv-69mq-8w7x"}, Product: Nexus, Ranges: []Range{{"3.0.0", "3.68.1"}}, Severity: "high",
		Summary: "strangers read files of the server", Source: "https://www.cve.org/CVERecord?id=CVE-2024-4956"},

	{ID: "CVE-2024-6915", Product: Artifactory, Ranges: []Range{
		{"", "7.55.18"}, {"7.56.0", "7.59.23"}, {"7.60.0", "7.63.22"}, {"7.64.0", "7.68.22"}, {"7.69.0", "7.71.23"}, {"7.72.0", "7.77.14"}, {"7.78.0", "7.84.20"}, {"7.85.0", "7.90.6"}},
		Summary: "its cache can be poisoned", Source: "https://www.cve.org/CVERecord?id=CVE-2024-6915"},
}
