// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// prove asks both halves of a case by hand.
func (w *accuracyWorld) prove(t *testing.T, c accuracyCase) {
	l := c.leak
	if l.request == "" {
		l.request = get("{MANIFEST}")
	}
	if l.holds == nil {
		l.holds = private
	}
	if c.weak != nil {
		s := c.weak(t, w)
		err := w.leaks(t, s, l)
		for range 5 { // a server may listen before it serves all
			if err == nil {
				break
			}
			time.Sleep(500 * time.Millisecond)
			err = w.leaks(t, s, l)
		}
		if err != nil {
			t.Errorf("the weak half does not leak: %v", err)
		}
		if err := w.leaks(t, s, leak{request: get("{MANIFEST}"), holds: private, other: l.other}); err == nil && !l.open && l.request != get("{MANIFEST}") {
			t.Error("the weak half leaks to the plain request, too: the weakness is another")
		}
		w.serves(t, "weak", s, l)
	}
	s := c.twin(t, w)
	if l.request != "" {
		if err := w.leaks(t, s, l); err == nil {
			t.Error("the twin leaks")
		} else {
			t.Logf("the twin: %v", err)
		}
	}
	for _, request := range c.harmless {
		a, err := w.send(s, leak{}, request, false)
		if err == nil && private(w, a) == nil {
			t.Errorf("the twin leaks to %q", request)
		}
		t.Logf("%.40q: status %d, %v", request, a.status, err)
	}
	w.serves(t, "twin", s, l)
}

// leaks sends what a stranger sends; nil says that private content came back.
func (w *accuracyWorld) leaks(t *testing.T, s site, l leak) error {
	t.Helper()
	request := l.request
	if l.prime {
		if a, err := w.send(s, l, request, false); err == nil && l.holds(w, a) == nil {
			return errors.New("it leaks before anybody asked who may")
		}
		a, err := w.send(s, l, strings.Replace(request, "\r\n\r\n", "\r\nAuthorization: Basic {BASIC}\r\n\r\n", 1), true)
		if err == nil {
			err = l.holds(w, a)
		}
		if err != nil {
			return fmt.Errorf("the entitled get nothing: %w", err)
		}
	}
	if l.token {
		token, err := s.strangersToken()
		if err != nil {
			return err
		}
		request = strings.Replace(request, "\r\n\r\n", "\r\nAuthorization: Bearer "+token+"\r\n\r\n", 1)
	}
	var last error
	for range max(l.times, 1) {
		a, err := w.send(s, l, request, false)
		if err == nil {
			err = l.holds(w, a)
		}
		if err == nil {
			return nil
		}
		last = err
	}
	return last
}

// serves complains unless the entitled get what is theirs.
func (w *accuracyWorld) serves(t *testing.T, which string, s site, l leak) {
	t.Helper()
	request, want := entitled, private
	if l.as != "" {
		request = l.as
	}
	if l.serves != nil {
		want = l.serves
	}
	if s.token != "" {
		token, err := s.fetchToken(peerUser, peerPassword, "pull")
		if err != nil {
			t.Errorf("the %s half: %v", which, err)
			return
		}
		request = strings.Replace(request, "Basic {BASIC}", "Bearer "+token, 1)
	}
	a, err := w.send(s, leak{other: l.other && s.entitledThere}, request, true)
	if err == nil {
		err = want(w, a)
	}
	if err != nil {
		t.Errorf("the %s half does not serve the entitled: %v", which, err)
	}
}

func (s site) strangersToken() (string, error) { return s.fetchToken("", "", "pull") }

// fetchToken asks the token service for rights.
func (s site) fetchToken(user, password, actions string) (string, error) {
	query := url.Values{"service": {"peer registry"}, "scope": {"repository:" + peerRepository + ":" + actions}}
	r, err := http.NewRequest("GET", s.token+"?"+query.Encode(), nil)
	if err != nil {
		return "", err
	}
	if user != "" {
		r.SetBasicAuth(user, password)
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer a.Body.Close()
	var body struct{ Token string }
	if a.StatusCode != 200 {
		return "", fmt.Errorf("token service: status %d", a.StatusCode)
	}
	if err := json.NewDecoder(a.Body).Decode(&body); err != nil {
		return "", fmt.Errorf("token service: %w", err)
	}
	return body.Token, nil
}
