// SPDX-License-Identifier: Apache-2.0

package token

import (
	"fmt"
	"net/http"
	"time"

	"github.com/regproof/regproof/login"
	"github.com/regproof/regproof/probe"
)

// began is when a token that can be read says that it began, in seconds since
// 1970, and what says so.
func began(m probe.Minted) (int64, string) {
	if iat, ok := m.JWT.Seconds("iat"); ok {
		return iat, "iat"
	}
	if date, ok := dated(m.Answer); ok {
		return date.Unix(), "the Date of the answer"
	}
	return time.Now().Unix(), "the time here"
}

// dated is when an answer was given by the clock of who gave it.
func dated(a probe.Answer) (time.Time, bool) {
	date, err := http.ParseTime(a.Header.Get("Date"))
	return date, err == nil
}

// endOf is the exp of a token, nil without one; read says whether it can be read.
func endOf(token string) (exp *int64, read bool) {
	j, err := login.ParseJWT(token)
	if err != nil {
		return nil, false
	}
	if n, ok := j.Seconds("exp"); ok {
		exp = &n
	}
	return exp, true
}

// bounded is end less begin, and never less than 0: what a server says need not
// make sense.
func bounded(end, begin int64) int64 {
	const most = 1 << 60
	end, begin = max(min(end, most), -most), max(min(begin, most), -most)
	return max(end-begin, 0)
}

// span writes seconds for a reader.
func span(seconds int64) string {
	switch {
	case seconds >= 100*365*day:
		return "more than a hundred years"
	case seconds >= 2*365*day:
		return fmt.Sprintf("%d years", seconds/(365*day))
	case seconds >= 2*day:
		return fmt.Sprintf("%d days", seconds/day)
	case seconds >= 120 && seconds%60 == 0 && seconds < 7200:
		return fmt.Sprintf("%d min", seconds/60)
	case seconds >= 7200 && seconds%3600 == 0:
		return fmt.Sprintf("%d h", seconds/3600)
	case seconds >= 120:
		return (time.Duration(seconds) * time.Second).String()
	}
	return fmt.Sprintf("%d s", seconds)
}
