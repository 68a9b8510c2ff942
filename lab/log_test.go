// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"net/http"
	"net/url"
	"strconv"
	"testing"
)

func TestLogIsBounded(t *testing.T) {
	var l requestLog
	const all = logged*2 + 7
	for n := range all {
		number := l.add(&http.Request{Method: http.MethodGet, RequestURI: strconv.Itoa(n), URL: &url.URL{}})
		l.answered(number, 200+n%2)
	}
	l.answered(1, 500) // long forgotten
	got := l.list()
	if l.count() != all || len(got) != logged || cap(l.entries) > 3*logged {
		t.Fatalf("%d counted, %d listed, room for %d", l.count(), len(got), cap(l.entries))
	}
	for i, e := range got {
		n := all - logged + i
		if e.URI != strconv.Itoa(n) || e.Status != 200+n%2 {
			t.Fatalf("entry %d is %+v", i, e)
		}
	}
}
