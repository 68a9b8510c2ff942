// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"regexp"
	"strings"

	"github.com/regproof/regproof/advisory"
	"github.com/regproof/regproof/probe"
	"github.com/regproof/regproof/product"
	"github.com/regproof/regproof/wire"
)

// The products that package advisory knows nothing of.
const (
	forgejo = "forgejo"
	gitlab  = "gitlab"
)

// signs are marks of products in headers, beyond those of package product.
var signs = []struct{ product, header, value string }{
	{advisory.Nexus, "Server", "nexus/"},
	{advisory.Nexus, "Www-Authenticate", `realm="sonatype nexus repository manager"`},
	{advisory.Artifactory, "X-Jfrog-Version", "artifactory/"},
	{advisory.Artifactory, "X-Artifactory-Id", ""},
	{advisory.Artifactory, "Server", "artifactory/"},
	{advisory.Artifactory, "Www-Authenticate", `realm="artifactory realm"`},
	{advisory.Gitea, "Set-Cookie", "i_like_gitea="},
}

// recognised names the product that headers are a sign of, "" if they are of
// none. The API version header is a sign of nothing: most products send it.
func recognised(h wire.Header) string {
	for _, s := range signs {
		for _, v := range h.Values(s.header) {
			if strings.Contains(strings.ToLower(v), s.value) {
				return s.product
			}
		}
	}
	if p := product.Detect(h); p != product.Unknown && p != advisory.Distribution {
		return p
	}
	return ""
}

// told is a version that a registry told a stranger.
type told struct {
	product string
	version string // as written
	sure    bool   // the product shows by a sign of its own
}

// said is the version in headers.
func said(h wire.Header) (told, bool) {
	for _, s := range []struct {
		product, header string
		at              *regexp.Regexp
	}{
		{advisory.Nexus, "Server", nexusServer},
		{advisory.Artifactory, "X-Jfrog-Version", artifactoryHeader},
		{advisory.Artifactory, "Server", artifactoryHeader},
	} {
		if m := s.at.FindStringSubmatch(h.Get(s.header)); m != nil {
			return told{s.product, m[1], true}, true
		}
	}
	return told{}, false
}

var (
	nexusServer       = regexp.MustCompile(`^(?i:nexus)/(\d[0-9A-Za-z.+~-]{0,63})`)
	artifactoryHeader = regexp.MustCompile(`^(?i:artifactory)/(\d[0-9A-Za-z.+~-]{0,63})`)
	anyServer         = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]{0,31}/\d[0-9A-Za-z.+~-]{0,31}`)
	versionText       = regexp.MustCompile(`^[vV]?\d[0-9A-Za-z.+~_-]{0,99}$`)
	zotInfo           = regexp.MustCompile(`(?m)^zot_info\{[^}\n]{0,500}\bversion="([^"\n]{1,100})"`)
)

// front is what a server calls itself that is no registry product, with its
// version; "" if it tells none.
func front(h wire.Header) string {
	if _, ok := said(h); ok {
		return ""
	}
	return anyServer.FindString(h.Get("Server"))
}

// source is a page on which a product tells its version.
type source struct {
	target string
	read   func(a probe.Answer, ping wire.Header) (told, bool)
}

// sources are pages that strangers may see: Harbor until 2.13 (commit
// 351783aebe), zot's metrics and management extension, Gitea, GitLab with an
// open API, Artifactory.
var sources = []source{
	{"/api/v2.0/systeminfo", harborInfo},
	{"/v2/_zot/ext/mgmt", zotConfig},
	{"/metrics", zotMetrics},
	{"/api/v1/version", giteaVersion},
	{"/api/v4/version", gitlabVersion},
	{"/artifactory/api/system/version", artifactoryVersion},
}

// systemInfo is what Harbor tells everybody (models.GeneralInfo).
type systemInfo struct {
	AuthMode         *string `json:"auth_mode"`
	SelfRegistration *bool   `json:"self_registration"`
	Version          string  `json:"harbor_version"`
}

func readSystemInfo(a probe.Answer) (systemInfo, bool) {
	var i systemInfo
	return i, object(a, &i) && i.AuthMode != nil && i.SelfRegistration != nil
}

func harborInfo(a probe.Answer, _ wire.Header) (told, bool) {
	i, ok := readSystemInfo(a)
	return told{advisory.Harbor, i.Version, true}, ok && versionText.MatchString(i.Version)
}

func zotConfig(a probe.Answer, _ wire.Header) (told, bool) {
	var v struct {
		Spec    *string `json:"distSpecVersion"`
		Binary  *string `json:"binaryType"`
		Release string  `json:"releaseTag"`
	}
	ok := object(a, &v) && v.Spec != nil && v.Binary != nil && versionText.MatchString(v.Release)
	return told{advisory.Zot, v.Release, true}, ok
}

func zotMetrics(a probe.Answer, _ wire.Header) (told, bool) {
	m := zotInfo.FindSubmatch(a.Body)
	if m == nil || html(a) || !versionText.Match(m[1]) {
		return told{}, false
	}
	return told{advisory.Zot, string(m[1]), true}, true
}

func giteaVersion(a probe.Answer, ping wire.Header) (told, bool) {
	var v map[string]any
	if !object(a, &v) || len(v) != 1 {
		return told{}, false
	}
	version, _ := v["version"].(string)
	if !versionText.MatchString(version) {
		return told{}, false
	}
	if strings.Contains(version, "+gitea-") || strings.Contains(version, "+forgejo") {
		return told{forgejo, version, true}, true
	}
	return told{advisory.Gitea, version, recognised(ping) == advisory.Gitea || recognised(a.Header) == advisory.Gitea}, true
}

func gitlabVersion(a probe.Answer, _ wire.Header) (told, bool) {
	var v struct {
		Version  string  `json:"version"`
		Revision *string `json:"revision"`
	}
	return told{gitlab, v.Version, false}, object(a, &v) && v.Revision != nil && versionText.MatchString(v.Version)
}

func artifactoryVersion(a probe.Answer, _ wire.Header) (told, bool) {
	var v struct {
		Version  string   `json:"version"`
		Revision *string  `json:"revision"`
		Addons   []string `json:"addons"`
	}
	ok := object(a, &v) && v.Revision != nil && versionText.MatchString(v.Version)
	return told{advisory.Artifactory, v.Version, v.Addons != nil || recognised(a.Header) == advisory.Artifactory}, ok
}

// tellings asks every source, and lets read make a verdict of a version. What
// tells none is not served.
func tellings(t *probe.Trial, read func(told) probe.Verdict) []probe.Attempt {
	attempts := []probe.Attempt{page("/v2/", false, nil)}
	attempts[0].Judge = headers(read)
	for _, s := range sources {
		attempts = append(attempts, page(s.target, true, func(a probe.Answer) (probe.Verdict, bool) {
			got, ok := s.read(a, t.Ping(a).First.Header)
			if !ok {
				return probe.Verdict{}, false
			}
			return read(got), true
		}))
	}
	return attempts
}
