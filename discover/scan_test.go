// SPDX-License-Identifier: Apache-2.0

package discover_test

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regproof/regproof/discover"
	"github.com/regproof/regproof/wire"
)

// nowhere is a name that nobody has to be asked for: its label is too long.
var nowhere = strings.Repeat("n", 64) + ".test"

// find is the door at a URL; nil is none.
func find(s discover.Survey, kind discover.Kind, u string) *discover.Door {
	for i, d := range s.Doors {
		if d.Kind == kind && d.URL.String() == u {
			return &s.Doors[i]
		}
	}
	return nil
}

// TestStates has one door a row, at a port of the registry's address.
func TestStates(t *testing.T) {
	yes := &tls.Config{}
	packed := func(w http.ResponseWriter, r *http.Request) {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write([]byte(manifest))
		_ = z.Close()
		if strings.Contains(r.URL.Path, "manifests") {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(b.Bytes())
			return
		}
		open(w, r)
	}
	split := func(ping, rest http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v2/" {
				ping(w, r)
			} else {
				rest(w, r)
			}
		}
	}
	to := func(location string) http.HandlerFunc { return says(301, "", "Location", location) }
	other := `{"schemaVersion":2,"manifests":[]}`
	for _, tc := range []struct {
		name, scheme string
		tls          *tls.Config
		serve        http.HandlerFunc
		want         discover.State
		same         bool
		product      string
		note         string
		asked        int
	}{
		{"an open backend", "http", nil, open, discover.Serves, true, "distribution", "", 2},
		{"an open backend over TLS", "https", yes, open, discover.Serves, true, "distribution", "", 2},
		{"content behind a ping that is not found", "http", nil, split(http.NotFound, open), discover.Serves, true, "distribution", "", 2},
		{"content without any header", "http", nil, split(http.NotFound, says(200, manifest)), discover.Serves, true, "unknown", "", 2},
		{"packed content", "http", nil, packed, discover.Serves, true, "distribution", "", 2},
		{"guarded, the same token service", "https", yes, guarded, discover.Denies, true, "unknown", "", 2},
		{"guarded, another token service", "http", nil, says(401, "", "Www-Authenticate", `Bearer realm="https://other.example/t",service="x"`), discover.Denies, false, "unknown", "", 2},
		{"guarded by Basic", "http", nil, says(401, "", "Www-Authenticate", `Basic realm="Registry"`), discover.Denies, false, "", "nothing says", 2},
		{"an open ping, a denied manifest", "http", nil, split(open, says(403, "")), discover.Denies, false, "distribution", "", 2},
		{"a registry that holds something else", "http", nil, empty, discover.OtherRegistry, false, "distribution", "no such manifest", 2},
		{"another manifest for the digest", "http", nil, split(open, says(200, other)), discover.OtherRegistry, false, "distribution", "another manifest", 2},
		{"HTML", "http", nil, says(200, "<html>{}</html>", "Content-Type", "text/html"), discover.NotRegistry, false, "", "200", 2},
		{"not found", "https", yes, http.NotFound, discover.NotRegistry, false, "", "404", 2},
		{"a redirect to the configured door", "http", nil, to("https://example.com/v2/"), discover.Redirects, false, "", "to https://example.com/v2/", 2},
		{"a redirect of the ping alone", "http", nil, split(to("https://example.com/v2/"), open), discover.Serves, true, "distribution", "", 2},
		{"a redirect of the ping, a denied manifest", "http", nil, split(to("https://example.com/v2/"), guarded), discover.Denies, true, "unknown", "/v2/ is redirected", 2},
		{"a redirect to another port", "http", nil, to("https://example.com:8443/v2/"), discover.Elsewhere, false, "", "8443", 2},
		{"a redirect to plain HTTP of the host", "http", nil, to("http://example.com/v2/"), discover.Elsewhere, false, "", "to http://example.com/v2/", 2},
		{"a redirect loop", "http", nil, to("/v2/"), discover.Elsewhere, false, "", "to itself", 2},
		{"a redirect to nowhere", "http", nil, to("::"), discover.Elsewhere, false, "", "no URL", 2},
		{"a redirect with a signature", "http", nil, split(open, to("https://storage.example/x?X-Amz-Signature=hidden")), discover.Elsewhere, false, "distribution", "storage.example", 2},
		{"HTTP on a port of TLS", "http", yes, open, discover.SpeaksTLS, false, "", "", 0},
		{"TLS on a port of HTTP", "https", nil, open, discover.SpeaksNoTLS, false, "", "", 0},
		{"a client certificate is wanted", "https", &tls.Config{ClientAuth: tls.RequireAnyClientCert}, open, discover.NeedsCertificate, false, "", "", 0},
		{"broken", "http", nil, says(503, ""), discover.Unclear, false, "", "503", 2},
		{"a registry that is broken", "http", nil, split(open, says(500, "")), discover.Unclear, false, "distribution", "500", 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, "127.0.0.1:0", tc.tls, tc.serve)
			w := wanted(t)
			if tc.scheme == "http" {
				w.Ports.HTTP = []uint16{s.at.Port()}
			} else {
				w.Ports.HTTPS = []uint16{s.at.Port()}
			}
			survey := discover.Scan(t.Context(), client(t), w)
			d := find(survey, discover.Registry, fmt.Sprintf("%s://%s:%d", tc.scheme, host, s.at.Port()))
			if d == nil {
				t.Fatalf("no door in %+v", survey)
			}
			if d.State != tc.want || d.Same != tc.same || d.Product != tc.product || !strings.Contains(d.Note, tc.note) || (d.Note == "") != (tc.note == "") {
				t.Errorf("got %q, same %v, product %q, note %q", d.State, d.Same, d.Product, d.Note)
			}
			if (d.Digest == string(digest)) != (tc.want == discover.Serves) || len(d.Evidence) == 0 || !d.State.Reachable() || d.Why != "usual port" {
				t.Errorf("got %+v", d)
			}
			if strings.Contains(d.Note, "hidden") {
				t.Errorf("the note tells a secret: %s", d.Note)
			}
			flipped := tc.want == discover.SpeaksTLS || tc.want == discover.SpeaksNoTLS
			if flipped != (len(survey.Doors) == 2) {
				t.Errorf("%d doors", len(survey.Doors))
			}
			if !flipped && len(s.requests()) != tc.asked {
				t.Errorf("asked %q", s.lines())
			}
			modest(t, s)
		})
	}
}

// TestFlip: a port that speaks the other scheme is asked in it, once, also
// when that is a candidate already.
func TestFlip(t *testing.T) {
	secure := serve(t, "127.0.0.1:0", &tls.Config{}, open)
	plain := serve(t, "127.0.0.1:0", nil, open)
	w := wanted(t)
	w.Ports.HTTP = []uint16{secure.at.Port()}
	w.Ports.HTTPS = []uint16{plain.at.Port()}
	for range 2 {
		survey := discover.Scan(t.Context(), client(t), w)
		for _, u := range []string{fmt.Sprintf("https://%s:%d", host, secure.at.Port()), fmt.Sprintf("http://%s:%d", host, plain.at.Port())} {
			if d := find(survey, discover.Registry, u); d == nil || d.State != discover.Serves {
				t.Errorf("%s: %+v", u, d)
			}
		}
		if len(survey.Doors) != 4 {
			t.Errorf("%d doors", len(survey.Doors))
		}
		w.Ports.HTTPS, w.Ports.HTTP = append(w.Ports.HTTPS, secure.at.Port()), append(w.Ports.HTTP, plain.at.Port())
	}
	w.Known = append(w.Known, discover.Known{Origin: origin(t, fmt.Sprintf("https://%s:%d", host, secure.at.Port()))})
	if n := len(secure.requests()); n != 4 {
		t.Errorf("%d requests", n)
	}
	if survey := discover.Scan(t.Context(), client(t), w); len(survey.Doors) != 3 || len(secure.requests()) != 4 {
		t.Errorf("a configured door was asked: %d doors, %q", len(survey.Doors), secure.lines())
	}
}

// TestCertificate: a certificate that does not verify is noted, and the door is
// looked at all the same.
func TestCertificate(t *testing.T) {
	s := serve(t, "127.0.0.1:0", &tls.Config{}, open)
	w := wanted(t)
	w.Ports.HTTPS = []uint16{s.at.Port()}
	d := discover.Scan(t.Context(), client(t), w).Doors[0]
	if d.State != discover.Serves || d.TLS != "1.3" || !strings.Contains(d.Problem, "unknown authority") {
		t.Errorf("got %+v", d)
	}
}

// TestHostile: each ends, and says what it can.
func TestHostile(t *testing.T) {
	write := func(text, more string, every time.Duration) func(net.Conn) {
		return func(c net.Conn) {
			buf := make([]byte, 4096)
			if _, err := c.Read(buf); err != nil {
				return
			}
			_, err := c.Write([]byte(text))
			for n := 0; err == nil && more != "" && n < 64<<20; n += len(more) {
				time.Sleep(every)
				_, err = c.Write([]byte(more))
			}
			_, _ = c.Read(buf)
		}
	}
	k64 := strings.Repeat("x", 64<<10)
	doors := map[string]struct {
		at    *server
		state discover.State
		note  string
	}{
		"refused":          {closed(t), discover.Refused, ""},
		"a full backlog":   {full(t), discover.Silent, ""},
		"says nothing":     {raw(t, "127.0.0.1:0", write("", "", 0)), discover.Silent, "takes the connection"},
		"closes":           {raw(t, "127.0.0.1:0", func(c net.Conn) { _, _ = c.Read(make([]byte, 1)); c.(*net.TCPConn).SetLinger(-1) }), discover.Unclear, "closed"},
		"a slow head":      {raw(t, "127.0.0.1:0", write("HTTP/1.1 200 OK\r\n", "X", 20*time.Millisecond)), discover.Silent, "takes the connection"},
		"a slow body":      {raw(t, "127.0.0.1:0", write("HTTP/1.1 200 OK\r\n\r\n", "x", 20*time.Millisecond)), discover.Unclear, "timeout"},
		"an endless body":  {raw(t, "127.0.0.1:0", write("HTTP/1.1 200 OK\r\n\r\n", k64, 0)), discover.Unclear, "more than"},
		"endless headers":  {raw(t, "127.0.0.1:0", write("HTTP/1.1 200 OK\r\nX: ", k64, 0)), discover.Unclear, "too large"},
		"another protocol": {raw(t, "127.0.0.1:0", write("220 \x1b[31mmail\r\n", "", 0)), discover.Unclear, `\x1b[31m`},
	}
	w := wanted(t)
	for _, d := range doors {
		w.Ports.HTTP = append(w.Ports.HTTP, d.at.at.Port())
	}
	survey := discover.Scan(t.Context(), client(t), w)
	for name, want := range doors {
		d := find(survey, discover.Registry, fmt.Sprintf("http://%s:%d", host, want.at.at.Port()))
		if d == nil || d.State != want.state || !strings.Contains(d.Note, want.note) || (d.Note == "") != (want.note == "") || strings.Contains(d.Note, "\x1b") {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

// TestAll is one registry with many doors, on many addresses, whose host and
// whose certificate are real: nothing but what is allowed is sent to any.
func TestAll(t *testing.T) {
	main := serve(t, "127.0.0.1:0", &tls.Config{}, guarded)
	port := main.at.Port()
	at := func(ip string) string { return netip.AddrPortFrom(netip.MustParseAddr(ip), port).String() }
	servers := map[string]*server{
		"another address":  serve(t, at("127.0.0.2"), &tls.Config{}, guarded),
		"the certificate":  serve(t, at("127.0.0.4"), &tls.Config{}, open),
		"the realm":        serve(t, at("127.0.0.5"), nil, says(404, "")),
		"Alt-Svc":          serve(t, at("127.0.0.6"), &tls.Config{}, open),
		"an unnamed thing": serve(t, at("127.0.0.7"), &tls.Config{}, open),
	}
	ipv6, err := net.Listen("tcp", at("::1"))
	if err == nil {
		_ = ipv6.Close()
		servers["a hole in IPv6"] = serve(t, at("::1"), &tls.Config{}, open)
	}
	c := client(t)
	own := c.Do(t.Context(), wire.Request{Method: "GET", Scheme: "https", Target: "/v2/", Host: host, SNI: host, Address: main.at})
	before := len(main.requests())

	w := wanted(t, "127.0.0.1", "127.0.0.2", "::1")
	w.URL = &url.URL{Scheme: "https", Host: fmt.Sprintf("%s:%d", host, port)}
	w.Known = []discover.Known{{Origin: origin(t, w.URL.String()), Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1")}}}
	w.Names = append(own.TLS.Names, "mirror.test", nowhere)
	w.Hosts = []string{fmt.Sprintf("http://auth.test:%d/token?x=hidden", port)}
	w.AltSvc = []string{fmt.Sprintf(`h2="alt.test:%d"; ma=60`, port)}
	w.Guard.Pinned = map[string][]netip.Addr{
		"mirror.test": {netip.MustParseAddr("127.0.0.4")},
		"auth.test":   {netip.MustParseAddr("127.0.0.5")},
		"alt.test":    {netip.MustParseAddr("127.0.0.6"), netip.MustParseAddr("169.254.169.254"), netip.MustParseAddr("10.0.0.1")},
	}
	survey := discover.Scan(t.Context(), c, w)
	for name, want := range map[string]struct {
		url, address, why string
		state             discover.State
	}{
		"another address": {w.URL.String(), at("127.0.0.2"), "another address of the host", discover.Denies},
		"a hole in IPv6":  {w.URL.String(), at("::1"), "another address of the host", discover.Serves},
		"the certificate": {fmt.Sprintf("https://mirror.test:%d", port), at("127.0.0.4"), "name in the certificate", discover.Serves},
		"the realm":       {fmt.Sprintf("http://auth.test:%d", port), at("127.0.0.5"), "named by a realm or a redirect", discover.NotRegistry},
		"Alt-Svc":         {fmt.Sprintf("https://alt.test:%d", port), at("127.0.0.6"), "Alt-Svc", discover.Serves},
		"link-local":      {fmt.Sprintf("https://alt.test:%d", port), at("169.254.169.254"), "Alt-Svc", discover.NotAsked},
		"private":         {fmt.Sprintf("https://alt.test:%d", port), at("10.0.0.1"), "Alt-Svc", discover.NotAsked},
	} {
		if name == "a hole in IPv6" && servers[name] == nil {
			t.Log("this machine has no ::1")
			continue
		}
		i := slices.IndexFunc(survey.Doors, func(d discover.Door) bool { return d.URL.String() == want.url && d.Address.String() == want.address })
		if i < 0 || survey.Doors[i].State != want.state || survey.Doors[i].Why != want.why {
			t.Errorf("%s: not in %+v", name, survey.Doors)
		}
	}
	for name, s := range servers {
		modest(t, s)
		if (name == "an unnamed thing") != (len(s.requests()) == 0) {
			t.Errorf("%s was asked %q", name, s.lines())
		}
	}
	if n := len(servers["the realm"].requests()); n != 1 {
		t.Errorf("the realm's host, which is no registry, was asked %q", servers["the realm"].lines())
	}
	if r := servers["Alt-Svc"].requests(); len(r) > 0 && (r[0].Host != w.URL.Host || r[0].TLS.ServerName != host) {
		t.Errorf("the alternative service was asked for %s, %s", r[0].Host, r[0].TLS.ServerName)
	}
	if len(main.requests()) != before {
		t.Errorf("the configured door was asked: %q", main.lines())
	}
	notes := strings.Join(survey.Notes, "\n")
	for _, part := range []string{"*.example.com", nowhere} {
		if !strings.Contains(notes, part) {
			t.Errorf("%s is not in the notes: %q", part, survey.Notes)
		}
	}
	if strings.Contains(notes+fmt.Sprint(survey.Doors), "hidden") {
		t.Error("a query value is told")
	}
	again := discover.Scan(t.Context(), c, w)
	for i, d := range again.Doors {
		if o := survey.Doors[i]; d.URL.String() != o.URL.String() || d.Address != o.Address || d.State != o.State {
			t.Errorf("the order changed at %d: %v and %v", i, d, o)
		}
	}
}

// TestNothingToCompare: without a known image only /v2/ is asked for.
func TestNothingToCompare(t *testing.T) {
	for name, tc := range map[string]struct {
		serve http.HandlerFunc
		want  discover.State
		same  bool
	}{
		"open":    {open, discover.IsRegistry, false},
		"guarded": {guarded, discover.IsRegistry, true},
		"Basic":   {says(401, "", "Www-Authenticate", `Basic realm="x"`), discover.Unclear, false},
		"HTML":    {says(200, "<html>"), discover.NotRegistry, false},
	} {
		s := serve(t, "127.0.0.1:0", nil, tc.serve)
		w := wanted(t)
		w.Digest, w.Ports.HTTP = "", []uint16{s.at.Port()}
		d := discover.Scan(t.Context(), client(t), w).Doors[0]
		if d.State != tc.want || d.Same != tc.same || !slices.Equal(s.lines(), []string{"GET /v2/"}) {
			t.Errorf("%s: %+v, asked %q", name, d, s.lines())
		}
	}
}
