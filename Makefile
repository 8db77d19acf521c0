# Everything is done in .venv, which the first command that needs it makes.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# Where a machine forbids bytecode files, every process would compile anew all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo run test check format bench bench-peers chaos screenshots requirements system-packages clean

demo: $(READY)  ## run the strategy workflow end to end, and cut the connection on the way
	@$(BIN)/python -m examples.demo

run: $(READY)  ## serve on http://127.0.0.1:8080
	@exec $(BIN)/python -m server

# Tests mostly wait: one more at a time than there are processors.
WORKERS ?= $(shell n=$$(nproc); echo $$((n < 4 ? n + 1 : 4)))

test: $(READY) $(if $(shell command -v npm),.node/.ready)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY)  ## print the figures of the README; small ones: ARGS=--quick; one row: make bench-flood
	@$(BIN)/python -m bench $(ARGS)

bench-%: $(READY)
	@$(BIN)/python -m bench $* $(ARGS)

PEERS := .peers

bench-peers: $(READY)  ## what the figures are compared with; needs root, as system-packages does
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nginx \
		libnginx-mod-nchan redis-server $(if $(shell command -v npm),,nodejs npm)
	mkdir -p $(PEERS)/node
	npm install --silent --no-fund --no-audit --prefix $(PEERS)/node \
		ws@8 socket.io@4 @durable-streams/server@0.3
	$(PYTHON) -m venv $(PEERS)/python
	$(PEERS)/python/bin/python -m pip install --quiet --disable-pip-version-check \
		llama-agents-server==0.8.0 aiohttp==3.14.5 redis==8.1.0

chaos: $(READY)  ## faults on purpose, and a verdict on what they cost; one: ARGS="kill-server --size 50"
	@$(BIN)/python -m chaos $(ARGS)

screenshots: $(READY)  ## pictures of the page for docs/; needs Chromium
	@$(BIN)/python -m examples.screenshots

requirements: $(READY)  ## pin anew what pyproject.toml asks for
	$(BIN)/uv pip compile pyproject.toml --group dev --python-version 3.11 --universal --upgrade \
		--quiet --no-header --no-annotate --output-file requirements.txt

system-packages:  ## what some tests need beside Python; the only command that needs root
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nginx \
		chromium-headless-shell strace iproute2 gcc libc6-dev $(if $(shell command -v npm),,nodejs npm)

clean:
	rm -rf .node .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.node/.ready: Makefile  # what only some tests of the page need; nothing of it is served
	npm install --silent --no-fund --no-audit --prefix .node axe-core@4.14.1 react@18.3.1 react-dom@18.3.1
	@touch $@

$(READY): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit("Keepstream needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(PIP) $$(grep '^uv==' requirements.txt)
	@# A tenth of pip's time; but an index that only pip's own configuration names is pip's to find.
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -r requirements.txt \
		|| $(PIP) -r requirements.txt
	@touch $@
