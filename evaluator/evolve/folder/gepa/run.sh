#!/bin/sh
# Starts the search, after the seed program was judged. One word may say how many evaluations there are.
set -e
cd "$(dirname "$0")"
exec "${PYTHON:-python3}" run.py "$@"
