# make demo    the whole path on a made-up person, offline          make test    every check and the tests
# make check   lint, format, types, import contracts                make fix     repair what can be repaired
# make clean   remove the environment and the caches                make screenshot   the pictures in the README
#                                                                   make test-long    the tests that take minutes
#
# The MLX build is chosen for this machine; `make demo EXTRA=cpu` (or cuda12, cuda13, none) overrules it.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
PYTHON := python3 python3.14 python3.13 python3.12 python3.11
EXTRA := auto
TESTS := -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: demo install test test-long check fix clean screenshot

demo: $(VENV)/.installed
	@$(BIN)/mlxtwin demo

install: $(VENV)/.installed

test: check
	@echo "tests: pytest"
	@$(BIN)/python -m pytest $(TESTS)

test-long: $(VENV)/.installed-dev
	@$(BIN)/python -m pytest $(TESTS) -m long

check: $(VENV)/.installed-dev
	@echo "check: ruff, mypy, import contracts"
	@$(BIN)/ruff check -q .
	@$(BIN)/ruff format -q --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

fix: $(VENV)/.installed-dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

screenshot: $(VENV)/.installed-dev
	@$(BIN)/python tools/screenshot.py docs/demo.svg $(BIN)/mlxtwin demo
	@$(BIN)/python tools/walk.py mlxtwin/sample/exports --name "Maud Tarrow" --pictures docs

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .grimp_cache
	find mlxtwin tests pretrain -name __pycache__ -type d -prune -exec rm -rf {} +

# One install per kind of stamp, repeated when the dependencies change.
$(VENV)/.installed: pyproject.toml
	@sh -c "$$INSTALL" install '$(EXTRA)' '' '$(PYTHON)'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml
	@sh -c "$$INSTALL" install '$(EXTRA)' ',dev' '$(PYTHON)'
	@touch $@ $(VENV)/.installed

# Arguments: the MLX build, more extras, names of Python. With uv where it is there and works, else with pip. CPU and CUDA
# builds of MLX put the same library in the same place, so a change of build starts from an empty environment.
define INSTALL
set -u
venv=.venv extra=$$1 more=$$2 pythons=$$3

choose_build() {
    if [ "$$(uname -s)" != Linux ]; then echo none; return; fi
    driver=$$(nvidia-smi --query-gpu=driver_version --format=csv,noheader 2>/dev/null | sed -n '1s/[.].*//p')
    case "$$driver" in ''|*[!0-9]*) driver=0;; esac
    if [ "$$driver" -ge 580 ]; then echo cuda13; elif [ "$$driver" -ge 550 ]; then echo cuda12; else echo cpu; fi
}

find_python() {
    for name in $$pythons; do
        if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$name; return; fi
    done
}

with_uv() {
    command -v uv >/dev/null 2>&1 || return 1
    echo "install: $$what, with uv"
    { [ -x $$venv/bin/python ] || uv venv -q --python "$${python:->=3.11}" $$venv; } &&
        uv pip install -q --python $$venv/bin/python -e "$$what"
}

with_pip() {
    if [ -z "$$python" ]; then
        echo "mlxtwin needs Python 3.11 or newer, and none of these is: $$pythons." >&2
        return 1
    fi
    if [ ! -x $$venv/bin/pip ]; then
        rm -rf $$venv
        if ! $$python -m venv $$venv; then
            rm -rf $$venv
            echo "$$python cannot make an environment; on Debian and Ubuntu install python3-venv." >&2
            return 1
        fi
    fi
    echo "install: $$what, with pip; a minute or more the first time"
    $$venv/bin/pip install -q --disable-pip-version-check -e "$$what"
}

if [ "$$extra" = auto ]; then extra=$$(choose_build); fi
if [ -f $$venv/.extra ] && [ "$$(cat $$venv/.extra)" != "$$extra" ]; then rm -rf $$venv; fi
what=$$(echo ".[$$extra$$more]" | sed 's/none,\{0,1\}//; s/\[\]//')
python=$$(find_python)
if [ -x $$venv/bin/pip ]; then with_pip; else with_uv || with_pip; fi || exit 1
echo "$$extra" > $$venv/.extra
endef
export INSTALL
