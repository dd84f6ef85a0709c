# Everything here works in a fresh clone with Python 3.11 or newer and make.

PYTHON ?= python3
VENV := .venv
DEPLOY_VENV := .venv-deploy
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet
LOCK := uv pip compile --universal -p 3.11 --no-emit-index-url --generate-hashes --no-header --no-annotate --quiet

.DEFAULT_GOAL := help
.PHONY: help run services test bench check format messages lock clean images push up down test-containers test-deploy

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "Another Python: make run PYTHON=python3.12. More options: make run ARGS=\"--port 8080\"."

run: $(VENV)/for-running ## Set up what is needed and serve the site, with a demo, on http://127.0.0.1:9292
	@$(BIN)/upthread serve --demo --data data $(ARGS)

services: $(VENV)/for-$(if $(MONGODB),running,testing) ## Serve the site by four processes on MongoDB: MONGODB=host:port, or a test server on data/mongodb
	@export POST_SERVICE_HOST=127.0.0.1 POST_SERVICE_PORT=9301 \
		COMMENT_SERVICE_HOST=127.0.0.1 COMMENT_SERVICE_PORT=9302 \
		ACCOUNT_SERVICE_HOST=127.0.0.1 ACCOUNT_SERVICE_PORT=9303 \
		UPTHREAD_DATA=data UPTHREAD_CALL_SECRET=$$($(BIN)/python -c 'import secrets; print(secrets.token_hex(32))') \
		DATABASE_URL=$(or $(MONGODB),127.0.0.1:9304); \
	trap 'kill $$started 2>/dev/null; wait' EXIT; trap 'exit 0' INT TERM; \
	if [ -z "$(MONGODB)" ]; then \
		echo "No MONGODB=host:port is given, so SecantusDB, which is for testing only, is started on port 9304."; \
		mkdir -p data/mongodb; \
		$(BIN)/secantusd-py --port 9304 --storage-path data/mongodb --log-level WARNING & started=$$!; \
	fi; \
	for service in post comment account; do $(BIN)/upthread $$service & started="$$started $$!"; done; \
	$(BIN)/upthread ui $(ARGS) & started="$$started $$!"; wait $$!

test: $(VENV)/for-testing ## Set up what is needed and run the tests (browser tests need a Chromium)
	@$(BIN)/pytest -n auto --maxprocesses 4 --dist loadgroup $(ARGS)

COMPOSE := docker compose --file deploy/compose.yaml
up images push: export COMMIT = $(shell git rev-parse --short HEAD 2>/dev/null)

up: ## Run the whole site by containers, on MongoDB, on http://127.0.0.1:9292 (needs Docker)
	@sh deploy/secrets.sh
	@$(COMPOSE) up --build --detach --wait
	@echo "The site is at http://$$($(COMPOSE) port ui 9292 | sed 's/^0\.0\.0\.0:/127.0.0.1:/'). To stop it: make down (the data stay)."

down: ## Stop what make up has started; the data stay
	@$(COMPOSE) down

images: ## Build all images for this machine: USERNAME=me VERSION=1.0, VARIANT=hardened (needs Docker)
	docker buildx bake

push: ## Build all images for amd64 and arm64, and push them to their registry
	docker buildx bake --set "*.platform=linux/amd64,linux/arm64" --push

test-containers: $(VENV)/for-testing ## Run the tests of images and compose files (needs Docker)
	@$(BIN)/pytest -m containers tests/containers $(ARGS)

test-deploy: $(DEPLOY_VENV)/ready ## Check the chart, the machines and the playbooks (playbooks run if there is Docker)
	@PATH=$(CURDIR)/$(DEPLOY_VENV)/bin:$$PATH $(DEPLOY_VENV)/bin/pytest --confcutdir=tests/deploy tests/deploy $(ARGS)

bench: $(VENV)/for-testing ## Measure, and write docs/performance.md: POSTS=folder of reddit's CSV files, QUICK=1 (needs nginx, wrk)
	@$(BIN)/python -m bench $(if $(QUICK),--quick) $(if $(POSTS),--posts $(POSTS)) $(ARGS)

check: $(VENV)/for-testing ## Look for mistakes without running anything: style, format, types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(VENV)/for-testing ## Bring the code into its form
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

messages: $(VENV)/for-testing ## Bring the translations' catalogues along with the texts in code and templates
	$(BIN)/python -m tools.messages

lock: ## Lock versions anew after a change of pyproject.toml (needs uv; ARGS=--upgrade takes the newest)
	$(LOCK) $(ARGS) pyproject.toml -o requirements/run.txt
	$(LOCK) $(ARGS) --group build -o requirements/build.txt
	$(LOCK) $(ARGS) --group reload -o requirements/reload.txt
	$(LOCK) $(ARGS) pyproject.toml --group dev -o requirements/dev.txt
	$(LOCK) $(ARGS) --group deploy -o requirements/deploy.txt

clean: ## Remove what was set up here; the data stay
	rm -rf $(VENV) $(DEPLOY_VENV) artifacts dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

# What has been installed is remembered by an empty file, so that it is installed again only if something changed.

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Upthread needs Python 3.11 or newer, and $(PYTHON) is none." >&2; \
		echo "If there is one under another name: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "This Python can't make virtual environments. On Debian or Ubuntu: sudo apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/for-running: $(VENV)/made requirements/run.txt requirements/build.txt pyproject.toml
	@echo "Setting up what running needs ..."
	@$(PIP) install --require-hashes -r requirements/run.txt -r requirements/build.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/for-testing: $(VENV)/for-running requirements/dev.txt
	@echo "Setting up what testing needs ..."
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

$(DEPLOY_VENV)/ready: requirements/deploy.txt
	@echo "Setting up what checking the deployment needs ..."
	@$(PYTHON) -m venv $(DEPLOY_VENV)
	@$(DEPLOY_VENV)/bin/python -m pip --disable-pip-version-check --quiet --quiet install --require-hashes -r $<
	@touch $@
