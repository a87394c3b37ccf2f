"""All contact with Hydra: schemas, composition, and the expansion of a sweep into cells."""

from evaluator.config.plan import Plan, make_plan
from evaluator.config.schemas import register_schemas
from evaluator.config.session import CONFIG_MODULE, CONFIG_NAME, hydra_session, load_score, options, summary_of

__all__ = [
    "CONFIG_MODULE",
    "CONFIG_NAME",
    "Plan",
    "hydra_session",
    "load_score",
    "make_plan",
    "options",
    "register_schemas",
    "summary_of",
]
