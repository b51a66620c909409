#!/usr/bin/env bash
# Set up the program's environment and the test tools, then run every check and all tests: `bash tests/run.sh`.
# --venv uses .venv even where conda is installed; every other argument goes to pytest.
set -euo pipefail

project=$(CDPATH='' cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=../scripts/environment.sh
. "$project/scripts/environment.sh"
cd "$project"

environment='' arguments=()
for argument in "$@"; do
    case $argument in
        --venv) environment=--venv ;;
        *) arguments+=("$argument") ;;
    esac
done

bash start_app.sh --setup-only $environment
use_environment $environment
install_requirements requirements-dev.txt "the tools of the tests, about 150 MB"
bin=$(dirname "$python")

# Browser tests skip where chromium is missing, except in CI.
if ! command -v chromium >/dev/null && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    say "Installing Debian's chromium for the browser tests."
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium; } \
        >logs/setup.log 2>&1 </dev/null || say "Chromium could not be installed (the reason is in logs/setup.log)."
fi

# The networks of the tests are tiny: more threads only wait for each other, for minutes where the machine is busy.
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

# The tests start hundreds of programs: each is to read what the first one has compiled.
unset PYTHONDONTWRITEBYTECODE

failed=()
check() {
    local name=$1
    shift
    say "--- $name"
    "$@" || failed+=("$name")
}

# consistent_packages: pip misses nothing but torchvision (requirements-alone.txt says why); moviepy, which a benchmark
# compares with where it is installed, is no requirement.
consistent_packages() {
    local found
    found=$("$python" -m pip check --disable-pip-version-check || true)
    found=$(grep -vE '^(spandrel .* requires torchvision|moviepy |No broken requirements)' <<<"$found" || true)
    [ -z "$found" ] || { printf '%s\n' "$found" && false; }
}

check "ruff check" "$bin/ruff" check .
check "ruff format" "$bin/ruff" format --check .
check "types" "$bin/mypy"
check "imports" "$bin/lint-imports" --no-logo
check "shell scripts" "$bin/shellcheck" start_app.sh scripts/*.sh tests/run.sh .ci/run
# ruff knows most of bandit's rules, and the exceptions to them; what bandit finds beyond weighs more. B104 is ruff's
# S104. B615 wants a revision for what is loaded from the hub: here it is a folder, looked at by models.py.
check "security" "$bin/bandit" --quiet --recursive --severity-level medium --skip B104,B615 app pipeline
# pip-audit asks a server about every package, so it is not run here: `pip-audit -r requirements.txt` by hand does.
check "packages" consistent_packages
if [ -x "$bin/hadolint" ]; then check "container" "$bin/hadolint" Dockerfile; fi
summary="Checks: ${failed[*]:-all passed}"
say "$summary"
# A worker more than there are cores, up to four, because the one that drives a browser often waits. Which worker runs what
# is decided in tests/conftest.py, in the order of the files: those of the page, which take longest, begin early.
workers=$("$python" -c 'import os; print(min(4, (os.cpu_count() or 1) + 1))')
check "tests" "$python" -m pytest -n "$workers" --dist loadfile --no-loadscope-reorder ${arguments[@]+"${arguments[@]}"}

# pytest's closing line is the last one, unless a check before it failed.
if [ "$summary" != 'Checks: all passed' ]; then printf '%s failed\n' "$summary" >&2; fi
[ ${#failed[@]} -eq 0 ]
