"""Balancers within the step, compiled: what each decides for a layer is its readable function, compiled as it stands.

Numba keeps a function beside the file that it is written in and sees when that changes, so they call nothing.
"""

from __future__ import annotations

from functools import partial

from eplb_variants.kernels import compiles
from eplb_variants.kernels.compiled import kernel
from eplb_variants.loads import FloatArray
from eplb_variants.placement import Placement
from eplb_variants.reacting.homes import react
from eplb_variants.reacting.llep import LLEP, spilled
from eplb_variants.reacting.moonep import MoonEP, matched
from eplb_variants.reacting.ultraep import UltraEP, quotas

LAYER = "float64[::1], int64[::1], int64[::1], float64[:, ::1]"
_quotas = kernel(f"void(float64, float64, {LAYER})")(quotas)
_matched = kernel(f"void({LAYER})")(matched)
_spilled = kernel(f"void(float64, float64, float64, {LAYER})")(spilled)


@compiles(UltraEP)
def ultraep(stage: UltraEP, load: FloatArray, placement: Placement) -> Placement:
    """Answer as ``UltraEP`` does."""
    return react(load, placement, stage.free, partial(_quotas, stage.least, stage.within))


@compiles(MoonEP)
def moonep(stage: MoonEP, load: FloatArray, placement: Placement) -> Placement:
    """Answer as ``MoonEP`` does."""
    return react(load, placement, stage.free, _matched)


@compiles(LLEP)
def llep(stage: LLEP, load: FloatArray, placement: Placement) -> Placement:
    """Answer as ``LLEP`` does."""
    return react(load, placement, stage.free, partial(_spilled, stage.alpha, stage.least, stage.threshold))
