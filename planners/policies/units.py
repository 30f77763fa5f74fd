"""Worlds that are one game with rewards in other units: the 2048 family, whose rewards are in proportion to the smallest tile.

What learned in one of them means the same moves in the others (a symmetry), and values in proportion.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from games.game2048.model import Full2048, ProAct2048, Small2048
from games.world import Instance
from planners.policies.catalogue import VALUE

UNIT = "base"  # in the shape of what is stored


def units(instance: Instance) -> dict[str, int]:
    """Return the part of a stored shape that says what tiles are multiples of; nothing in worlds of one unit."""
    if not isinstance(instance.model, Full2048 | Small2048 | ProAct2048):
        return {}
    return {UNIT: getattr(instance.world, UNIT, 2)}


def rescaled(
    role: str, unit: float, params: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return params and arrays of a stored network where all rewards are `unit` times as large: its ``scale`` is, as a value."""
    return {**params, "scale": float(params["scale"]) * (unit if role == VALUE else 1.0)}, dict(arrays)
