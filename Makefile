# make demo   train on real digits, look, export, serve, ask
# make test   run the tests
# make test-slow   run those that take a minute or more each
# make test-serving URL=http://HOST:8501 GRPC=HOST:8500   run tests/serving against a TensorFlow Serving that has
#             what `python -m tests.serving.models FOLDER` writes
# make lint   check the style
# make clean   remove $(VENV) and what building leaves
# All install what they need into $(VENV) first.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

export TF_CPP_MIN_LOG_LEVEL ?= 2

ifneq (,$(filter test-serving,$(MAKECMDGOALS)))
ifeq (,$(URL))
$(error URL=http://HOST:PORT of a TensorFlow Serving is needed)
endif
endif

.PHONY: demo test test-slow test-serving lint clean

$(VENV)/.installed: setup.py constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --constraint constraints.txt --editable '.[test]'
	touch $@

demo: $(VENV)/.installed
	$(BIN)/python examples/demo.py

test: $(VENV)/.installed
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder

test-slow: $(VENV)/.installed
	$(BIN)/python -m pytest -m slow

test-serving: $(VENV)/.installed
	$(BIN)/python -m pytest tests/serving --serving-url=$(URL) $(GRPC:%=--serving-grpc=%)

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

clean:
	rm -rf $(VENV) build *.egg-info
