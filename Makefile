# SPDX-License-Identifier: Apache-2.0

# make test installs nothing: what needs a peer that is absent is skipped by
# name, and the skips are counted at the end. make peers installs the peers.

GO     ?= go
BIN    := $(CURDIR)/bin
DEBIAN := docker-registry skopeo nginx-light haproxy curl varnish squid caddy apache2-bin

.PHONY: build test race bench peers registries accuracy lint fuzz static docs tidy clean

build:
	$(GO) build -trimpath -ldflags "-s -w" -o regproof ./cmd/regproof

PKGS ?= ./...
test:
	@$(GO) test -v -parallel 4 -timeout 60m $(PKGS) > test.out 2>&1; code=$$?; \
	grep -E '^(ok|FAIL|panic:|---? FAIL)|^ +--- FAIL' test.out; \
	[ $$code -eq 0 ] || sed -n '/--- FAIL/,/^FAIL/p' test.out; \
	skips=$$(grep -c -- '--- SKIP' test.out); \
	[ $$skips -eq 0 ] || { grep -- '--- SKIP' test.out; echo "skipped: $$skips"; \
	  grep -ohE 'peer [^ ]+ is not installed' test.out | sort | uniq -c | sed 's/$$/ (make peers)/'; }; \
	exit $$code

# The tables over real peers run the compiled binary: the detector sees nothing there,
# and it need not wait for what takes its time.
race:
	$(GO) test -race -short -timeout 30m -skip '^Test(Peers|Accuracy.*)$$' ./...

bench:
	$(GO) run ./bench

# Real peers: Debian packages, and the registry of the distribution project: as
# it is, and two versions with a weakness of their own.
peers: registries
	apt-get update -q
	DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $(DEBIAN)

registries:
	cd tools/registry && $(GO) build -o $(BIN)/registry .
	cd tools/registry-310 && $(GO) build -o $(BIN)/registry-3.1.0 .
	cd tools/registry-rc2 && $(GO) build -o $(BIN)/registry-3.0.0-rc.2 .

# Every weakness of real fronts and registries, and of the lab, and its sound
# twin: docs/accuracy.md, docs/peers.md and docs/accuracy-lab.md.
accuracy:
	REGPROOF_PEERS=required REGPROOF_ACCURACY=1 REGPROOF_TABLES=docs $(GO) test -count=1 -timeout 60m -v -run '^Test(Accuracy(Lab)?|Peers)$$' ./cmd/regproof

lint:
	cd tools && $(GO) build -o $(BIN)/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	$(BIN)/golangci-lint run ./...

FUZZ ?= 10s
fuzz:
	@set -e; for f in $$(grep -rl --include='*_test.go' '^func Fuzz' . | sort); do \
	  for t in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' $$f); do \
	    echo "$$t in $$(dirname $$f)"; \
	    out=$$($(GO) test -run '^$$' -fuzz "^$$t\$$" -fuzztime $(FUZZ) $$(dirname $$f) 2>&1) || { echo "$$out"; exit 1; }; \
	    echo "$$out" | tail -1; \
	  done; done

static:
	@set -e; for os in linux darwin windows; do for arch in amd64 arm64; do \
	  echo "$$os/$$arch"; CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch $(GO) build -trimpath -ldflags "-s -w" -o /dev/null ./cmd/regproof; \
	done; done

# What is generated from the code.
docs:
	$(GO) run ./cmd/regproof probes --controls > docs/controls.md
	$(GO) test ./report -run Schema -update

tidy:
	$(GO) mod tidy -diff

clean:
	rm -rf bin regproof test.out
