# `make demo` shows what the project does, `make test` checks it. What a target needs is installed first, into .venv.
PYTHON ?= python3
BIN := .venv/bin
EXTRAS := benchmark,albumentations,cluster,remote,onnx,raw

.PHONY: install package demo test lint types pytest test-lowest docs wheel

install: .venv/installed

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --editable '.[$(EXTRAS)]' --group dev
	touch $@

# The package as users get it, for types and docs: its parts lie in several top-level folders here.
package: install
	rm -rf .package build
	$(BIN)/python -m pip install --quiet --no-deps --target .package .

demo: install
	$(BIN)/degrade generate --spec specs/demo.yaml --out out/demo --resume
	$(BIN)/degrade verify out/demo
	$(BIN)/degrade preview --spec specs/demo.yaml --out out/demo-preview
	$(BIN)/benchmark run --model rtn --resume

test: lint types pytest

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: package
	MYPYPATH=.package $(BIN)/mypy

# As many tests at once as there are cores, each in one thread.
pytest: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal

# The tests on the lowest versions that pyproject.toml allows; a Python that they were built for, such as 3.11.
test-lowest:
	$(PYTHON) -m venv --clear .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet uv
	.venv-lowest/bin/uv pip install --python .venv-lowest --resolution lowest-direct --editable '.[$(EXTRAS)]' --group test
	OMP_NUM_THREADS=1 .venv-lowest/bin/python -m pytest -n auto --dist worksteal

# The site, in out/site, after the pages that are made from the code.
docs: package
	$(BIN)/python tools/docs.py --text
	$(BIN)/mkdocs build --strict

# The wheel, in dist, installed without extras into a venv of its own, where it makes and verifies a dataset.
wheel: install
	rm -rf build dist out/wheel
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	$(PYTHON) -m venv --clear .venv-wheel
	.venv-wheel/bin/python -m pip install --quiet dist/*.whl
	.venv-wheel/bin/degrade generate --preset film-medium --source builtin:stills --set clips.limit=1 --set clips.length=4 --out out/wheel
	.venv-wheel/bin/degrade verify out/wheel
