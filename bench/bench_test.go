// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/regproof/regproof/discover"
)

// far puts the delay before a server, in this process, and returns its address.
func far(t *testing.T, to string, rtt time.Duration) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go (&proxy{to: to, rtt: rtt}).serve(l)
	return l.Addr().String()
}

// The delay is bounded from below alone: a busy machine may always be slower.
func TestDelay(t *testing.T) {
	const rtt = 40 * time.Millisecond
	s := httptest.NewServer(newSynthetic(1))
	defer s.Close()
	at := far(t, s.Listener.Addr().String(), rtt)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for _, c := range []struct {
		name  string
		trips time.Duration
	}{{"the first request connects", 2}, {"the next does not", 1}} {
		began := time.Now()
		if err := get(t.Context(), client, "http://"+at+"/v2/"); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < c.trips*rtt {
			t.Errorf("%s: it took %s, less than %d round trips of %s", c.name, took, c.trips, rtt)
		}
	}
}

func TestDelayPassesEverythingOn(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() { // echoes until the end of what it is sent, and then ends too
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = io.Copy(c, c)
	}()
	c, err := net.Dial("tcp", far(t, l.Addr().String(), time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	sent := strings.Repeat("regproof ", 50_000)
	go func() {
		_, _ = io.WriteString(c, sent)
		_ = c.(*net.TCPConn).CloseWrite()
	}()
	got, err := io.ReadAll(c)
	if err != nil || string(got) != sent {
		t.Errorf("%d bytes came back of %d: %v", len(got), len(sent), err)
	}
}

func TestSynthetic(t *testing.T) {
	s := newSynthetic(2)
	if diff := cmp.Diff(s.answers, newSynthetic(2).answers, cmp.AllowUnexported(reply{})); diff != "" {
		t.Errorf("two registries differ:\n%s", diff)
	}
	manifest := "/v2/" + repository(1) + "/manifests/" + syntheticTag
	for _, c := range []struct {
		target, user string
		want         int
	}{
		{"/v2/", "", 401}, {"/v2/", syntheticUser, 200}, {manifest, "", 401}, {manifest, "somebody", 401}, {manifest, syntheticUser, 200},
		{"/v2/" + repository(2) + "/tags/list", syntheticUser, 404}, {"/v2/" + repository(2) + "/tags/list", "", 401},
	} {
		r := httptest.NewRequest("GET", c.target, nil)
		if c.user != "" {
			r.SetBasicAuth(c.user, syntheticPassword)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s as %q: %d, want %d", c.target, c.user, w.Code, c.want)
		}
	}
	if n := s.requests.Load(); n != 7 {
		t.Errorf("%d requests were counted, want 7", n)
	}
}

func TestTable(t *testing.T) {
	var tb table
	tb.add(line{Row: 1, What: "trips", Measured: 22.94, Goal: 22, Unit: "round trips", Note: "N 225"})
	tb.add(line{Row: 3, What: "rate", Measured: 0.85, Goal: 0.8, AtLeast: true})
	tb.add(line{Row: 5, What: "start", Measured: 5.041, Unit: "ms"})
	var b strings.Builder
	if err := tb.write(&b); err != nil {
		t.Fatal(err)
	}
	want := `| row | what | measured | goal | ratio | | notes |
|---|---|--:|--:|--:|---|---|
| 1 | trips | 22.9 round trips | <= 22 round trips | 1.04 | missed | N 225 |
| 3 | rate | 0.850 | >= 0.800 | 1.06 | met |  |
| 5 | start | 5.04 ms |  |  |  |  |
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		of   []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 2, 9}, 3}} {
		if got := median(c.of, same); got != c.want {
			t.Errorf("median of %v: %v, want %v", c.of, got, c.want)
		}
	}
}

func TestReport(t *testing.T) {
	report := filepath.Join(t.TempDir(), "report.json")
	list := report + ".txt"
	text := `{"schema":"s","run":{"id":"x","requests":2},"findings":[{"run":1}],"exchanges":[
{"method":"GET","target":"/v2/","identity":"anonymous","of":""},
{"method":"GET","target":"/v2/","identity":"anonymous","of":"x1"},
{"method":"HEAD","target":"/v2/a/manifests/1","identity":"ci","of":""}]}`
	if err := os.WriteFile(report, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := requests(report); err != nil || n != 2 {
		t.Errorf("%d requests, want 2: %v", n, err)
	}
	if err := mix(t.Context(), []string{report, list}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(list)
	want := fmt.Sprintln("GET /v2/ anonymous") + fmt.Sprintln("HEAD /v2/a/manifests/1 ci")
	if err != nil || string(got) != want {
		t.Errorf("%q, want %q: %v", got, want, err)
	}
}

func TestReadPlan(t *testing.T) {
	const one = "       3  GET anonymous read http://a\n          316 attempts by a stranger at http://127.0.0.1:5000, and 42\n          repeats that watch for bans\n"
	for _, c := range []struct {
		name, text string
		want       planned
		fails      bool
	}{
		{"one endpoint, folded", one, planned{attempts: 316, repeats: 42}, false},
		{"two endpoints", one + one, planned{}, true},
		{"none", "nothing was sent", planned{}, true},
	} {
		got, err := readPlan(c.text)
		if got != c.want || (err != nil) != c.fails {
			t.Errorf("%s: %v, %v, want %v", c.name, got, err, c.want)
		}
	}
}

func TestReadDoors(t *testing.T) {
	looked, silent, err := readDoors([]byte(`{"findings":[{"probe":"exposure/debug-port","attempts":3},{"probe":"exposure/doors","attempts":20}],
"exchanges":[{"error":"timeout: dial tcp"},{"error":""},{"error":"refused: dial tcp"},{"error":"timeout: handshake"}]}`))
	if looked != 20 || silent != 2 || err != nil {
		t.Errorf("%d doors, %d silent, want 20 and 2: %v", looked, silent, err)
	}
}

// The two kinds of silent doors are told apart by whether they take a connection.
func TestSurround(t *testing.T) {
	a, s, err := surround()
	defer a.close()
	if err != nil {
		t.Fatal(err)
	}
	if s.Skipped != "" {
		t.Skip(s.Skipped)
	}
	if s.Dropping == 0 || s.Mute == 0 {
		t.Errorf("%d doors take no connection, %d say nothing, want some of both", s.Dropping, s.Mute)
	}
	var dropping, mute atomic.Int64
	var wg sync.WaitGroup
	u := discover.UsualPorts()
	for _, port := range slices.Concat(u.HTTPS, u.HTTP, u.Debug) {
		wg.Go(func() {
			conn, err := net.DialTimeout("tcp", a.at(port), time.Second)
			var late net.Error
			switch {
			case err == nil:
				mute.Add(1)
				_ = conn.Close()
			case errors.As(err, &late) && late.Timeout():
				dropping.Add(1)
			}
		})
	}
	wg.Wait()
	if int(dropping.Load()) != s.Dropping || int(mute.Load()) != s.Mute {
		t.Errorf("%d doors took no connection, %d took it, want %d and %d", dropping.Load(), mute.Load(), s.Dropping, s.Mute)
	}
	resp, err := http.Get("http://" + s.Host + "/v2/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	named := discover.ParseAltSvc(resp.Header.Values("Alt-Svc"))
	if len(named) != answeringDoors {
		t.Errorf("Alt-Svc is %q, want %d doors", resp.Header.Values("Alt-Svc"), answeringDoors)
	}
	for _, n := range named {
		if err := get(t.Context(), http.DefaultClient, "http://"+a.at(n.Port)+"/v2/"); err != nil {
			t.Error(err)
		}
	}
}
