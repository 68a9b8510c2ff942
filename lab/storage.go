// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// signedFor is how long a presigned URL is good.
const signedFor = 1200 * time.Second

const amzTime = "20060102T150405Z"

// newStorage opens the object storage that presigned URLs point to: it serves
// a blob to whoever has the signature, and asks nothing else.
func (d *Door) newStorage(ctx context.Context) (err error) {
	d.storage, err = d.side(ctx, "127.0.0.1:0", http.HandlerFunc(d.serveStored))
	return err
}

func (d *Door) serveStored(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	at, err := time.Parse(amzTime, q.Get("X-Amz-Date"))
	name, digest, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/bucket/"), "/sha256/")
	seconds, bad := strconv.Atoi(q.Get("X-Amz-Expires"))
	want := d.signature(r.URL.Path, q.Get("X-Amz-Credential"), q.Get("X-Amz-Date"), q.Get("X-Amz-Expires"))
	if err != nil || bad != nil || !ok || !isRead(r) ||
		!hmac.Equal([]byte(want), []byte(q.Get("X-Amz-Signature"))) ||
		time.Since(at) > time.Duration(seconds)*time.Second {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>")
		return
	}
	// The bytes come from the registry, so that Range and HEAD work as there.
	inner := r.Clone(r.Context())
	inner.URL = &url.URL{Path: "/v2/" + name + "/blobs/sha256:" + digest}
	inner.RequestURI = inner.URL.RequestURI()
	d.open.ServeHTTP(w, inner)
}

// presign is the URL of a blob at base. The credential differs from call to
// call, and with it the signature, as between two real clients.
func (d *Door) presign(base, repository, digest string, now time.Time) string {
	path := "/bucket/" + repository + "/" + strings.Replace(digest, ":", "/", 1)
	date, expires := now.UTC().Format(amzTime), strconv.Itoa(int(signedFor.Seconds()))
	credential := "LAB" + strings.ToUpper(randomHex(6)) + "/" + date[:8] + "/lab/s3/aws4_request"
	q := url.Values{
		"X-Amz-Algorithm": {"AWS4-HMAC-SHA256"}, "X-Amz-Credential": {credential}, "X-Amz-Date": {date},
		"X-Amz-Expires": {expires}, "X-Amz-SignedHeaders": {"host"},
		"X-Amz-Signature": {d.signature(path, credential, date, expires)},
	}
	return base + path + "?" + q.Encode()
}

func (d *Door) signature(parts ...string) string {
	mac := hmac.New(sha256.New, []byte(d.lab.keys.secret))
	mac.Write([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(mac.Sum(nil))
}
