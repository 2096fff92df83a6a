# The commands of this project. `make help` lists them.
# PORT=3001 moves the service; PYTHON=/path/to/python3.12 chooses the interpreter; ARGS="..." goes to pytest.

SHELL := /bin/sh
.DEFAULT_GOAL := help

BIN := .venv/bin
SETUP := PYTHON="$(PYTHON)" scripts/bootstrap.sh
CODE := $(wildcard src tests scripts benchmarks evals examples)
TYPED := $(wildcard src tests scripts benchmarks evals)
# sh leaves an empty PORT alone: then the settings decide
SERVE := $(if $(PORT),SMART_SPAWN_PORT="$(PORT)") $(BIN)/smart-spawn serve

.PHONY: help run test fuzz lint types docs plugin check e2e bench evals sbom clean

# Tests that kill processes and watch clocks mostly wait, so one worker more than two cores keeps both busy.
WORKERS ?= 3

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' Makefile

run: ## install what the service needs and start it on 127.0.0.1:3000 (PORT=3001 moves it)
	@$(SETUP) runtime
	@exec env $(SERVE)

test: ## install the development set too and run every test
	@$(SETUP) dev
	$(BIN)/pytest -n $(WORKERS) --dist worksteal $(ARGS)

fuzz: ## send the HTTP API thousands of made-up requests, for some minutes
	@$(SETUP) dev
	FUZZ_EXAMPLES=150 $(BIN)/pytest tests/fuzz -n $(WORKERS) $(ARGS)

lint: ## style of the code, the container files and the scripts
	@$(SETUP) dev
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml
	sh -n scripts/bootstrap.sh && sh -n scripts/plugin.sh && bash -n .ci/run

types: ## strict type check
	@$(SETUP) dev
	$(BIN)/mypy $(TYPED)

docs: ## check that what the documents say is so: links, commands, names
	@$(SETUP) dev
	$(BIN)/pytest tests/docs

plugin: ## build the OpenClaw plugin and run its tests, where node and npm are
	@scripts/plugin.sh

check: test lint types docs plugin ## all that continuous integration runs

e2e: ## try the plugin in a real OpenClaw, from npm, in four minutes (the first time six, and 1 GB)
	@$(SETUP) dev
	$(BIN)/python -m tests.e2e.openclaw $(ARGS)

bench: ## measure speed; the results go to benchmarks/RESULTS.md by hand, with machine and date
	@$(SETUP) dev
	$(BIN)/python -m benchmarks

evals: ## measure the quality of choices
	@$(SETUP) dev
	$(BIN)/python -m evals

sbom: ## list every locked dependency with its hash as sbom.json (CycloneDX)
	@$(SETUP) uv export --frozen --no-dev --format cyclonedx1.5 --output-file sbom.json --quiet

clean: ## remove what these commands made
	rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build sbom.json \
		.e2e integrations/openclaw/node_modules integrations/openclaw/dist integrations/openclaw/src/api.gen.d.ts
