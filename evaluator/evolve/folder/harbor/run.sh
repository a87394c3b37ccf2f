#!/bin/sh
# Packs eplb-lab for both containers, then starts Harbor with the words given: -a AGENT -m MODEL. Without words it packs.
set -e
PYTHON="${PYTHON:-python3}"
EPLB_LAB="${EPLB_LAB:-@SOURCE@}"
case "$PYTHON" in */*) PYTHON="$(cd "$(dirname "$PYTHON")" && pwd)/$(basename "$PYTHON")" ;; esac
cd "$(dirname "$0")"
if [ ! -d environment/wheels ]; then
  "$PYTHON" -m pip wheel --quiet --no-deps --wheel-dir wheels "$EPLB_LAB"
  cp -r wheels environment/wheels
  rm -rf tests/wheels
  mv wheels tests/wheels
fi
[ "$#" -gt 0 ] || exit 0
exec harbor run -p . "$@"
