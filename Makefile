PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Compiled once, not anew by every process that a pass or a test starts.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test check slow steady real-media bench bench-timelines bench-mini bench-long bench-published bench-gpu bench-orchestration bench-kills mini clean

demo: $(READY)  ## draw a demo edit, make its sounds with the bundled model, say where to listen
	$(BIN)/foley demo --out demo

test: $(READY)  ## the fast tests, a process per core (at most eight, each a GB)
	$(BIN)/python -m pytest -q -n logical --maxprocesses 8 --dist loadfile

check: $(READY)  ## what must hold before anything is committed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

slow: $(READY)  ## all the others: an hour and more
	$(BIN)/python -m pytest -q -m "slow or steady"

steady: $(READY)  ## those of them that a busy machine does not disturb, as many as begin within 25 minutes
	$(BIN)/python -m pytest -q -m "steady and not slow" -n logical --maxprocesses 8 --minutes 25

real-media: $(READY)  ## the tests on real clips and exports, where there are any
	$(BIN)/python -m pytest -q -m "real_media"

bench: $(READY)  ## speed and memory, as ratios measured side by side
	$(BIN)/python -m tests.bench.bench_speed

bench-timelines: $(READY)  ## how long large edits take, beside OpenTimelineIO's adapters (installed for it)
	$(BIN)/python -m pip install -qq --editable ".[bench]"
	$(BIN)/python -m tests.bench.bench_timelines

bench-mini: $(READY)  ## how good the bundled model is, against other ways to do it
	$(BIN)/python -m tests.bench.bench_mini

bench-long: $(READY)  ## shots longer than the model's window: seams, drift, presence, time and memory
	$(BIN)/python -m tests.bench.bench_long

bench-published: $(READY)  ## the published models at full size beside the reference pipeline (half an hour, 12 GB of disk)
	$(BIN)/python -m tests.bench.bench_published

bench-gpu: $(READY)  ## shots in batches on a CUDA GPU, beside its matrix rate
	$(BIN)/python -m tests.bench.bench_gpu

bench-orchestration: $(READY)  ## what conducting a pass costs, with Prefect and without, and whether devices stay busy
	$(BIN)/python -m tests.bench.bench_orchestration

bench-kills: $(READY)  ## a studio whose processes are killed at random, 200 times (an hour or more)
	$(BIN)/python -m tests.bench.bench_kills

mini: $(READY)  ## train the bundled model from nothing (about 90 minutes on two cores)
	$(BIN)/python -m pipeline.training --work build/mini --install

clean:
	rm -rf $(VENV) build dist demo *.egg-info

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13) and "Smooth-Foley needs Python 3.11, 3.12 or 3.13; name one: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install -qq --editable ".[dev]"
	@touch $@
