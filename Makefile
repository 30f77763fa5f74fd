# Two commands do all the set-up on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
OLDEST := .venv-oldest
PARALLEL := -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: demo test test-slow test-oldest regression mutants fuzz bench bench-against lint docs gallery clean

demo: $(STAMP)
	$(BIN)/gameplan compare leduc_2p --algos cfr,cfr+,lcfr,dcfr,pcfr+,dpcfr+,hs-pcfr+,vad-cfr -n 1000 --out runs/demo --format png
	$(BIN)/gameplan report runs/demo --out runs/demo/report.html

# The suite shares compiled kernels between its processes; the first run compiles them. A file's tests stay in one process, so that
# two do not compile the same kernel at once; their order is that of tests/conftest.py.
test: $(STAMP)
	$(BIN)/python -m pytest $(PARALLEL) --durations 15 -m "not slow"

# The rest: kills of real runs, whole recipes, large games, long comparisons.
test-slow: $(STAMP)
	$(BIN)/python -m pytest $(PARALLEL) --durations 15 -m slow

# The same with the lowest versions of the dependencies that pyproject.toml allows, in an environment of its own.
test-oldest:
	$(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/python tests/oldest.py > $(OLDEST)/oldest.txt
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check --constraint $(OLDEST)/oldest.txt --editable '.[test]'
	$(OLDEST)/bin/python -m pytest $(PARALLEL) $(TESTS)

# Records anew the metrics that refactoring must not change; ONLY=name records one more rule or meta-solver.
regression: $(STAMP)
	$(BIN)/python tests/regression.py $(ONLY)

# Changes one operator at a time and names what no test notices: a fixed sample, or COUNT=200 SEED=1 of all.
mutants: $(STAMP)
	$(BIN)/python tests/mutants.py $(if $(COUNT),--count $(COUNT)) $(if $(SEED),--seed $(SEED))

# Tries 20,000 damaged inputs, kills and hostile candidates on all that reads or runs what others may have written; minutes.
fuzz: $(STAMP)
	$(BIN)/python -m tests.fuzz $(if $(INPUTS),--inputs $(INPUTS)) $(if $(SEED),--seed $(SEED))

# Kernels here and at another commit, in turn in one run; what is more than 5 % slower here is named.
bench-against: $(STAMP)
	$(BIN)/python tests/bench_against.py $(REV)

bench: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(BIN)/gameplan bench cfr

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[report,test,lint]'
	@touch $(STAMP)

# The site of docs/, from the pages there and the code; warnings are errors.
docs: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs
	@echo build/docs/index.html

# Draws the pictures of docs/gallery.toml anew, or ONLY="name name".
gallery: $(STAMP)
	$(BIN)/python docs/_extensions/gallery.py $(ONLY)

clean:
	rm -rf $(VENV) $(OLDEST) runs dist build
