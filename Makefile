# One command per job, the same for people and for CI. Each makes the environment
# that it needs in .venv; nothing but make and Python 3.11 to 3.13 is assumed.

VENV ?= .venv
BIN := $(VENV)/bin
# Further arguments for pytest: make test ARGS="-k propagator"
ARGS ?=

# TensorFlow's notices are no results.
export TF_CPP_MIN_LOG_LEVEL ?= 3
export PYTHON

.PHONY: help demo test test-oldest coverage attack mutants lint docs bench large clean

help:
	@echo "make demo    run the Fashion-MNIST experiments, small, and print the table"
	@echo "make test    run all tests, the docstrings' examples and the user guide"
	@echo "make coverage the same, and what of the package they do not reach"
	@echo "make attack  all attacks of tests/attack, of which make test runs a part (an hour)"
	@echo "make mutants small faults, drawn at random: which no test sees (an hour or two)"
	@echo "make lint    style, types, docstrings, who imports whom"
	@echo "make docs    build the site into docs/_build/html"
	@echo "make bench   accuracy beside peers, small; what the propagator itself costs"
	@echo "make large   millions of rows, from a file and with Dask (an hour)"

# The extras that each job needs. They add up in one environment; a stamp says what is
# in it, and is out of date when pyproject.toml has changed.
EXTRAS_demo := examples
EXTRAS_test := test,keras,boosters,dask
EXTRAS_mutants := test,mutation
EXTRAS_lint := lint,test
EXTRAS_docs := docs
EXTRAS_bench := bench
EXTRAS_large := dask,datasets

$(VENV)/.ready-%: pyproject.toml scripts/make_env.sh
	@sh scripts/make_env.sh $(VENV) $(EXTRAS_$*)
	@touch $@

demo: $(VENV)/.ready-demo
	@sh scripts/get_fashion_mnist.sh $(BIN)/python
	$(BIN)/python -m examples.fashion_mnist --quick --out build/demo

test: $(VENV)/.ready-test
	$(BIN)/python -m pytest -n 2 $(ARGS)

# Without Keras, which follows TensorFlow's own pace.
test-oldest:
	@PIP_CONSTRAINT=$(CURDIR)/tests/oldest.txt sh scripts/make_env.sh $(VENV)-oldest test
	$(VENV)-oldest/bin/python -m pytest -n 2 $(ARGS)

# Fails on what is neither reached nor explained in tests/uncovered.txt.
coverage: $(VENV)/.ready-test
	$(BIN)/python -m pytest -n 2 --cov=kmeans_labelprop --cov-branch \
	    --cov-report=json:build/coverage.json $(ARGS)
	$(BIN)/python scripts/check_coverage.py build/coverage.json tests/uncovered.txt

# Odd samples, labels, oracles; interrupts at every line; kills, full disks. Failures of
# hypothesis print the line that repeats them.
attack: $(VENV)/.ready-test
	ATTACK=full $(BIN)/python -m pytest -n 2 --dist worksteal tests/attack $(ARGS)

# The sample that tests/mutants.md reports; what is finished is kept in mutants/.
mutants: $(VENV)/.ready-mutants
	OMP_NUM_THREADS=1 $(BIN)/python scripts/mutants.py --sample 400 --seed 0

lint: $(VENV)/.ready-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/test_docstrings.py

docs: $(VENV)/.ready-docs
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

# The accuracy beside peers, small, then three scripts of benchmarks/, one after the
# other; they write into build/bench. benchmarks/README.md tells of the full run.
bench: $(VENV)/.ready-bench
	@sh scripts/get_fashion_mnist.sh $(BIN)/python
	@mkdir -p build/bench
	@for setting in budget partly rounds; do \
	    echo "== accuracy, setting $$setting"; \
	    $(BIN)/python -m benchmarks.accuracy --setting $$setting --quick \
	        --out build/bench/accuracy || exit 1; \
	done
	@for script in propagator_overhead cluster_count_curve large; do \
	    echo "== $$script.py"; \
	    (cd build/bench && $(abspath $(BIN))/python \
	        $(CURDIR)/benchmarks/$$script.py) || exit 1; \
	done

# Five million rows from a file, ten million on a local Dask cluster: an hour, 2 GB of
# disk. The logs are committed.
large: $(VENV)/.ready-large
	$(BIN)/python benchmarks/large.py --rows 5000000 --data build/large \
	    | tee benchmarks/results/large.log
	$(BIN)/python benchmarks/anchors.py | tee benchmarks/results/anchors.log
	@sh scripts/get_fashion_mnist.sh $(BIN)/python
	$(BIN)/python benchmarks/anchors.py --fashion --seeds 2 \
	    | tee -a benchmarks/results/anchors.log
	$(BIN)/python examples/dask_ten_million.py | tee benchmarks/results/dask.log

# What make has built, but for the environment.
clean:
	rm -rf build docs/_build docs/auto_examples docs/generated mutants
