"""OpenEvolve's evaluator: asks the scorer of the study what a program is worth."""

from eplb_client import judged, read
from openevolve.evaluation_result import EvaluationResult


def evaluate(program_path):
    """Return the score of a program, with what may be told to a model; raises where the bench fails."""
    answer = judged(read(program_path), engine="openevolve")
    metrics = {"combined_score": answer["combined_score"], "correct": float(answer["correct"]), **answer["metrics"]}
    return EvaluationResult(metrics=metrics, artifacts={"feedback": answer["feedback"]})


# The judge has stages of its own. Where a cascade is switched on, each stage gets the same answer: it is known by then.
evaluate_stage1 = evaluate_stage2 = evaluate_stage3 = evaluate
