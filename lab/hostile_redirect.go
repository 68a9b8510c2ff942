// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"net"
	"net/http"
	"net/url"
	"strconv"
)

// redirects is how often redirectLoop turns before it gives up.
const redirects = 10_000

// redirectLoop comes back to itself under a target that is new each time.
func redirectLoop(w http.ResponseWriter, r *http.Request, _ *Door) {
	turn, _ := strconv.Atoi(r.URL.Query().Get("turn")) // absent or nonsense: the first
	if turn >= redirects {
		deny(w, r, http.StatusNotFound, "MANIFEST_UNKNOWN", "manifest unknown")
		return
	}
	w.Header().Set("Location", r.URL.EscapedPath()+"?turn="+strconv.Itoa(turn+1))
	w.WriteHeader(http.StatusFound)
}

// redirectTo lures content reads elsewhere.
func redirectTo(to func(d *Door) string) front {
	return instead(readsContent, func(w http.ResponseWriter, r *http.Request, d *Door) {
		w.Header().Set("Location", to(d))
		w.WriteHeader(http.StatusFound)
	})
}

// metadata is where clouds keep an instance's credentials.
func metadata(*Door) string {
	return "http://169.254.169.254/latest/meta-data/iam/security-credentials/"
}

// mapped is the trap's address in a spelling that a filter for 127.0.0.0/8
// overlooks.
func mapped(d *Door) string { return d.trapAt("[::ffff:127.0.0.1]") + "/latest/meta-data/" }

// byName is the trap under a name, which only resolution shows to be loopback.
func byName(d *Door) string { return d.trapAt("localhost") + "/latest/meta-data/" }

func (d *Door) trapAt(host string) string {
	u, err := url.Parse(d.trap.near)
	if err != nil {
		return d.trap.url
	}
	_, port, err := net.SplitHostPort(u.Host)
	if err != nil {
		return d.trap.url
	}
	return u.Scheme + "://" + host + ":" + port
}

func startsUpload(r *http.Request) bool {
	return r.Method == http.MethodPost && routeOf(r).kind == upload
}

// foreignLocation lets everybody begin an upload, and go on with it elsewhere.
func foreignLocation(w http.ResponseWriter, r *http.Request, d *Door) {
	w.Header().Set("Location", d.trap.url+"/v2/"+routeOf(r).repository+"/blobs/uploads/"+randomHex(8)+"?_state="+randomHex(16))
	w.Header().Set("Range", "0-0")
	w.WriteHeader(http.StatusAccepted)
}
