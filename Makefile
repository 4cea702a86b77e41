# Everything a person or CI runs, in one place. Nothing here needs more than Go,
# but for the browser test (Chromium) and bench (sqlite3, a C compiler).

GOLANGCI_VERSION := v2.15.0
BIN := $(CURDIR)/bin

.PHONY: build test race race-short generate check-generated lint fuzz soak bench histories faults mutants screenshots walk pictures clean

build: ## a static binary, stripped
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o cxseal ./cmd/cxseal

test: ## what the README names
	go test ./...

RACE := go test -race -gcflags=modernc.org/sqlite/lib=-race=false

race: ## under the race detector, which looks at everything but the C of SQLite as translated: that takes ten times as long
	$(RACE) ./...

race-short: ## race, as CI runs it: without the browser, and some variations of one kind once
	$(RACE) -short -timeout 30m ./...

generate: ## pages from their templates; the result is committed (docs/adr/0003)
	go tool templ generate -path web

check-generated: generate ## fails when the committed pages are stale
	git diff --exit-code -- web

lint: $(BIN)/golangci-lint-$(GOLANGCI_VERSION)
	$< run ./...

$(BIN)/golangci-lint-$(GOLANGCI_VERSION):
	GOBIN=$(BIN) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv $(BIN)/golangci-lint $@

FUZZTIME ?= 1m
fuzz: ## what comes from outside, a minute each: tables, indexes, listings, tokens, errors, answers, callbacks
	for target in FuzzDecodeTable FuzzDecodeIndexes FuzzListing FuzzReadToken FuzzReadMessage FuzzReadAnswer; do \
		go test ./cxone -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) || exit 1; \
	done
	go test ./cxone/sandbox -run '^$$' -fuzz '^FuzzParsePatch$$' -fuzztime $(FUZZTIME)
	go test ./internal/encryption -run '^$$' -fuzz '^FuzzCallback$$' -fuzztime $(FUZZTIME)

soak: ## a thousand runs under a rate limit, by script and as a campaign, and how soon runs start; on a quiet machine
	CXSEAL_SOAK=1 go test -count=1 -run ManyRuns -timeout 30m -v ./cmd/cxseal

bench: ## the ledger against sqlite3, C and html/template, random searches, every page on 16 connections (docs/performance.md)
	go run -tags bench ./bench
	go test -tags bench -count=1 -run Browser -timeout 20m -v ./bench

histories: ## two hundred random histories, every figure of which must follow from the exported ledger
	CXSEAL_HISTORIES=200 go test -count=1 -run EveryFigureFollows -timeout 30m ./handlers

faults: ## an encryption and a rotation under every fault of the sandbox, once and for ever, with both confirmations
	CXSEAL_FAULTS=all go test -count=1 -run UnderEveryFault -timeout 20m ./internal/console

mutants: ## break the program one line at a time, and say which breaks no test noticed
	go run ./mutants

screenshots: ## pages with made-up content as pictures, into screenshots/
	CXSEAL_SCREENSHOTS=$(CURDIR)/screenshots go test -count=1 ./web

walk: ## every page as admin and officer, both themes, both widths; pictures into screenshots/walk
	CXSEAL_WALK=$(CURDIR)/screenshots/walk go test -count=1 -run 'EveryPageOfTheDemo|PagesAreAccessible' ./cmd/cxseal ./web

pictures: ## the pictures of the README and docs/, from the same walk
	CXSEAL_DOCS=$(CURDIR)/docs/pictures go test -count=1 -run 'EveryPageOfTheDemoIsAccessible' ./cmd/cxseal

clean:
	rm -rf cxseal bin screenshots
