"""The variants that ship, as entries: whose rule each follows, and where that is from."""

from __future__ import annotations

from collections.abc import Sequence

from eplb_variants import load_variant, variant_names
from eplb_variants.installed.loading import why_missing
from eplb_variants.registry import find
from evaluator.board.entry import Card, Entry

HERE = "eplb-lab"
LICENCE = "MIT"
RULES = {
    "deepseek": ("DeepSeek", "https://github.com/deepseek-ai/EPLB"),
    "fastdeploy": ("FastDeploy", "https://github.com/PaddlePaddle/FastDeploy"),
    "flashlb": ("vLLM Ascend", "https://github.com/vllm-project/vllm-ascend"),
    "llep": ("Salesforce AI Research", "https://github.com/SalesforceAIResearch/LeastLoadedEP"),
    "lplb": ("DeepSeek", "https://github.com/deepseek-ai/LPLB"),
    "moonep": ("Moonshot AI", "https://github.com/MoonshotAI/MoonEP"),
    "omni": ("omni-infer", "https://github.com/omni-ai-npu/omni-infer"),
    "sglang_deepseek": ("SGLang", "https://github.com/sgl-project/sglang"),
    "sglang_deepseek_vec": ("SGLang", "https://github.com/sgl-project/sglang"),
    "sglang_elasticity_aware": ("SGLang", "https://github.com/sgl-project/sglang"),
    "swift_balancer": ("vLLM Ascend", "https://github.com/vllm-project/vllm-ascend"),
    "tensorrt_llm": ("TensorRT-LLM", "https://github.com/NVIDIA/TensorRT-LLM"),
    "tensorrt_llm_average": ("TensorRT-LLM", "https://github.com/NVIDIA/TensorRT-LLM"),
    "ultraep": ("UltraEP", "https://github.com/Dots-Infra/UltraEP"),
    "ultraep_placement": ("UltraEP", "https://github.com/Dots-Infra/UltraEP"),
    "vllm_default": ("vLLM", "https://github.com/vllm-project/vllm"),
}
"""Whose rule a variant follows, where it is not of here, and the address of that project."""
THEIRS = "of the installed package"
"""What stands for the licence where a variant runs another package's code."""


def shipped_entries(names: Sequence[str] | None = None) -> list[Entry]:
    """Return the shipped variants as entries, without those whose package is not installed."""
    entries = []
    for name in variant_names() if names is None else names:
        variant = load_variant(name)
        placer = variant.config.get("placer")
        package = find("placer", placer["name"]).requires if placer else ""
        if package and why_missing(package):
            continue
        whose, source = RULES.get(name, (HERE, ""))
        authors = (whose,) if package or whose == HERE else (HERE, f"after {whose}")
        card = Card(name, authors, THEIRS if package else LICENCE, source, variant.summary)
        entries.append(Entry(card, shipped=name))
    return entries
