// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"
	"time"
)

// signedFor is how long a presigned URL is good, unless an entry says otherwise.
const signedFor = 1200 * time.Second

const amzTime = "20060102T150405Z"

// storage is the object storage of a door: one bucket, which is the store.
type storage struct {
	url      string // of its listener, "" without one
	lifetime time.Duration
	public   bool // asks for no signature, and lists itself
}

// newStorage opens the object storage that presigned URLs point to: it serves
// an object to whoever has the signature, and asks nothing else.
func (d *Door) newStorage(ctx context.Context) (err error) {
	d.storage.url, err = d.side(ctx, "127.0.0.1:0", http.HandlerFunc(d.serveStored))
	return err
}

func (d *Door) serveStored(w http.ResponseWriter, r *http.Request) {
	key, found := strings.CutPrefix(r.URL.Path, "/bucket/")
	switch {
	case !isRead(r) || (!d.storage.public && !d.signed(r)):
		storageError(w, http.StatusForbidden, "AccessDenied", "Access Denied")
	case key == "" || !found:
		d.listStored(w, r)
	default:
		store := os.DirFS(d.lab.store)
		if i, err := fs.Stat(store, key); err != nil || i.IsDir() {
			storageError(w, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
			return
		}
		w.Header().Set("Content-Type", "binary/octet-stream")
		http.ServeFileFS(w, r, store, key)
	}
}

func (d *Door) signed(r *http.Request) bool {
	q := r.URL.Query()
	at, err := time.Parse(amzTime, q.Get("X-Amz-Date"))
	seconds, bad := strconv.Atoi(q.Get("X-Amz-Expires"))
	want := d.signature(r.URL.Path, q.Get("X-Amz-Credential"), q.Get("X-Amz-Date"), q.Get("X-Amz-Expires"))
	return err == nil && bad == nil && hmac.Equal([]byte(want), []byte(q.Get("X-Amz-Signature"))) &&
		time.Since(at) <= time.Duration(seconds)*time.Second
}

func storageError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "<Error><Code>"+code+"</Code><Message>"+message+"</Message></Error>")
}

// listing is S3's ListBucketResult, as ListObjectsV2 answers.
type listing struct {
	XMLName     xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
	Name        string
	Prefix      string
	KeyCount    int
	MaxKeys     int
	IsTruncated bool
	Contents    []storedObject
}

type storedObject struct {
	Key  string
	Size int64
}

// listStored lists the bucket: at its path, or at the root of a host of its own.
func (d *Door) listStored(w http.ResponseWriter, r *http.Request) {
	x := listing{Name: "bucket", Prefix: r.URL.Query().Get("prefix"), MaxKeys: 1000}
	err := fs.WalkDir(os.DirFS(d.lab.store), ".", func(key string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasPrefix(key, x.Prefix) {
			return err
		}
		if len(x.Contents) == x.MaxKeys {
			x.IsTruncated = true
			return fs.SkipAll
		}
		i, err := e.Info()
		if err == nil {
			x.Contents = append(x.Contents, storedObject{key, i.Size()})
		}
		return err
	})
	if err != nil {
		storageError(w, http.StatusInternalServerError, "InternalError", "We encountered an internal error.")
		return
	}
	x.KeyCount = len(x.Contents)
	w.Header().Set("Content-Type", "application/xml")
	_, _ = io.WriteString(w, xml.Header)
	_ = xml.NewEncoder(w).Encode(x)
}

// presign is the URL of a blob at base. The credential differs from call to
// call, and with it the signature, as between two real clients.
func (d *Door) presign(base, digest string, now time.Time) string {
	object := path.Join("/bucket", layoutRoot, dataPath(digest))
	date, expires := now.UTC().Format(amzTime), strconv.Itoa(int(d.storage.lifetime.Seconds()))
	credential := "LAB" + strings.ToUpper(randomHex(6)) + "/" + date[:8] + "/lab/s3/aws4_request"
	q := url.Values{
		"X-Amz-Algorithm": {"AWS4-HMAC-SHA256"}, "X-Amz-Credential": {credential}, "X-Amz-Date": {date},
		"X-Amz-Expires": {expires}, "X-Amz-SignedHeaders": {"host"},
		"X-Amz-Signature": {d.signature(object, credential, date, expires)},
	}
	return base + object + "?" + q.Encode()
}

func (d *Door) signature(parts ...string) string {
	mac := hmac.New(sha256.New, []byte(d.lab.keys.secret))
	mac.Write([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(mac.Sum(nil))
}
