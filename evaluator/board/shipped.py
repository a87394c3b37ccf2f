"""The variants that ship, as entries: whose rule each follows, and where that is from."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

import yaml

from eplb_variants import load_variant, variant_names
from eplb_variants.errors import EplbError
from eplb_variants.installed.loading import why_missing
from eplb_variants.registry import find
from evaluator.board.entry import Card, Entry

HERE = ("eplb-lab",)
LICENCE = "MIT"
RULES = {
    "deepseek": ("DeepSeek", "https://github.com/deepseek-ai/EPLB"),
    "fastdeploy": ("FastDeploy", "https://github.com/PaddlePaddle/FastDeploy"),
    "lplb": ("DeepSeek", "https://github.com/deepseek-ai/LPLB"),
    "sglang_deepseek": ("SGLang", "https://github.com/sgl-project/sglang"),
    "sglang_deepseek_vec": ("SGLang", "https://github.com/sgl-project/sglang"),
    "sglang_elasticity_aware": ("SGLang", "https://github.com/sgl-project/sglang"),
    "tensorrt_llm": ("TensorRT-LLM", "https://github.com/NVIDIA/TensorRT-LLM"),
    "tensorrt_llm_average": ("TensorRT-LLM", "https://github.com/NVIDIA/TensorRT-LLM"),
    "vllm_default": ("vLLM", "https://github.com/vllm-project/vllm"),
}
"""Whose rule a variant follows, where it is not of here, and the address of that project."""
THEIRS = "of the installed package"
"""What stands for the licence where a variant runs another package's code."""


def shipped_entries(names: Sequence[str] | None = None) -> list[Entry]:
    """Return the shipped variants as entries, without those whose package is not installed."""
    return [_entry(name) for name in (variant_names() if names is None else names) if not _missing(name)]


def _missing(name: str) -> bool:
    placer = load_variant(name).config.get("placer")
    engine = find("placer", placer["name"]).requires if placer else ""
    return bool(engine and why_missing(engine))


def _entry(name: str) -> Entry:
    whose, source = RULES.get(name, (HERE[0], ""))
    placer = load_variant(name).config.get("placer")
    guest = bool(placer and find("placer", placer["name"]).requires)
    authors = HERE if whose == HERE[0] else ((whose,) if guest else (*HERE, f"after {whose}"))
    licence = THEIRS if guest else LICENCE
    return Entry(Card(name, authors, licence, source, summary_of(name)), shipped=name)


def summary_of(name: str) -> str:
    """Return what a shipped variant's file says of it."""
    try:
        text = resources.files("eplb_variants.catalogue").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    except OSError as error:
        raise EplbError(f"the variant {name!r} cannot be read: {error.strerror}") from None
    return str(yaml.safe_load(text).get("summary", ""))
