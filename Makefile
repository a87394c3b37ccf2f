# make demo, make check, make test, make bench: each makes .venv first where it is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# The engines whose balancers are run as they are (eplb_variants/installed). SGLang's wheel has 39 MB, so that every
# `make test` runs it; vLLM's has 336 MB. Their placement modules need nothing that they depend on but torch.
SGLANG := 0.5.23
VLLM := 0.33.0

# The rooms that are pure: their tests start no process, no browser and no sandbox.
QUICK := tests/test_architecture.py tests/eplb_variants tests/evaluator/analysis tests/evaluator/quality \
  tests/evaluator/results tests/evaluator/candidates/documents
# A notebook that judges programs for half a minute.
LONG_NOTEBOOK := notebooks/evolution.ipynb
PYTEST := $(BIN)/python -m pytest -n auto --dist worksteal --hypothesis-profile=same

.PHONY: demo check test long nobody engines engines-evolve cluster archive lint format bench selftest clean

demo: $(READY)
	$(BIN)/eplb evaluate -m run=demo variant=contiguous,deepseek,seed,lab_best,lab_flex workload=byte_moe \
	  topology=eight_gpus
	$(BIN)/eplb compare runs/demo
	@echo 'and where the engine splits tokens over replicas by load:'
	$(BIN)/eplb compare runs/demo --dispatch flow --no-plots

check: $(READY) lint
	$(PYTEST) -m 'not engines and not long' --ignore tests/eplb_variants/kernels/test_compiled.py $(QUICK)

test: $(READY) lint
	$(PYTEST) -m 'not long' --nbmake tests notebooks --ignore $(LONG_NOTEBOOK)

long: $(READY)
	$(PYTEST) -m long tests
	$(BIN)/python -m pytest --nbmake $(LONG_NOTEBOOK)

nobody: $(READY)
	.ci/nobody

engines: $(READY)
	$(BIN)/python -m pip install --quiet --no-deps sglang==$(SGLANG) vllm==$(VLLM)
	$(BIN)/python -m pytest -n auto -m engines tests

# The evolution engines, each in an environment of its own: they do not go together.
EVOLVE := $(VENV)-evolve
engines-evolve: $(READY)
	for engine in openevolve:openevolve==0.4.1 gepa:gepa==0.1.4 skydiscover:skydiscover==0.1.0 \
	    shinka:shinka-evolve==0.0.7; do \
	  name=$${engine%%:*}; test -x $(EVOLVE)/$$name/bin/python || $(PYTHON) -m venv $(EVOLVE)/$$name; \
	  $(EVOLVE)/$$name/bin/python -m pip install --quiet $${engine#*:} || exit 1; done
	EPLB_LAB_EVOLVE=$(EVOLVE) $(BIN)/python -m pytest tests/evaluator/evolve/test_engines.py tests/evaluator/evolve/test_engine_faults.py

# Sweeps on a real Slurm, which the tests start in a folder of their own and end again; as root, on Debian or Ubuntu.
cluster: $(READY)
	command -v slurmctld munged >/dev/null || { apt-get update && DEBIAN_FRONTEND=noninteractive \
	  apt-get install -y --no-install-recommends slurm-wlm munge; } >/dev/null
	EPLB_LAB_CLUSTER=1 $(BIN)/python -m pytest -m cluster tests/evaluator/sweep

# The results of the shipped variants that ship: made anew where a change gives other ones. Half an hour, on a quiet machine.
archive: $(READY)
	$(BIN)/eplb evaluate -m run=archive suite=eplb_1 'variant=glob(*)'
	$(BIN)/eplb board archive runs/archive --out evaluator/results/archive/eplb_1.parquet

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)
	$(BIN)/eplb bench

selftest: $(READY)
	$(BIN)/eplb selftest

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "eplb-lab needs Python 3.11 or newer")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	$(BIN)/python -m pip install --quiet --no-deps --only-binary :all: sglang==$(SGLANG) \
	  || echo 'sglang $(SGLANG) has no wheel for this Python or is out of reach: its tests will be skipped'
	$(BIN)/python -m eplb_variants.kernels
	touch $(READY)

clean:
	rm -rf $(VENV) $(EVOLVE) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
