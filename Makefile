# What there is to run. `make` alone says what.
#
#   FUZZTIME=20s   how long each fuzz target runs
#   COUNT=1        how often each benchmark runs (10 for benchstat)
#   SEED=0         with what 'make world' begins; 0 draws one

FUZZTIME ?= 20s
COUNT    ?= 1
TIMEOUT  ?= 15m
SEED     ?= 0
CUTS     ?= 10000

# A failure on the left of a pipe is a failure.
SHELL = bash
.SHELLFLAGS = -eu -o pipefail -c

# The tools are a module of their own; see docs/adr/0013.
LINT = go tool -modfile=tools/go.mod golangci-lint

# Packages whose tests are quick enough to run once more under the race
# detector, which makes SQLite ten times slower. Of the others, RACY are the
# tests in which many do something at once.
RACE ?= $(shell go list ./... | grep -vE '^sotto/((cmd|lab|bench|world)(/|$$)|bank($$|/(bankhttp|sqlite|storetest)))')
RACY ?= Concurrent|AtOnce|Idempotency|Poison|Trouble|OneKey|OneOfMany|Stream|Hub

.PHONY: help lab test ble check fmt vet lint arch race card fuzz bench world golden

help: ## say what there is to run
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

lab: ## start shop, bank, phone and card with one web page
	go run ./cmd/sotto lab

test: ## install what the tests need, run every test
	@scripts/need.sh
	go test -timeout $(TIMEOUT) ./...

ble: ## deliver over real bluetoothd in a virtual machine
	scripts/ble/run.sh

check: fmt vet lint arch race card ## format, vet, lint, rules of the house, race, card build

fmt: ## name the files that gofmt would change
	@files=$$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l); \
	if [ -n "$$files" ]; then echo "gofmt -w these files:"; echo "$$files"; exit 1; fi

vet:
	go vet ./...

lint: ## run the linters of .golangci.yml
	$(LINT) run ./...

arch: ## check the rules of the house
	go test .

race: ## run the quick tests under the race detector
	go test -race -timeout $(TIMEOUT) $(RACE)
	go test -race -timeout $(TIMEOUT) -run '$(RACY)' ./bank ./bank/bankhttp

card: ## build the card as small machines do, and say what it takes
	GOOS=wasip1 GOARCH=wasm go build ./card/...
	go test -count=1 -v -run '^TestFigures$$' ./cmd/cardfw

fuzz: ## run every fuzz target for FUZZTIME
	FUZZTIME=$(FUZZTIME) scripts/fuzz.sh

bench: ## run every benchmark and the load generator, results in .out/
	@mkdir -p .out
	go test -run '^$$' -bench . -benchmem -count $(COUNT) ./... | tee .out/bench.txt
	go run ./cmd/sotto bench payments | tee .out/payments.txt

world: ## break a world of bank, SIM and till CUTS times; SEED repeats a run
	go test ./world -count=1 -timeout $(TIMEOUT) -run TestRandomCuts -v -args -seed=$(SEED) -cuts=$(CUTS)

golden: ## rewrite the golden files; the diff is to be reviewed
	scripts/golden.sh
