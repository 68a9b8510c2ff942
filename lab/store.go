// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"sync"
	"unsafe"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	"github.com/sirupsen/logrus"

	// The drivers and access controllers that newApp's configuration names.
	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd"
	_ "github.com/distribution/distribution/v3/registry/auth/silly"
	_ "github.com/distribution/distribution/v3/registry/auth/token"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
)

// silence stops distribution's per-request log lines. They go through logrus'
// one global logger, at every level, and no configuration of it stops them; in
// this product nothing but distribution logs there.
var silence = sync.OnceFunc(func() {
	logrus.SetOutput(io.Discard)
	logrus.SetLevel(logrus.PanicLevel)
})

// app is one distribution registry in process.
type app struct{ *handlers.App }

// newApp makes a registry over dir; several may share one directory, because
// nothing is cached. secret must be the same for all of them: it signs upload
// locations. auth is nil for an open registry. change has the last word.
func newApp(ctx context.Context, dir, secret string, auth configuration.Auth, change ...func(*configuration.Configuration)) (a *app, err error) {
	silence()
	// handlers.NewApp panics on a configuration it does not like.
	defer func() {
		if p := recover(); p != nil {
			a, err = nil, fmt.Errorf("start of distribution: %v", p)
		}
	}()
	c := &configuration.Configuration{
		Version: configuration.CurrentVersion,
		Storage: configuration.Storage{
			"filesystem":  {"rootdirectory": dir},
			"delete":      {"enabled": true},
			"maintenance": {"uploadpurging": map[any]any{"enabled": false}}, // it is a goroutine for ever
		},
		Auth: auth,
	}
	c.Log.AccessLog.Disabled = true
	// What the parser of a configuration file would set; zero means empty lists.
	c.Catalog.MaxEntries, c.Tags.MaxTags = 1000, 1000
	c.HTTP.Secret = secret
	// Relative locations: absolute ones would follow the Host and X-Forwarded-*
	// headers, which is a weakness (location-host-reflection), not a sound default.
	c.HTTP.RelativeURLs = true
	for _, f := range change {
		f(c)
	}
	// The app must outlive the call that opens it.
	return &app{handlers.NewApp(context.WithoutCancel(ctx), c)}, nil
}

// close ends the app and its one goroutine, the notification broadcaster, which
// App.Shutdown forgets (distribution v3.1.2, app.go, configureEvents) and which
// no exported name reaches. When the field has gone the goroutine is left, and
// the leak test of this package says so.
func (a *app) close() error {
	err := a.Shutdown()
	events := reflect.ValueOf(a.App).Elem().FieldByName("events")
	if events.Kind() != reflect.Struct {
		return err
	}
	sink := events.FieldByName("sink")
	if !sink.IsValid() || !sink.CanAddr() {
		return err
	}
	held := reflect.NewAt(sink.Type(), unsafe.Pointer(sink.UnsafeAddr())).Elem().Interface()
	if c, ok := held.(io.Closer); ok {
		_ = c.Close()
	}
	return err
}

var _ http.Handler = (*app)(nil)
