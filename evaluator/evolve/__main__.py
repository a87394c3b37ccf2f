"""``python -m evaluator.evolve STUDY``: the scorer of a study, which stays warm until nobody asks any more."""

from __future__ import annotations

import sys

from eplb_variants.errors import EplbError
from evaluator.evolve.scorer import serve

if __name__ == "__main__":
    try:
        serve(sys.argv[1])
    except EplbError as error:
        sys.exit(f"eplb: {error}")
