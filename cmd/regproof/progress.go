// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/regproof/regproof/probe"
)

// heartbeat is how often a run without a terminal says that it lives.
const heartbeat = 10 * time.Second

// progress shows how far a run is: a line that is written over on a terminal,
// else one line every ten seconds.
type progress struct {
	w     io.Writer
	tty   bool
	mu    sync.Mutex
	last  probe.Progress
	shown bool
	quit  chan struct{}
	done  sync.WaitGroup
}

func newProgress(w io.Writer, quiet bool) *progress {
	p := &progress{w: w, tty: terminal(w), quit: make(chan struct{})}
	if quiet {
		return p
	}
	every := heartbeat
	if p.tty {
		every = 200 * time.Millisecond
	}
	p.done.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				p.show()
			case <-p.quit:
				return
			}
		}
	})
	return p
}

func (p *progress) update(now probe.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = now
}

func (p *progress) show() {
	p.mu.Lock()
	defer p.mu.Unlock()
	line := fmt.Sprintf("%d requests, %d trials done", p.last.Requests, p.last.Trials)
	if p.last.Doing != "" {
		line += "; " + p.last.Doing
	}
	if p.tty {
		fmt.Fprintf(p.w, "\r%-79.79s", line)
		p.shown = true
		return
	}
	fmt.Fprintln(p.w, line)
}

func (p *progress) stop() {
	close(p.quit)
	p.done.Wait()
	if p.shown {
		fmt.Fprintf(p.w, "\r%-79s\r", "")
	}
}
