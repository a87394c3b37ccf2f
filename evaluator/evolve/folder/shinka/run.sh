#!/bin/sh
# Starts the search, after the seed program was judged. Further words are ShinkaEvolve's: --set evo.max_api_costs=0.5.
# GENERATIONS says how many there are.
set -e
PYTHON="${PYTHON:-python3}"
case "$PYTHON" in */*) PYTHON="$(cd "$(dirname "$PYTHON")" && pwd)/$(basename "$PYTHON")" ;; esac
cd "$(dirname "$0")"
"$PYTHON" eplb_client.py
exec "$PYTHON" -m shinka.cli.run --task-dir . --results_dir "$PWD/output" \
  --num_generations "${GENERATIONS:-100}" --config-fname shinka.yaml "$@"
