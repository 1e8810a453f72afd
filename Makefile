# Every check is one command, on a laptop and in CI. All that is made lies in .cache/.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3)
CACHE := $(CURDIR)/.cache
VENV := $(CACHE)/venv
# Another requirement or another Python makes another environment.
VENV_STAMP := $(VENV)/.made-of-$(shell { cat requirements/dev.txt requirements/constraints.txt; $(PYTHON) -VV; echo $(CURDIR); } 2>&1 | sha256sum | cut -c1-16)

export PATH := $(VENV)/bin:$(PATH)
export PYTHONPATH := $(CURDIR)/tests
export PYTHONDONTWRITEBYTECODE := 1
export ANSIBLE_HOME := $(CACHE)/ansible
export ANSIBLE_COLLECTIONS_PATH := $(CACHE)/collections
unexport PYTHONHOME
unexport VIRTUAL_ENV

.PHONY: help
help: ## Say what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf '  make %-10s %s\n' "$$name" "$$text"; done

.PHONY: venv
venv: $(VENV_STAMP) ## Install the pinned tools into .cache/venv

$(VENV_STAMP):
	rm -rf $(VENV)
	mkdir -p $(CACHE)
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "no Python 3.11 or newer with venv: apt-get install python3-venv, or make PYTHON=/path/to/python3" >&2; exit 1; }
	$(VENV)/bin/python -m pip install -qq --disable-pip-version-check -r requirements/dev.txt -c requirements/constraints.txt
	$(VENV)/bin/python -c 'import pathlib; from testbed.collection import link_collection; link_collection(pathlib.Path.cwd())'
	touch $@

.PHONY: test-fast
test-fast: venv ## Style, types, layers and unit tests: under a minute, no host
	ruff check .
	mypy
	pytest -q -n 4 --hypothesis-profile=quick tests/unit --ignore=tests/unit/plugins/standalone

# Cheap stages first. ansible-test, which makes its own environments for minutes, goes on beside them. The scenarios come last,
# so that pytest's own count closes the output.
STAGES := lint types docs-check unit
SANITY_LOG := $(CACHE)/sanity.log

.PHONY: test
test: venv ## Everything: style, types, documentation, ansible-test sanity, unit tests, scenarios on real hosts
	@$(MAKE) --no-print-directory sanity >$(SANITY_LOG) 2>&1 & sanity=$$!; \
	trap '[ -z "$$sanity" ] || kill $$sanity 2>/dev/null || true' EXIT; \
	failed() { echo "=== $$1 failed, after $$SECONDS s" >&2; exit $$2; }; \
	for stage in $(STAGES); do \
	  echo "=== $$stage, after $$SECONDS s"; \
	  $(MAKE) --no-print-directory $$stage || failed $$stage $$?; \
	done; \
	echo "=== sanity, begun with the first stage, after $$SECONDS s"; \
	wait $$sanity || { code=$$?; tail -n 80 $(SANITY_LOG) >&2; failed sanity $$code; }; \
	sanity=; \
	grep -h '^Running sanity test' $(SANITY_LOG); \
	echo "=== scenarios, after $$SECONDS s"; \
	$(MAKE) --no-print-directory scenarios || failed scenarios $$?

.PHONY: lint
lint: venv ## ruff, yamllint, and ansible-lint with its profile "production"
	ruff check .
	yamllint --strict .
	ansible-lint --strict -q

.PHONY: types
types: venv ## mypy, strict
	mypy

.PHONY: sanity
sanity: venv ## ansible-test sanity, nothing ignored
	python -m ansible_sanity

.PHONY: unit
unit: venv ## Unit tests; those of the layers too
	pytest -q

.PHONY: scenarios
scenarios: venv ## Every Molecule scenario on hosts of its own, two at a time; ONLY='one or two' for some
	python -m testbed run -- pytest tests/scenarios -n 2 --dist worksteal -v --durations=0 --durations-min=0.1 $(if $(ONLY),-k '$(ONLY)')

# What is random in `make test` as a small sample, at length.
.PHONY: soak
soak: venv ## The long runs: hundreds of storms over file trees, all combinations of states, all faults many times
	FIDELITY_ROUNDS=$${FIDELITY_ROUNDS:-200} RACE_SECONDS=$${RACE_SECONDS:-60} pytest -q tests/fidelity tests/unit/plugins/module_utils/_tree
	GUARD_ROUNDS=$${GUARD_ROUNDS:-10} SCENARIO_SECONDS=5400 $(MAKE) --no-print-directory scenarios ONLY=guard_reboot
	GUARD_ROUNDS=$${RACE_ROUNDS:-100} SCENARIO_SECONDS=5400 $(MAKE) --no-print-directory scenarios ONLY=guard_confirm_race
	RESTORE_ROUNDS=$${RESTORE_ROUNDS:-25} SCENARIO_SECONDS=5400 $(MAKE) --no-print-directory scenarios ONLY=restore_states
	RESTORE_ROUNDS=$${CONTAINER_ROUNDS:-8} SCENARIO_SECONDS=5400 $(MAKE) --no-print-directory scenarios ONLY=restore_containers
	RESTORE_KILLS=$${RESTORE_KILLS:-25} SCENARIO_SECONDS=5400 $(MAKE) --no-print-directory scenarios ONLY=restore_interrupted
	python -m testbed run -- pytest -q tests/soak

.PHONY: corpus
corpus: venv ## What the units of some 200 Debian server packages declare (fetched by apt, not installed); fails where one crashes
	python -m corpus

.PHONY: demo
demo: venv ## The main job on a real host: the failure, what the audit says of it, and its end
	python -m testbed run -- python -m demo

.PHONY: clean
clean: ## Remove the hosts of this checkout, an engine that was started for them, and all that was made
	if [ -x $(VENV)/bin/python ]; then $(VENV)/bin/python -m testbed down; fi
	rm -rf $(CACHE)

.PHONY: pin
pin: venv ## Write what the pinned tools pulled in to requirements/constraints.txt
	{ echo '# What the tools of dev.txt pulled in when they were last pinned: the same environment tomorrow. Written by `make pin`.'; \
	  pip freeze | grep -vixFf <(grep '==' requirements/dev.txt); } > $(CACHE)/constraints.txt
	mv $(CACHE)/constraints.txt requirements/constraints.txt

.PHONY: features
features: venv ## Print every feature, what shows it, with its last result, and what nothing shows yet
	@python -m features

# The reference is made of the modules' own documentation: never edited, and compared with it by docs-check.
ANTSIBULL_REFERENCE = antsibull-docs collection --use-current --squash-hierarchy --output-format simplified-rst --fail-on-error

.PHONY: docs
docs: venv ## Write docs/reference out of the modules' documentation
	rm -rf docs/reference
	mkdir -p docs/reference
	$(ANTSIBULL_REFERENCE) --dest-dir docs/reference guarded.deploy

.PHONY: docs-check
docs-check: venv ## The modules' documentation is sound, the reference is what it says, the changelog can be made
	antsibull-changelog lint
	antsibull-docs lint-collection-docs --plugin-docs --skip-rstcheck .
	rm -rf $(CACHE)/reference
	mkdir -p $(CACHE)/reference
	$(ANTSIBULL_REFERENCE) --dest-dir $(CACHE)/reference guarded.deploy
	diff -ru docs/reference $(CACHE)/reference || { echo "docs/reference is not what the modules say: make docs" >&2; exit 1; }

.PHONY: bench
bench: venv ## Time the look at the ports on a real host, and snapshots next to tar, rsync and restic
	python -m testbed run -- python -m benchmarks
	python -m benchmarks.snapshot
