"""ShinkaEvolve's evaluator: asks the scorer of the study what a program is worth."""

import argparse
import json
import os
import sys

sys.path.insert(0, "@FOLDER@")  # ShinkaEvolve runs a copy of this file in its own folder
from eplb_client import HarnessFailed, judged, read


def main():
    """Write what a program is worth; nothing, and end with 1, where the bench fails."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--program_path", required=True)
    parser.add_argument("--results_dir", required=True)
    given = parser.parse_args()
    try:
        answer = judged(read(given.program_path), engine="shinka")
    except HarnessFailed as error:
        sys.exit(str(error))
    metrics = {
        "combined_score": answer["combined_score"],
        "public": {"verdict": answer["verdict"], **answer["metrics"]},
        "private": {"program": answer["program"]},
        "text_feedback": answer["feedback"],
    }
    os.makedirs(given.results_dir, exist_ok=True)
    correct = {"correct": answer["correct"], "error": None if answer["correct"] else answer["feedback"]}
    for name, value in (("metrics.json", metrics), ("correct.json", correct)):
        with open(os.path.join(given.results_dir, name), "w", encoding="utf-8") as file:
            json.dump(value, file, indent=2)


if __name__ == "__main__":
    main()
