"""Load per layer and GPU as small pictures: PNG with a palette, and the values behind them.

Shapes: L layers, G GPUs.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

COLOURS = mpl.colormaps["RdBu_r"]
MOST_LAYERS, MOST_GPUS = 128, 128
"""Cells of a map along each side; beyond them the maximum of a block is shown: a mean would hide the fullest GPU."""
CELLS_OF_A_PAGE = 600_000
"""Cells of all maps together: about two megabytes, 300 maps of 58 layers on 32 GPUs."""
BEFORE = "before: experts in order"
STEPS = 65_535
"""Values are kept as 16-bit shares of the map's maximum."""


@dataclass
class Budget:
    """Cells that may still be drawn on the page."""

    cells: int = CELLS_OF_A_PAGE


def heat_maps(part: pd.DataFrame, order: Sequence[str], budget: Budget) -> dict[str, Any]:
    """Return the maps of one workload on one topology: experts in order, then each variant's placement.

    Args:
        part: rows of it; of each variant the map of its first seed is shown.
        order: of the variants; one that placed experts in order would be the first map again, and is left out.
        budget: what is drawn is taken from it; where it does not suffice, ``left_out`` is true and ``maps`` is empty.

    ``top`` is the load, in units of the layer's mean, at which colours end; 1 is their middle.
    """
    pictured = part[part["gpu_load"].notna()].sort_values(["seed", "window"], kind="stable").drop_duplicates("variant")
    if pictured.empty:
        return {"maps": [], "left_out": False}
    first = pictured.iloc[0]
    shape = (int(first["num_layers"]), int(first["num_gpus"]))
    before_LG = np.reshape(first["gpu_load_contiguous"], shape)
    placed = dict(zip(pictured["variant"], pictured["gpu_load"], strict=True))
    loads = [(BEFORE, before_LG), *((name, np.reshape(placed[name], shape)) for name in order if name in placed)]
    loads = [(name, load_LG) for name, load_LG in loads if name == BEFORE or not np.array_equal(load_LG, before_LG)]
    needed = len(loads) * min(shape[0], MOST_LAYERS) * min(shape[1], MOST_GPUS)
    if needed > budget.cells:
        return {"maps": [], "left_out": True}
    budget.cells -= needed
    top = max(1.5, float(np.quantile(before_LG, 0.99)))
    return {
        "maps": [_map(name, np.asarray(load_LG, dtype=np.float64), top) for name, load_LG in loads],
        "left_out": False,
        "top": top,
        "window": int(first["window"]),
        "judged_on_next": int(first["num_windows"]) > 1,
        "seed": int(first["seed"]),
    }


def _map(name: str, load_LG: NDArray[np.float64], top: float) -> dict[str, Any]:
    used_LG = load_LG[load_LG.any(axis=1)]
    layers, gpus = (-(-size // most) for size, most in zip(load_LG.shape, (MOST_LAYERS, MOST_GPUS), strict=True))
    shown_LG = block_maximum(load_LG, layers, gpus)
    scale = float(shown_LG.max()) or 1.0
    return {
        "name": name,
        "peak": float(used_LG.max(axis=1).mean()) if used_LG.size else None,
        "layers": shown_LG.shape[0],
        "gpus": shown_LG.shape[1],
        "layers_per_cell": layers,
        "gpus_per_cell": gpus,
        "png": _text(png(shown_LG, top)),
        "scale": scale,
        "values": _text(np.rint(shown_LG / scale * STEPS).astype("<u2").tobytes()),
    }


def block_maximum(load_LG: NDArray[np.float64], layers: int, gpus: int) -> NDArray[np.float64]:
    """Return the maximum of each block of so many layers and GPUs; the last blocks may be smaller."""
    by_layer = np.maximum.reduceat(load_LG, np.arange(0, load_LG.shape[0], layers), axis=0)
    return np.maximum.reduceat(by_layer, np.arange(0, load_LG.shape[1], gpus), axis=1)


def png(load_LG: NDArray[np.float64], top: float) -> bytes:
    """Return a map as PNG, a pixel a cell; blue to white up to the mean, white to red up to ``top``; no date in it."""
    centred = np.interp(load_LG, [0.0, 1.0, top], [0.0, 0.5, 1.0])
    image = Image.fromarray(np.rint(centred * 255).astype(np.uint8))
    image.putpalette((COLOURS(np.arange(256))[:, :3] * 255).round().astype(np.uint8).tobytes())
    buffer = io.BytesIO()
    image.save(buffer, "png", optimize=True)
    return buffer.getvalue()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
