"""A world's board as it is drawn: coloured cells with short texts."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb

from games.world import Cell


def draw_board(panel: Any, picture: Sequence[Sequence[Cell]], grounds: np.ndarray | None = None, ink: float = 0.0) -> None:
    """Draw rows of cells into `panel`; `grounds` (rows, columns, 3) takes the place of their own.

    `ink` is the size of texts in points, 0 for what suits a board of so many columns.
    """
    columns = max(map(len, picture))
    colours = np.ones((len(picture), columns, 3))
    for i, row in enumerate(picture):
        for j, cell in enumerate(row):
            colours[i, j] = to_rgb(cell.ground)
    panel.imshow(colours if grounds is None else grounds, aspect="equal", interpolation="nearest")
    for k in range(1, len(picture)):
        panel.axhline(k - 0.5, color="white", linewidth=0.8)
    for k in range(1, columns):
        panel.axvline(k - 0.5, color="white", linewidth=0.8)
    size = ink or (22.0 if columns <= 6 else 14.0)
    for i, row in enumerate(picture):
        for j, cell in enumerate(row):
            if cell.text:
                smaller = size * min(1.0, 3.2 / len(cell.text))
                panel.text(j, i, cell.text, ha="center", va="center", color=cell.ink, fontsize=smaller, weight="bold")
