#!/usr/bin/env bash
# Set up what is missing, then start the page: `bash start_app.sh --help`.
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: bash start_app.sh [FLAG ...]

Sets up what is missing, then starts the page and prints its address. The second start installs nothing.
The environment is that of environment.yml where conda, mamba or micromamba is installed, else .venv.

  --setup-only   set up, and stop before starting
  --venv         use .venv even where conda is installed
  --help         this text

Every other flag goes to `python -m app`:

  --host ADDRESS          address to listen on (default: 127.0.0.1, this machine only)
  --port N                port to listen on (default: 7860)
  --auth USER:PASSWORD    ask for this user and password; needed to listen beyond this machine
  --auth-file FILE        the same from a file, one USER:PASSWORD a line; --password-file is another name for it
  --share                 a public address through Gradio's servers; asks for a password too
  --outputs DIR           folder for videos and records (default: outputs)
  --logs DIR              folder for logs (default: logs)
  --open-browser          open the page in the browser
TEXT
}

# The folder of this script, also when it was started through a symbolic link.
script=${BASH_SOURCE[0]}
while [ -L "$script" ]; do
    folder=$(CDPATH='' cd -P -- "$(dirname -- "$script")" && pwd)
    script=$(readlink "$script")
    case $script in /*) ;; *) script=$folder/$script ;; esac
done
project=$(CDPATH='' cd -P -- "$(dirname -- "$script")" && pwd)
# shellcheck source=scripts/environment.sh
. "$project/scripts/environment.sh"

setup_only='' environment='' arguments=()
for argument in "$@"; do
    case $argument in
        --setup-only) setup_only=yes ;;
        --venv) environment=--venv ;;
        -h | --help) usage && exit ;;
        *) arguments+=("$argument") ;;
    esac
done

trap 'say "" "Set-up was stopped; the next start goes on with it."; exit 130' INT
use_environment $environment
install_requirements requirements.txt \
    "this happens once and downloads up to 4 GB on Linux (PyTorch brings NVIDIA's libraries), under 1 GB elsewhere"
if [ -n "$setup_only" ]; then
    say "Set-up is complete: start the page with \`bash start_app.sh\`."
    exit
fi

# Not `cd`: paths in the flags are relative to the user's folder. -P keeps a module of that folder from posing as ours.
export PYTHONPATH=$project
exec "$python" -P -m app ${arguments[@]+"${arguments[@]}"}
