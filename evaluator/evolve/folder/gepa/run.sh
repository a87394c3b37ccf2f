#!/bin/sh
# Starts the search, after the seed program was judged. One word may say how many evaluations there are.
set -e
PYTHON="${PYTHON:-python3}"
case "$PYTHON" in */*) PYTHON="$(cd "$(dirname "$PYTHON")" && pwd)/$(basename "$PYTHON")" ;; esac
cd "$(dirname "$0")"
exec "$PYTHON" run.py "$@"
