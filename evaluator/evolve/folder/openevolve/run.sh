#!/bin/sh
# Starts the search, after the seed program was judged. Further words are OpenEvolve's: --iterations 10, --checkpoint DIR.
set -e
cd "$(dirname "$0")"
"${PYTHON:-python3}" eplb_client.py
exec "${PYTHON:-python3}" -m openevolve.cli initial_program.py evaluator.py --config config.yaml --output output "$@"
