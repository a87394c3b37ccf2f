#!/bin/sh
# Starts the search, after the seed program was judged. Further words are OpenEvolve's: --iterations 10, --checkpoint DIR.
set -e
PYTHON="${PYTHON:-python3}"
case "$PYTHON" in */*) PYTHON="$(cd "$(dirname "$PYTHON")" && pwd)/$(basename "$PYTHON")" ;; esac
cd "$(dirname "$0")"
"$PYTHON" eplb_client.py
exec "$PYTHON" -m openevolve.cli initial_program.py evaluator.py --config config.yaml --output output "$@"
