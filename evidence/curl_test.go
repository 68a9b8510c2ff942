// SPDX-License-Identifier: Apache-2.0

package evidence_test

import (
	"strings"
	"testing"

	"github.com/regproof/regproof/evidence"
)

// TestCurl: the command sends what was sent. That curl makes these bytes of it
// is what probes/ingress tests.
func TestCurl(t *testing.T) {
	const plain = "curl -sS -D- -o /dev/null --cacert 'my ca.pem' --resolve r.example:443:10.0.0.1 -H User-Agent: -H Accept: --http1.1"
	for _, c := range []struct {
		name   string
		change func(*evidence.Exchange)
		want   string
	}{
		{"plain", func(*evidence.Exchange) {}, plain + " https://r.example/v2/a/manifests/1"},
		{"headers", func(x *evidence.Exchange) {
			x.RequestHeaders = [][2]string{
				{"Accept", "a/b, c/d"}, {"User-Agent", "regproof/1 (+x)"}, {"X-Regproof-Run", "x"}, {"Accept-Encoding", "identity"},
				evidence.Header("Authorization", "Bearer secret"), {"Range", "bytes=1-2"}, {"X_User", "admin"}, {"X-Empty", ""},
			}
			x.ResponseHeaders = [][2]string{{"Content-Type", "c/d"}}
		}, `curl -sS -D- -o /dev/null --cacert 'my ca.pem' --resolve r.example:443:10.0.0.1 -H 'Accept: c/d' -A regproof -H "Authorization: Bearer $REGPROOF_TOKEN" -H 'Range: bytes=1-2' -H 'X_User: admin' -H 'X-Empty;' --http1.1 https://r.example/v2/a/manifests/1`},
		{"a password", func(x *evidence.Exchange) {
			x.RequestHeaders = [][2]string{evidence.Header("Authorization", "Basic secret"), {"Accept-Encoding", "gzip"}, evidence.Header("X-Other", "secret")}
		}, `curl -sS -D- -o /dev/null --cacert 'my ca.pem' --resolve r.example:443:10.0.0.1 -H User-Agent: -H Accept: -u "$REGPROOF_USER:$REGPROOF_PASSWORD" -H 'Accept-Encoding: gzip' -H 'X-Other: '"$REGPROOF_VALUE" --http1.1 https://r.example/v2/a/manifests/1`},
		{"nobody's password", func(x *evidence.Exchange) {
			x.RequestHeaders = [][2]string{{"User-Agent", "a"}, {"Accept", "b"}, {"Authorization", "Basic x"}, {"Authorization", ""}}
		}, `curl -sS -D- -o /dev/null --cacert 'my ca.pem' --resolve r.example:443:10.0.0.1 -H 'User-Agent: a' -H 'Accept: b' -H 'Authorization: Basic x' -H 'Authorization;' --http1.1 https://r.example/v2/a/manifests/1`},
		{"a shell word", func(x *evidence.Exchange) { x.Target = "/v2/a'; rm -rf ~'" }, plain + ` --request-target '/v2/a'\''; rm -rf ~'\''' https://r.example/`},
		{"escapes", func(x *evidence.Exchange) { x.Target = "/v2/%61" }, plain + " --request-target /v2/%61 https://r.example/"},
		{"dots", func(x *evidence.Exchange) { x.Target = "/x/../v2/" }, plain + " --request-target /x/../v2/ https://r.example/"},
		{"a last dot", func(x *evidence.Exchange) { x.Target = "/v2/." }, plain + " --request-target /v2/. https://r.example/"},
		{"slashes", func(x *evidence.Exchange) { x.Target = "//v2/" }, plain + " --request-target //v2/ https://r.example/"},
		{"an empty query", func(x *evidence.Exchange) { x.Target = "/v2/?" }, plain + " --request-target '/v2/?' https://r.example/"},
		{"a query", func(x *evidence.Exchange) { x.Target = "/v2/?/healthz" }, plain + " 'https://r.example/v2/?/healthz'"},
		{"a secret in the query", func(x *evidence.Exchange) { x.Target = evidence.Target("/v2/?a=secret&n=1") }, plain + ` 'https://r.example/v2/?a='"$REGPROOF_VALUE"'&n=1'`},
		{"a whole URL", func(x *evidence.Exchange) { x.Target = "http://x.example/v2/" }, plain + " --request-target http://x.example/v2/ https://r.example/"},
		{"another Host", func(x *evidence.Exchange) { x.Host = "R.example:443" }, strings.Replace(plain, "-H User-Agent", "-H 'Host: R.example:443' -H User-Agent", 1) + " https://r.example/v2/a/manifests/1"},
		{"no Host", func(x *evidence.Exchange) { x.Host = "" }, strings.Replace(plain, "-H User-Agent", "-H Host: -H User-Agent", 1) + " https://r.example/v2/a/manifests/1"},
		{"an empty Host", func(x *evidence.Exchange) { x.Host, x.RequestHeaders = "", [][2]string{{"Host", ""}} }, strings.Replace(plain, "-H User-Agent", "-H 'Host;' -H User-Agent", 1) + " https://r.example/v2/a/manifests/1"},
		{"two Hosts", func(x *evidence.Exchange) { x.RequestHeaders = [][2]string{{"Host", "o.example"}} }, strings.Replace(plain, "-H User-Agent", `-H 'Host: r.example'"$(printf '\r\nHost: %s' o.example)" -H User-Agent`, 1) + " https://r.example/v2/a/manifests/1"},
		{"another server name", func(x *evidence.Exchange) { x.SNI, x.TLS.Verified = "o.example", false }, `curl -sS -D- -o /dev/null -k --resolve o.example:443:10.0.0.1 -H 'Host: r.example' -H User-Agent: -H Accept: --http1.1 https://o.example/v2/a/manifests/1`},
		{"no server name", func(x *evidence.Exchange) { x.SNI, x.TLS.Verified = "", false }, `curl -sS -D- -o /dev/null -k -H 'Host: r.example' -H User-Agent: -H Accept: --http1.1 https://10.0.0.1/v2/a/manifests/1`},
		{"another port and IPv6", func(x *evidence.Exchange) { x.Host, x.Address = "r.example:5000", "[::1]:5000" }, strings.Replace(plain, "r.example:443:10.0.0.1", "'r.example:5000:[::1]'", 1) + " https://r.example:5000/v2/a/manifests/1"},
		{"an address by another", func(x *evidence.Exchange) { x.Host, x.SNI = "10.0.0.9", "10.0.0.9" }, strings.Replace(plain, "--resolve r.example:443:10.0.0.1", "--connect-to ::10.0.0.1:443", 1) + " https://10.0.0.9/v2/a/manifests/1"},
		{"HTTP/1.0", func(x *evidence.Exchange) { x.Sent = "HTTP/1.0" }, strings.Replace(plain, "--http1.1", "--http1.0 --no-alpn", 1) + " https://r.example/v2/a/manifests/1"},
		{"HTTP/2", func(x *evidence.Exchange) { x.Protocol = "HTTP/2.0" }, strings.Replace(plain, " --http1.1", "", 1) + " https://r.example/v2/a/manifests/1"},
		{"a method", func(x *evidence.Exchange) { x.Method = "get" }, strings.Replace(plain, "null", "null -X get", 1) + " https://r.example/v2/a/manifests/1"},
		{"an upload", func(x *evidence.Exchange) { x.Method = "POST" }, strings.Replace(strings.Replace(plain, "null", "null -X POST", 1), "Accept:", "Accept: -H 'Content-Length: 0'", 1) + " https://r.example/v2/a/manifests/1"},
		{"HEAD", func(x *evidence.Exchange) { x.Method = "HEAD" }, strings.Replace(plain, "curl -sS -D- -o /dev/null", "curl -sSI", 1) + " https://r.example/v2/a/manifests/1"},
		{"a client certificate", func(x *evidence.Exchange) { x.TLS.Presented = "CN=ci" }, strings.Replace(plain, "--resolve", `--cert "$REGPROOF_CERT" --resolve`, 1) + " https://r.example/v2/a/manifests/1"},
		{"no TLS", func(x *evidence.Exchange) {
			x.TLS, x.SNI, x.Host, x.Address = nil, "", "r.example:5000", "10.0.0.1:5000"
		}, `curl -sS -D- -o /dev/null --resolve r.example:5000:10.0.0.1 -H User-Agent: -H Accept: http://r.example:5000/v2/a/manifests/1`},
		{"no TLS and another Host", func(x *evidence.Exchange) { x.TLS, x.SNI, x.Host, x.Address = nil, "", "localhost", "10.0.0.1:80" }, `curl -sS -D- -o /dev/null -H 'Host: localhost' -H User-Agent: -H Accept: http://10.0.0.1/v2/a/manifests/1`},
		{"no TLS and another port", func(x *evidence.Exchange) { x.TLS, x.SNI, x.Host, x.Address = nil, "", "r.example:1", "10.0.0.1:80" }, `curl -sS -D- -o /dev/null -H 'Host: r.example:1' -H User-Agent: -H Accept: http://10.0.0.1/v2/a/manifests/1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := evidence.Exchange{
				Method: "GET", Host: "r.example", SNI: "r.example", Target: "/v2/a/manifests/1", Address: "10.0.0.1:443", Protocol: "HTTP/1.1",
				TLS: &evidence.TLS{Verified: true}, Status: 200,
			}
			c.change(&x)
			if got := strings.Join(evidence.Curl(x, "my ca.pem"), " "); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestCurlBody: what a list or an error says is shown, bounded; what is in an
// image is not, nor a body that is not there.
func TestCurlBody(t *testing.T) {
	for _, c := range []struct {
		name, method, target, kind string
		status                     int
		size                       int64
		shown                      bool
	}{
		{"a list", "GET", "/v2/a/tags/list", "application/json; charset=utf-8", 200, 40, true},
		{"referrers", "GET", "/v2/a/referrers/sha256:00", "application/vnd.oci.image.index.v1+json", 200, 40, true},
		{"metrics", "GET", "/metrics", "text/plain", 200, 40, true},
		{"an error", "DELETE", "/v2/a/manifests/sha256:00", "application/json", 404, 40, true},
		{"a manifest", "GET", "/v2/a/manifests/1", "application/json", 200, 40, false},
		{"a layer", "GET", "/v2/a/blobs/sha256:00", "application/octet-stream", 200, 40, false},
		{"no body", "GET", "/v2/a/tags/list", "application/json", 200, 0, false},
		{"HEAD", "HEAD", "/v2/a/tags/list", "application/json", 404, 40, false},
	} {
		x := evidence.Exchange{
			Method: c.method, Target: c.target, Host: "r.example", Address: "10.0.0.1:80", Protocol: "HTTP/1.1", Status: c.status, BodySize: c.size,
			ResponseHeaders: [][2]string{{"Content-Type", c.kind}},
		}
		got := strings.Join(evidence.CurlBody(x, ""), " ")
		if shown := strings.HasSuffix(got, "| head -c 4000") && !strings.Contains(got, "/dev/null"); shown != c.shown {
			t.Errorf("%s: %s", c.name, got)
		}
		if got := strings.Join(evidence.CurlTimed(x, ""), " "); c.method == "GET" && !strings.Contains(got, `-o /dev/null -w '%{time_total} s\n'`) {
			t.Errorf("%s: %s", c.name, got)
		}
	}
}

// TestMade: what a probe made up is recorded as it is; a secret never is, even
// if it is said to be made up.
func TestMade(t *testing.T) {
	r, err := evidence.NewRecorder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	const secret = "hunter2-hunter2"
	r.Hide(secret)
	made := evidence.Made{Target: "/v2/?x=.js#/healthz", Headers: [][2]string{{"Authorization", "Bearer x"}, {"X-Leak", secret}}}
	sent := [][2]string{{"Authorization", "Bearer x"}, {"Authorization", "Bearer y"}, {"X-Leak", secret}, {"Bearer x", "Authorization"}}
	x, err := r.Get(r.Record(evidence.Exchange{Target: made.Target, RequestHeaders: sent, ResponseHeaders: sent[:1], Made: made}))
	if err != nil {
		t.Fatal(err)
	}
	if x.Target != made.Target || x.RequestHeaders[0] != sent[0] {
		t.Errorf("what was made up is not shown: %s %v", x.Target, x.RequestHeaders)
	}
	for i, h := range x.RequestHeaders[1:] {
		if h == sent[i+1] {
			t.Errorf("%v is shown", h)
		}
	}
	if x.ResponseHeaders[0] == sent[0] {
		t.Error("what a server sends is never ours")
	}
	made.Target = "/v2/?x=" + secret
	if x, _ := r.Get(r.Record(evidence.Exchange{Target: made.Target, Made: made})); strings.Contains(x.Target, secret) {
		t.Errorf("%s shows the secret", x.Target)
	}
	if x, _ := r.Get(r.Record(evidence.Exchange{Target: "/v2/?x=1", Made: made})); x.Target == "/v2/?x=1" {
		t.Errorf("%s is not what was made up", x.Target)
	}
}
