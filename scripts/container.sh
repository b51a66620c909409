#!/usr/bin/env bash
# Starts the page in a container: makes a user and a password at the first start, and listens to the container's own
# network, from which compose.yaml lets only this machine in. Flags go to `python -m app`.
#
# SECRETS, OUTPUTS, LOGS: folders, if not those of the image.
set -euo pipefail

password_file=${SECRETS:-/secrets}/page-password

if [ ! -s "$password_file" ]; then
    umask 077
    # Whole or not at all: a start that is interrupted leaves no empty password behind.
    printf 'me:%s\n' "$(python -c 'import secrets; print(secrets.token_urlsafe(12))')" >"$password_file.new"
    mv "$password_file.new" "$password_file"
fi
printf 'User and password of the page: %s (kept in %s)\n' "$(head -n 1 "$password_file")" "$password_file"

cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec python -m app --host 0.0.0.0 --auth-file "$password_file" \
    --outputs "${OUTPUTS:-/outputs}" --logs "${LOGS:-/logs}" "$@"
