# `make demo` shows what the project does, `make test` checks it. Both make .venv first.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test install
install: .venv/installed

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --editable '.[benchmark,dev]'
	touch $@

demo: install
	$(BIN)/degrade generate --spec specs/demo.yaml --out out/demo --resume
	$(BIN)/degrade verify out/demo
	$(BIN)/degrade preview --spec specs/demo.yaml --out out/demo-preview
	$(BIN)/benchmark run --model rtn --resume

# Types are checked on the package as users get it, since its parts lie in several top-level folders here.
test: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	rm -rf .typecheck build
	$(BIN)/python -m pip install --quiet --no-deps --target .typecheck .
	MYPYPATH=.typecheck $(BIN)/mypy
	$(BIN)/python -m pytest
