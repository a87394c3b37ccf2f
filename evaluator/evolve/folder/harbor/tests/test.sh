#!/bin/bash
# Judges the agent's program and writes the reward. Where the bench fails, it ends with an error and writes none.
set -eu
LOGS="${EPLB_LOGS:-/logs/verifier}"
TESTS="$(cd "$(dirname "$0")" && pwd)"
mkdir -p "$LOGS"
rm -f "$LOGS/reward.txt"
"${EPLB:-eplb}" evolve score "$TESTS/study" "${EPLB_PROGRAM:-/app/program.py}" > "$LOGS/answer.json"
"${PYTHON:-python3}" - "$LOGS" <<'END'
import json, pathlib, sys
logs = pathlib.Path(sys.argv[1])
answer = json.loads((logs / "answer.json").read_text())
(logs / "reward.txt").write_text("{:.9f}\n".format(answer["combined_score"]))
END
