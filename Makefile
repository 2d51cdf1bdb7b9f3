# make help lists what there is.

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
GOLANGCI := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
ENGINE := internal/embedded/engine
FUZZTIME ?= 20s
FUZZ ?= ./...

.DEFAULT_GOAL := help
.PHONY: help run demo test soak bench eval lint fuzz smoke build engine clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "make %-8s %s\n", $$1, $$2 }'

run: engine build ## build and start leadd with deploy/leadd.yaml
	bin/leadd serve -c deploy/leadd.yaml

demo: engine build ## the same with a sample inbox and some hundred sample contacts
	bin/leadd demo

test: engine ## install what the tests need, then vet and test with -race
	internal/testenv/install.sh
	go vet ./...
	go test -race -timeout 25m ./...

soak: engine ## the fault tests at full length: half an hour
	internal/testenv/install.sh
	LEADD_SOAK=1 go test -race -v -timeout 6h -run '^Test(Kill|Stop|Servers|Engine|Mail|Replica|Two|Raised|Poison|Replay|Store|Week|DovecotBacklog)' ./cmd/leadd ./ingest/mailbox

bench: engine ## measure the speed and print it beside its goals
	@go test -p 1 -timeout 30m -run '^$$' -bench Speed -benchtime 1x ./cmd/leadd ./sink ./scoring/evidence | awk '\
		/^BenchmarkSpeed/ { sub(/^BenchmarkSpeed/, "", $$1); sub(/-[0-9]+$$/, "", $$1); print $$1; \
			for (i = 3; i < NF; i += 2) printf "    %-22s %10s\n", $$(i+1), $$i; next } \
		/FAIL|SKIP|panic|_test.go/ { print; failed = failed || /FAIL/ } END { exit failed }'

eval: ## measure the evidence found in the labelled samples (LEADD_EVAL=FILE: in your own)
	go test -count=1 -run EvalFile -v ./scoring/evidence

lint: ## run golangci-lint
	go run $(GOLANGCI) run

fuzz: ## run every fuzzer of the packages FUZZ (./...) for FUZZTIME (20s)
	@for pkg in $$(go list $(FUZZ)); do \
		for name in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			echo "$$pkg $$name"; \
			go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$pkg || exit 1; \
		done; \
	done

smoke: ## run the fuzzers of the front doors, about a minute in all
	@$(MAKE) --no-print-directory fuzz FUZZ='./ingest ./ingest/mail ./ingest/webhook' FUZZTIME=8s

build: ## build bin/leadd
	CGO_ENABLED=0 go build -trimpath -ldflags '-X main.version=$(VERSION)' -o bin/leadd ./cmd/leadd

engine: $(ENGINE)/node_modules/.package-lock.json ## fetch the ClickHouse engine with npm

# npm ci checks the library against the lock file's hash. The library is an
# optional dependency, because it is not there for every system: so look.
$(ENGINE)/node_modules/.package-lock.json: $(ENGINE)/package-lock.json
	cd $(ENGINE) && npm ci --no-audit --no-fund
	@ls $(ENGINE)/node_modules/@chdb/lib-*/libchdb.* >/dev/null 2>&1 || { \
		echo "make engine: there is no engine for this system in the lock file, or npm could not fetch it:"; \
		echo "  put a clickhouse binary on PATH, or set LEADD_ENGINE to libchdb.so or to that binary"; \
		command -v clickhouse >/dev/null || [ -n "$$LEADD_ENGINE" ]; }
	@mkdir -p $(@D) && touch $@

clean: ## delete what was built and fetched (not the data)
	rm -rf bin $(ENGINE)/node_modules internal/testenv/kafka/libs
