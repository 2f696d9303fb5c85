# Tandem. `make help` says what each target does.

GO        ?= go
PREFIX    ?= /usr/local
DESTDIR   ?=
VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
BUILDTAGS := netgo,osusergo
LDFLAGS   := -s -w -X main.version=$(VERSION)
BUILD     := CGO_ENABLED=0 $(GO) build -trimpath -tags $(BUILDTAGS) -ldflags '$(LDFLAGS)'
TOOL      := $(GO) tool -modfile=tools.mod

# The race detector needs a C compiler; without one the tests still run, and say so.
RACE := $(shell command -v gcc >/dev/null 2>&1 && [ "$$($(GO) env GOARCH)" = amd64 -o "$$($(GO) env GOARCH)" = arm64 ] && echo -race)

# Whole daemons in network namespaces are measured; they run alone, after everything else.
E2E  := ./internal/e2e
UNIT  = $(shell $(GO) list ./... | grep -v /internal/e2e)

.PHONY: help build demo test unit conformance e2e interop long hostile failover check check-static net fuzz bench bench-functions install clean test-deps scale idle growth server-faults

help: ## say what each target does
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## one static binary at bin/tandem
	$(BUILD) -o bin/tandem ./cmd/tandem

demo: build ## a pair, two servers and a client in namespaces: pull the cable, measure the gap
	./bin/tandem demo

test: test-deps unit conformance e2e ## every test that fits in 15 minutes; installs the peers it needs where it may

test-deps: ## install Debian's packages of the peers (as root on Debian; else say what is missing)
	./scripts/test-deps

# The Debian packages that test-deps installs may bring the compiler, so RACE is asked again in a make of its own.
unit: ## the tests of each package
	$(MAKE) --no-print-directory unit-run

.PHONY: unit-run
unit-run:
	@[ -n "$(RACE)" ] || echo "make test: no gcc, so the race detector is left out"
	$(GO) test $(RACE) $(UNIT)

conformance: ## the rules of VRRP, each with its tests or why it has none
	$(GO) test -count=1 -v -run '^TestConformance$$' ./docs

e2e: build ## whole daemons in network namespaces, beside Keepalived and FRRouting, measured one at a time
	TANDEM_BIN=$(CURDIR)/bin/tandem $(GO) test -count=1 -timeout 20m -parallel 1 $(E2E)

interop: build ## beside Keepalived and FRRouting alone: a line for every takeover, in both directions
	TANDEM_BIN=$(CURDIR)/bin/tandem $(GO) test -count=1 -timeout 20m -parallel 1 -v -run 'Interop|Keepaliveds?(SyncGroup)?TakesOver|TakesOverFromKeepalived' $(E2E)

net: ## only the tests that need namespaces
	$(GO) test -count=1 -run Integration ./...

long: build ## what is too long for `make test`: more schedules, longer fuzzing, repeated faults
	./scripts/long

failover: build ## the table of faults, beside Keepalived + HAProxy; FAILOVER='-rows NAME -settings v3' picks (15 minutes in all)
	$(GO) run ./internal/failover -tandem bin/tandem $(FAILOVER)

scale: build ## a pair with 1 to 255 instances of 20 addresses each: takeovers, CPU time, memory
	TANDEM_BIN=$(CURDIR)/bin/tandem $(GO) test -count=1 -timeout 20m -v -parallel 1 -run TestIntegrationScale $(E2E) -scale 1,64,128,255

idle: build ## 100,000 idle connections: memory, and the latency of new requests beside them; as many balancers as descriptors ask for
	TANDEM_BIN=$(CURDIR)/bin/tandem $(GO) test -count=1 -timeout 20m -v -run TestIntegrationIdle $(E2E) -idle 100000 -idle.measure 10s

growth: build ## what 10,000 servers, 10,000 rules and 200 frontends cost beside 10 of each: loading, memory, CPU time a request
	TANDEM_BIN=$(CURDIR)/bin/tandem $(GO) test -count=1 -timeout 20m -v -run TestIntegrationGrowth $(E2E) -growth 10000 -growth.requests 20000 -growth.rounds 5

server-faults: build ## one of two servers killed, frozen, unplugged, failing, slow: what visitors meet, beside HAProxy
	TANDEM_BIN=$(CURDIR)/bin/tandem $(GO) test -count=1 -timeout 20m -v -run TestIntegrationServerFaults $(E2E) -server.faults 10s

hostile: ## hostile requests and broken servers, through Tandem, HAProxy and nginx; writes the table of docs/hostile.md
	$(GO) test -count=1 -timeout 10m -v -run '^TestHostileTable$$' ./internal/hostile -update

fuzz: ## every fuzz target for FUZZTIME (default 30s) each
	./scripts/fuzz

bench: build ## CPU time, memory and latency beside HAProxy and nginx; BENCH='-workloads a64,d -rounds 3' picks (10 minutes in all)
	$(GO) run ./internal/bench -tandem bin/tandem -mem -latency $(BENCH)

bench-functions: ## the benchmarks of single functions, with allocations
	$(GO) test -run '^$$' -bench . -benchmem $(UNIT)

check: check-static ## formatting, vet, staticcheck, govulncheck, import policy, tests with -race
	$(GO) test -race $(UNIT)

check-static:
	@out=$$(gofmt -s -l cmd vrrp vip proxy tracker internal deploy docs); [ -z "$$out" ] || { echo "not formatted (gofmt -s -w):"; echo "$$out"; exit 1; }
	$(GO) vet ./...
	GOARCH=arm64 $(GO) vet ./...
	GOARCH=386 $(GO) build -o /dev/null ./cmd/tandem
	$(TOOL) staticcheck -checks all,-ST1000 ./...
	./scripts/vulncheck

install: build ## install the binary, the unit and an example configuration below DESTDIR/PREFIX
	install -D -m 0755 bin/tandem $(DESTDIR)$(PREFIX)/bin/tandem
	install -D -m 0644 deploy/tandem.service $(DESTDIR)/etc/systemd/system/tandem.service
	install -D -m 0644 deploy/sysusers.d/tandem.conf $(DESTDIR)/usr/lib/sysusers.d/tandem.conf
	install -D -m 0644 deploy/sysctl.d/60-tandem.conf $(DESTDIR)/usr/lib/sysctl.d/60-tandem.conf
	install -D -m 0644 deploy/logrotate.d/tandem $(DESTDIR)/etc/logrotate.d/tandem
	install -D -m 0644 deploy/examples/web-pair.yaml $(DESTDIR)/etc/tandem/tandem.yaml.example

clean: ## remove what make made
	rm -rf bin
