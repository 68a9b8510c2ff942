// SPDX-License-Identifier: Apache-2.0

package anonymous_test

import (
	"context"
	"net/url"
	"testing"

	"github.com/regproof/regproof/lab"
	"github.com/regproof/regproof/probe"
)

// TestPlan holds a plan to what the registry counts.
func TestPlan(t *testing.T) {
	l := open(t)
	for _, c := range []struct {
		name, image string
		door        lab.DoorOptions
	}{
		{"index", "team-a/app:1.4", lab.DoorOptions{}},
		{"single", "team-a/app:1.3", lab.DoorOptions{}},
		{"docker", "team-b/tool:2.0", lab.DoorOptions{}},
		{"index over TLS", "team-a/app:1.4", lab.DoorOptions{TLS: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := door(t, l, c.door)
			var opts probe.Options
			prove(t, l, d, setting{Image: c.image, Change: func(o *probe.Options) { opts = *o }})
			counted := d.Requests()
			opts.Targets[0].Endpoints[0].URL = must(url.Parse(d.URL()))
			rows, err := probe.Plan(context.Background(), opts, shapeOf(t, l, c.image))
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, r := range rows {
				n += r.Requests
			}
			if int64(n) != counted || d.Requests() != counted {
				t.Errorf("planned %d, the registry counted %d, then %d", n, counted, d.Requests())
				for _, r := range rows {
					t.Logf("%+v", r)
				}
			}
		})
	}
}

func shapeOf(t *testing.T, l *lab.Lab, name string) probe.Shape {
	t.Helper()
	for _, i := range l.Images() {
		if i.Reference() == name || i.Repository+":"+i.Tag == name {
			return probe.Shape{Platforms: len(i.Children), Layers: len(i.Layers), Attached: i.ReferrersTag != "" && len(i.Referrers) > 0}
		}
	}
	t.Fatalf("no image %s", name)
	return probe.Shape{}
}

func must(u *url.URL, err error) *url.URL {
	if err != nil {
		panic(err)
	}
	return u
}
