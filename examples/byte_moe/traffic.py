"""Requests that come and go, and which of their bytes each step computes.

A step has a fixed number of tokens, as in serving with chunked prefill: first the next byte of every answer that is
under way, then prompts, the last one as far as there is room. An answer's bytes are those of the text, not sampled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .corpus import DOMAINS

TOKENS = 96
"""Of a step."""
LENGTHS = {"prompt": (48.0, 0.6, 8, 192), "answer": (24.0, 0.7, 2, 64)}
"""Median, log-standard deviation, least and most bytes; a request fits the model's context."""


class Phase(NamedTuple):
    """Steps in which new requests are drawn from the same mixture, or from one that moves to another."""

    label: str
    steps: int
    first: Mapping[str, float]
    """Share of the requests by domain at its first step."""
    last: Mapping[str, float]
    """The same at its last step."""

    def shares(self, step: int) -> NDArray[np.float64]:
        """Return the shares at a step of this phase, in the order of ``DOMAINS``."""
        part = step / max(self.steps - 1, 1)
        share = np.array([(1 - part) * self.first.get(name, 0) + part * self.last.get(name, 0) for name in DOMAINS])
        return share / share.sum()


def steady(label: str, steps: int, *names: str) -> Phase:
    """Return a phase of some domains in equal shares."""
    even = dict.fromkeys(names, 1.0)
    return Phase(label, steps, even, even)


PLAN = (
    steady("english", 128, "english"),
    steady("python", 128, "python"),
    steady("all", 144, *DOMAINS),
    Phase("c to japanese", 144, {"c": 1.0}, {"japanese": 1.0}),
    steady("json and table", 128, "json", "table"),
    steady("german", 128, "german"),
)
"""800 steps: single domains, mixtures, and one that drifts; each long enough for eight windows of 16 steps."""


class Request(NamedTuple):
    """A prompt and its answer, as one run of bytes."""

    domain: int
    prompt: int
    text: NDArray[np.uint8]


class Traffic(NamedTuple):
    """Requests and the steps that their bytes are computed in."""

    requests: list[Request]
    request_of: NDArray[np.int64]
    """``[S * TOKENS]``, the request of each token, step by step; a request's tokens stand in their order."""
    phase_of: NDArray[np.int64]
    """``[S]``, index into the plan."""


def make_traffic(texts: Sequence[NDArray[np.uint8]], plan: Sequence[Phase], generator: Generator) -> Traffic:
    """Return the traffic of a plan.

    Args:
        texts: of each domain, in the order of ``DOMAINS``.
        plan: phases in their order.
        generator: what is drawn from.
    """
    requests: list[Request] = []
    running: dict[int, int] = {}
    """Bytes that are left, by request; prompts that are cut by the end of a step are among them, in order."""
    request_of: list[int] = []
    phase_of: list[int] = []
    for number, phase in enumerate(plan):
        for step in range(phase.steps):
            phase_of.append(number)
            step_tokens = _answers(running, requests)
            while len(step_tokens) < TOKENS:
                if not (waiting := next((r for r in running if _in_prompt(r, running, requests)), None)):
                    waiting = len(requests)
                    domain = int(generator.choice(len(DOMAINS), p=phase.shares(step)))
                    requests.append(_draw(domain, texts[domain], generator))
                    running[waiting] = len(requests[-1].text)
                answer = len(requests[waiting].text) - requests[waiting].prompt
                some = min(running[waiting] - answer, TOKENS - len(step_tokens))
                step_tokens += [waiting] * some
                running[waiting] -= some
            request_of += step_tokens
            running = {request: left for request, left in running.items() if left}
    return Traffic(requests, np.array(request_of), np.array(phase_of))


def _in_prompt(request: int, running: Mapping[int, int], requests: Sequence[Request]) -> bool:
    return running[request] > len(requests[request].text) - requests[request].prompt


def _answers(running: dict[int, int], requests: Sequence[Request]) -> list[int]:
    """Return the requests that get a byte of their answer in this step, the oldest first, and count it."""
    ready = [request for request in running if running[request] and not _in_prompt(request, running, requests)]
    for request in ready[:TOKENS]:
        running[request] -= 1
    return ready[:TOKENS]


def _draw(domain: int, text: NDArray[np.uint8], generator: Generator) -> Request:
    """Return a request that begins with a line."""
    prompt, answer = (_length(*LENGTHS[part], generator) for part in ("prompt", "answer"))
    begins = np.flatnonzero(text[: -(prompt + answer + 1)] == ord("\n")) + 1
    start = int(generator.choice(begins))
    return Request(domain, prompt, text[start : start + prompt + answer])


def _length(median: float, spread: float, least: int, most: int, generator: Generator) -> int:
    return int(np.clip(round(median * np.exp(spread * generator.standard_normal())), least, most))
