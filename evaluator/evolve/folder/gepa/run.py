"""GEPA's optimize_anything on the bench: the candidate is the program, the score is that of the study's scorer."""

import json
import os
import sys
import urllib.request

from eplb_client import HarnessFailed, check_seed, judged, read
from gepa.optimize_anything import EngineConfig, GEPAConfig, ReflectionConfig, optimize_anything

HERE = os.path.dirname(os.path.abspath(__file__))
API_BASE, MODEL = "@API_BASE@", "@MODEL@"
SECONDS_OF_A_MODEL = 300


def evaluate(candidate):
    """Return the score of a program and what may be told to a model; raises where the bench fails, which ends it."""
    answer = judged(candidate, engine="gepa")
    return answer["combined_score"], {"feedback": answer["feedback"], "verdict": answer["verdict"]}


def model(prompt):
    """Return what the model says to a prompt, a text or a list of messages."""
    messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
    headers = {
        "Content-Type": "application/json",
        "Authorization": "Bearer " + os.environ.get("OPENAI_API_KEY", "none"),
    }
    body = json.dumps({"model": MODEL, "messages": messages}).encode()
    request = urllib.request.Request(API_BASE + "/chat/completions", body, headers)
    with urllib.request.urlopen(request, timeout=SECONDS_OF_A_MODEL) as reply:
        return json.load(reply)["choices"][0]["message"]["content"]


def main():
    """Search with as many evaluations as the first word says, 100 if there is none."""
    check_seed()
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    found = optimize_anything(
        read(os.path.join(HERE, "initial_program.py")),
        evaluator=evaluate,
        objective="Raise the score of this program without changing anything outside its EVOLVE-BLOCK markers.",
        background=read(os.path.join(HERE, "task.txt")),
        config=GEPAConfig(
            engine=EngineConfig(
                run_dir=os.path.join(HERE, "output"), max_metric_calls=calls, max_workers=2, use_cloudpickle=False
            ),
            reflection=ReflectionConfig(reflection_lm=model),
        ),
    )
    with open(os.path.join(HERE, "output", "best_program.py"), "w", encoding="utf-8") as file:
        file.write(found.best_candidate)
    print("best: {:.4f}, in output/best_program.py".format(max(found.val_aggregate_scores)))


if __name__ == "__main__":
    try:
        main()
    except HarnessFailed as error:
        sys.exit(str(error))
