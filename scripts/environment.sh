# shellcheck shell=bash
# The environment that the program runs in, for start_app.sh and tests/run.sh. Works with the bash 3.2 of macOS.
#
# The caller sets `project`, the folder of the program. `use_environment` sets `python`, the interpreter to run.

project=${project:?}
alone=$project/requirements-alone.txt # packages that are installed without what they ask for

say() { printf '%s\n' "$*"; }

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# use_environment [--venv]: find or make the conda environment, or .venv where there is no conda or --venv is given.
use_environment() {
    local conda
    # Packages in the user's home would be taken for installed ones.
    export PYTHONNOUSERSITE=1
    make_folder logs
    make_folder outputs
    if [ "${1:-}" != --venv ] && conda=$(find_conda); then
        use_conda "$conda"
    else
        use_venv
    fi
}

make_folder() {
    if mkdir -p "$project/$1" 2>/dev/null && [ -w "$project/$1" ]; then return; fi
    fail "The folder $project/$1 cannot be written: make it writable, then run the same command again."
}

find_conda() {
    local program
    for program in mamba conda micromamba "${CONDA_EXE:-}" "${MAMBA_EXE:-}"; do
        if [ -n "$program" ] && command -v "$program"; then return 0; fi
    done
    return 1
}

# The entries of one list in environment.yml, without those that hold further entries (pip's).
listed() { awk -v list="$1:" '/^[a-z]/ { inside = $0 == list } inside && /^  - [^:]*$/ { print $2 }' \
    "$project/environment.yml"; }

# pip's own part of environment.yml is left to install_requirements: conda would hide its progress.
use_conda() {
    local conda=$1 name prefix
    name=$(sed -n 's/^name: *//p' "$project/environment.yml")
    prefix=$(conda_prefix "$conda" "$name") ||
        fail "$conda does not work: mend it, or use a .venv with \`bash start_app.sh --venv\`."
    if [ -z "$prefix" ] || ! [ -x "$prefix/bin/python" ]; then
        say "Making the environment '$name' with $conda."
        # shellcheck disable=SC2046 # one word for each entry
        "$conda" create --yes --name "$name" --override-channels $(listed channels | sed 's/^/--channel /') \
            $(listed dependencies) 2>"$project/logs/setup.log" ||
            explain_failure "The environment '$name' could not be made"
        prefix=$(conda_prefix "$conda" "$name")
    fi
    python=$prefix/bin/python
}

# conda_prefix PROGRAM NAME: the folder of a named environment; nothing where it is missing.
conda_prefix() {
    if [ "${CONDA_DEFAULT_ENV:-}" = "$2" ] && [ -n "${CONDA_PREFIX:-}" ]; then
        say "$CONDA_PREFIX" # it is active: asking conda takes a second
    else
        "$1" env list 2>/dev/null | sed -n "s|^ *$2[ *+]*[ ]\(/.*\)\$|\1|p"
    fi
}

use_venv() {
    local venv=$project/.venv base
    python=$venv/bin/python
    if venv_works "$venv"; then return; fi
    base=$(find_python)
    if [ -e "$venv" ]; then say "The .venv is broken, unfinished or was moved: it is made again."; fi
    "$base" -m venv --clear "$venv" >"$project/logs/setup.log" 2>&1 || explain_failure "The .venv could not be made"
}

# A .venv whose folder was moved still runs, but its scripts point at the old place, which pyvenv.cfg names.
venv_works() {
    grep -qsF -- "$1" "$1/pyvenv.cfg" && "$1/bin/python" -c 'import pip' 2>/dev/null
}

# The first Python that is new enough and can make an environment. A name may exist and yet not run (version managers).
find_python() {
    local program newest=''
    for program in python3.11 python3.12 python3.13 python3.14 python3 python; do
        if "$program" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            if "$program" -c 'import venv, ensurepip' 2>/dev/null; then
                say "$program"
                return
            fi
            newest=$("$program" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        fi
    done
    if [ -n "$newest" ]; then
        fail "Python $newest lacks its venv module: install it (Debian and Ubuntu: apt install python$newest-venv)," \
            "then run the same command again."
    fi
    fail "Python 3.11 or newer is needed and none was found: install it, then run the same command again."
}

# install_requirements FILE SIZE: install a requirements file unless a stamp in the environment says that it was done.
# A mark stays behind when an installation is interrupted: pip may take half a package for a whole one, so the next
# installation lays everything anew.
install_requirements() {
    local prefix stamp unfinished again=''
    prefix=$("$python" -c 'import sys; print(sys.prefix)')
    stamp=$prefix/.installed-$1
    unfinished=$prefix/.installation-unfinished
    if [ "$(signature "$1")" = "$(cat "$stamp" 2>/dev/null)" ]; then return; fi
    say "Installing the packages of $1: $2. Ctrl-C stops; the next start goes on."
    if [ -e "$unfinished" ]; then again=--ignore-installed; fi
    : >"$unfinished"
    rm -f "$stamp"
    "$python" -m pip install --disable-pip-version-check --no-input --only-binary :all: $again \
        -r "$project/$1" 2>"$project/logs/setup.log" || explain_failure "The packages could not be installed"
    if [ -e "$alone" ]; then
        "$python" -m pip install --disable-pip-version-check --no-input --only-binary :all: --no-deps $again \
            -r "$alone" 2>>"$project/logs/setup.log" || explain_failure "The packages could not be installed"
    fi
    signature "$1" >"$stamp"
    rm -f "$unfinished"
}

# What an installation depends on: the interpreter and the pinned versions.
signature() {
    "$python" -c 'import sys; print(sys.version)'
    cat "$project/requirements.txt" "$project/$1"
    if [ -e "$alone" ]; then cat "$alone"; fi
}

# explain_failure WHAT: end with one sentence; the reason that the log holds decides its second half.
explain_failure() {
    local log=$project/logs/setup.log advice='mend what it says'
    if grep -qsi 'no space left' "$log"; then
        advice='make room on the disk'
    elif grep -qsiE 'connection|name resolution|timed out|timeout|http error|proxy' "$log"; then
        advice='check the network connection'
    fi
    fail "$1 (the reason is in $log): $advice, then run the same command again."
}
