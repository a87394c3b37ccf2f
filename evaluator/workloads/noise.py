"""Noise that comes from requests: tokens of one request choose alike, and requests go on into the next window.

A request has ``n`` of a window's ``T`` tokens and prefers some experts over others; ``alike`` is the correlation of two
of its tokens in whether they choose an expert. Then the variance of an expert's count is ``phi`` times that of
independent tokens, ``phi = 1 + alike * (m - 1)``, where ``m`` is the token-weighted mean of ``n``.

Requests are not drawn one by one. An expert's chance is ``X / (X + Y)``, with ``X`` and ``Y`` gamma distributed: what
the window's requests have for the expert and against it. A gamma variate can be divided: the requests that go on keep a
beta distributed part of it, new ones bring a gamma variate of the shape that is missing (the beta-gamma process of
Lewis, McKenzie and Hugus 1989, Gamma processes). Each window's counts are exactly beta-binomial, and what is in excess
of independent tokens is correlated ``staying ** lag`` between windows, at the same cost for any number of requests.

Shapes: L layers, E logical experts.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator

from eplb_variants.loads import FloatArray

LEAST = 1e-9
"""Shape of a part that is as good as none: NumPy's generators want one above 0."""


def phi_of_requests(tokens: int, requests: int, length_spread: float, alike: float) -> float:
    """Return the variance of a count relative to independent tokens.

    Args:
        tokens: of a window.
        requests: that have them.
        length_spread: log-standard deviation of the number of tokens that a request has in the window.
        alike: correlation of two tokens of one request in whether they choose an expert.
    """
    of_one = min(tokens / requests * math.exp(length_spread**2), tokens)
    return 1 + alike * max(of_one - 1, 0.0)


class RequestNoise:
    """Counts of one window after another.

    Args:
        tokens: in a window, 2 or more.
        phi: variance of a count relative to independent tokens, above 1.
        staying: share of a window's requests that go on into the next one, 0 to 1.
        generator: what is drawn from.
    """

    def __init__(self, tokens: int, phi: float, staying: float, generator: Generator) -> None:
        self._tokens, self._staying, self._generator = tokens, staying, generator
        self._concentration = max((tokens - 1) / (phi - 1) - 1, 1e-3)
        self._shape_2LE: FloatArray | None = None
        self._mass_2LE: FloatArray | None = None

    def counts(self, chance_LE: FloatArray) -> FloatArray:
        """Return the counts ``[L, E]`` of the next window, whole numbers whose rows sum to about ``tokens * top_k``.

        Args:
            chance_LE: that a token of a new request chooses an expert. Chances of 0 and 1 are kept as they are where no
                request goes on.
        """
        preferred_LE = self._lasting(chance_LE) if self._staying else self._fresh(chance_LE)
        return self._generator.binomial(self._tokens, np.clip(preferred_LE, 0, 1)).astype(float)

    def _fresh(self, chance_LE: FloatArray) -> FloatArray:
        open_LE = (chance_LE > 0) & (chance_LE < 1)
        chance, preferred_LE = chance_LE[open_LE], chance_LE.copy()
        preferred_LE[open_LE] = self._generator.beta(chance * self._concentration, (1 - chance) * self._concentration)
        return preferred_LE

    def _lasting(self, chance_LE: FloatArray) -> FloatArray:
        """Return the chances ``[L, E]`` that the requests of this window have: some of the last one's, some new ones'.

        Requests that go on prefer what they did, whatever the new ones' chances are.
        """
        new_2LE = np.stack([chance_LE, 1 - chance_LE]) * self._concentration
        if self._shape_2LE is None or self._mass_2LE is None:
            self._shape_2LE, self._mass_2LE = new_2LE, self._generator.standard_gamma(new_2LE)
        else:
            staying, shape_2LE = self._staying, self._shape_2LE
            parts = (np.maximum(share * shape_2LE, LEAST) for share in (staying, 1 - staying))
            kept_2LE = self._generator.beta(*parts) * self._mass_2LE
            self._mass_2LE = kept_2LE + self._generator.standard_gamma((1 - staying) * new_2LE)
            self._shape_2LE = staying * shape_2LE + (1 - staying) * new_2LE
        whole_LE = self._mass_2LE.sum(axis=0)
        return np.where(whole_LE > 0, self._mass_2LE[0] / np.where(whole_LE > 0, whole_LE, 1), chance_LE)
