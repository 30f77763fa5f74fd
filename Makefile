# Two commands do all the set-up on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test bench lint clean

demo: $(STAMP)
	$(BIN)/gameplan compare leduc_2p --algos cfr,cfr+,lcfr,dcfr,pcfr+,dpcfr+,hs-pcfr+,vad-cfr -n 1000 --out runs/demo --format png

# The suite shares compiled kernels between its processes; the first run compiles them. A file's tests stay in one process, so that
# two do not compile the same kernel at once.
test: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadfile --durations 15

bench: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(BIN)/gameplan bench cfr

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,lint]'
	@touch $(STAMP)

clean:
	rm -rf $(VENV) runs dist build
