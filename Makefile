# One place for what a person or a build server types. `make help` lists it.

MAKEFLAGS += --no-print-directory
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
DEPLOY := PYTHONPATH=deploy
UV_COMPILE := $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-header --no-annotate --upgrade

.DEFAULT_GOAL := help
.PHONY: help setup demo test soak check bench format generate pins clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## get everything: .venv, Prometheus and Alertmanager, Kubernetes built once
	@$(DEPLOY) $(PY) -m local tools

demo: $(READY) ## failures on a real control plane, seen and repaired; SCENE=approve|handover|blackout|grow|node-old|rok-extend|claims|csi|rwx|rok|heketi|gluster; STAY=1 leaves it running
	@STAY=$(STAY) SCENE=$(SCENE) $(DEPLOY) $(PY) -m demo

test: setup check ## the checks, then every test, on real parts: about 15 minutes; the first time some more for building
	@$(DEPLOY) $(PY) -m local further
	@echo "tests: about 13 minutes on two cores, most of it waiting for real control planes"
	@# Three workers: two have a control plane each, and mostly wait for it; see tests/conftest.py.
	@$(PY) -m pytest -n 3 $(TESTS)

soak: setup ## what the tests do with chance, a thousand times and more: an hour and more
	@$(PY) -m pytest -n 2 -m soak $(TESTS)
	@$(PY) -m pytest -n 2 --hypothesis-profile=soak tests/signals tests/collectors

check: $(READY) ## lint, format, types and import rules: about a minute the first time
	@echo "ruff: lint and format"
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@echo "mypy: strict, tests too; about a minute the first time, then seconds"
	@$(VENV)/bin/mypy
	@echo "import-linter: the walls of the house"
	@$(VENV)/bin/lint-imports

bench: setup ## the numbers: repair, rest, scrapes, a large cluster (BENCH_PODS=2000 makes that one quick)
	@$(PY) -m pytest tests/bench/bench_*.py -s $(TESTS)

format: $(READY) ## let ruff write the format and its safe fixes
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

generate: $(READY) ## write METRICS.md, the dashboards and the remediator's roles anew, from the code
	@$(PY) -m dashboards
	@$(DEPLOY) $(PY) -m roles

pins: $(READY) ## write the requirements files anew, with the newest versions that pyproject.toml allows
	@$(VENV)/bin/python -m pip install --quiet uv
	@$(UV_COMPILE) pyproject.toml -o requirements.txt
	@$(UV_COMPILE) pyproject.toml --extra dev -c requirements.txt -o requirements-dev.txt
	@echo hatchling | $(UV_COMPILE) - -c requirements-dev.txt -o requirements-build.txt

clean: ## remove what was made in this checkout; the tools in the user's cache stay
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml requirements-dev.txt deploy/find-python
	@test -x $(PY) && $(PY) -m pip --version >/dev/null 2>&1 || { \
		python=$$(sh deploy/find-python $(PYTHON)) && rm -rf $(VENV) && \
		echo "making $(VENV) with $$python" && "$$python" -m venv $(VENV); }
	@echo "installing Python packages into $(VENV): one to three minutes, once"
	@{ $(PY) -m pip install --disable-pip-version-check --progress-bar off --no-deps \
		--require-hashes -r requirements-dev.txt 2>&1 || echo "pip failed"; } | awk ' \
		/^Collecting / { n++; if (n % 10 == 0) { printf "  %d packages fetched\n", n; fflush() } } \
		/^Installing / { print "  installing them"; fflush() } \
		/ERROR|error:/ { print } /^pip failed$$/ { failed = 1 } END { exit failed }'
	@$(PY) -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	@touch $@
