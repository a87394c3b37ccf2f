#!/bin/sh
# Starts the search, after the seed program was judged. Further words are SkyDiscover's: --iterations 10, --search evox.
set -e
PYTHON="${PYTHON:-python3}"
case "$PYTHON" in */*) PYTHON="$(cd "$(dirname "$PYTHON")" && pwd)/$(basename "$PYTHON")" ;; esac
cd "$(dirname "$0")"
"$PYTHON" eplb_client.py
exec "$PYTHON" -m skydiscover.cli initial_program.py evaluator.py --config config.yaml --output output "$@"
