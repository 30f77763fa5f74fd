"""Policies as pictures: a heat map with bars of reach and regret, or bars an infoset; two policies and their difference."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from games.errors import UsageError
from workbench.figures.frame import PLAIN, Look, check_format, fit_axes, legend_below, panels_of, save_figure
from workbench.figures.style import COLOURS, DIVERGING, QUIET, SEQUENTIAL
from workbench.views.policy import InfosetRow, PolicyView

MOST = 30  # infosets of a player that are drawn, unless another number is asked for
MOST_BARS = 24  # infosets with a panel of their own
ROW = 0.16  # inches of an infoset's row
NUMBERS = 8  # actions up to which probabilities are written into the map


def chosen_rows(
    view: PolicyView, players: Sequence[int], pattern: str = "", most: int = MOST
) -> list[tuple[list[InfosetRow], int]]:
    """Return for each player the rows that match, in the game's order, of many the `most` that are reached most; and their number.

    Raises
    ------
    UsageError
        If no infoset matches.
    """
    found = []
    for player in players:
        rows = list(view.rows(player, pattern, most=None))
        kept = sorted(sorted(rows, key=lambda row: (-row.reach, row.number))[:most], key=lambda row: row.number)
        found.append((kept, len(rows)))
    if not any(rows for rows, _ in found):
        raise UsageError(f"no infoset of {view.game.name} matches {pattern!r}; 'gameplan show {view.source}' lists them")
    return [(rows, count) for rows, count in found if rows]


def most_reached(view: PolicyView, players: Sequence[int], pattern: str, most: int) -> tuple[list[InfosetRow], int]:
    """Return the rows of `players` (all if empty) that match, in the game's order, of many those reached most; and their number.

    Raises
    ------
    UsageError
        If no infoset matches.
    """
    parts = chosen_rows(view, players or range(view.game.players), pattern, most)
    rows = sorted((row for part, _ in parts for row in part), key=lambda row: -row.reach)[:most]
    return sorted(rows, key=lambda row: (row.player, row.number)), sum(count for _, count in parts)


def other_rows(other: PolicyView, rows: Sequence[InfosetRow]) -> list[InfosetRow]:
    """Return the rows of the policy `other` at the same infosets."""
    return [other.row(row.player, row.number) for row in rows]


def check_alike(view: PolicyView, other: PolicyView) -> None:
    """Raise UsageError unless two policies are of one game."""
    if view.game.infoset_names != other.game.infoset_names:
        raise UsageError(
            f"{view.source} is a policy of {view.game.name}, {other.source} one of {other.game.name}: only policies of one game "
            "can be compared"
        )


def draw_policy(
    view: PolicyView, path: Path | None, *, other: PolicyView | None = None, players: Sequence[int] = (), pattern: str = "",
    most: int = MOST, look: Look = PLAIN,
) -> Figure:  # fmt: skip
    """Draw the policy in `view` as a heat map a player, infosets by actions, and return the figure.

    It is written to `path` (PNG, SVG or PDF by its suffix), unless that is None.
    Beside the map are bars: how often each infoset is reached, and the counterfactual regret of its best action. With `other`, a
    policy of the same game, there are both maps and their difference, and bars of half the summed differences (total variation).

    Parameters
    ----------
    players : sequence of int
        Whose infosets; all players' if empty.
    pattern, most : str, int
        See `chosen_rows`.

    Raises
    ------
    UsageError
        For another suffix, policies of two games, or if no infoset matches.
    """
    if path is not None:
        check_format(path.suffix)
    if other is not None:
        check_alike(view, other)
    parts = chosen_rows(view, players or range(view.game.players), pattern, most)
    names = [list(dict.fromkeys(name for row in rows for name in row.names)) for rows, _ in parts]
    maps, bars = (1, 2) if other is None else (3, 1)
    with look.context():
        width = look.width or (4.6 if other is None else 6.85)
        heights = [ROW * len(rows) + 0.7 for rows, _ in parts]
        figure = Figure(figsize=(width, sum(heights) + 0.8), layout="constrained")
        columns = [max(len(n) for n in names) * 0.32] * maps + [0.7] * bars
        panels = figure.subplots(len(parts), maps + bars, squeeze=False, height_ratios=heights, width_ratios=columns)
        images: list[Any] = []
        for line, (rows, count), actions in zip(panels, parts, names, strict=True):
            table = _table(rows, actions)
            if other is None:
                images = [_map(line[0], table, actions, "probability", look)]
                _bars(line[1], [row.reach for row in rows], "reach")
                _bars(line[2], [row.regret for row in rows], "regret")
            else:
                second = _table(other_rows(other, rows), actions)
                images = [
                    _map(line[0], table, actions, look.label(view.source.name), look),
                    _map(line[1], second, actions, look.label(other.source.name), look),
                    _map(line[2], table - second, actions, "difference", look, signed=True),
                ]
                _bars(line[3], 0.5 * np.nansum(np.abs(table - second), axis=1), "variation")
            line[0].set_yticks(range(len(rows)), _shortened([row.label for row in rows], width), fontsize=72 * ROW * 0.55)
            line[0].set_ylabel(f"player {rows[0].player}" + (f"\n{len(rows)} of {count} infosets" if count > len(rows) else ""))
        for image, place in zip(images, range(maps), strict=True):
            if place != 0 or other is None:
                figure.colorbar(image, ax=panels[:, place], location="bottom", shrink=0.9, aspect=15, pad=0.01)
        figure.suptitle(look.title or view.game.name, fontsize=look.font_size + 1)
        return save_figure(figure, path)


def draw_bars(
    view: PolicyView, path: Path | None, *, other: PolicyView | None = None, players: Sequence[int] = (), pattern: str = "",
    most: int = MOST_BARS, look: Look = PLAIN,
) -> Figure:  # fmt: skip
    """Draw a panel of bars for every infoset, a bar an action, of two policies side by side, to `path`; errors: `draw_policy`."""
    if path is not None:
        check_format(path.suffix)
    if other is not None:
        check_alike(view, other)
    rows, _ = most_reached(view, players, pattern, most)
    shown = [(view, rows)] + ([(other, other_rows(other, rows))] if other is not None else [])
    with look.context():
        figure, panels = panels_of(len(rows), look, own=1.7, height=1.35)
        for at, panel in zip(range(len(rows)), panels.flat, strict=False):
            for k, (_, its) in enumerate(shown):
                places = np.arange(len(its[at].names)) + (k - (len(shown) - 1) / 2) * 0.4
                panel.bar(places, its[at].probabilities, width=0.8 / len(shown), color=COLOURS[k])
            panel.set_xticks(range(len(rows[at].names)), rows[at].names)
            panel.set_ylim(0.0, 1.0)
            panel.set_title(f"{rows[at].player}: {rows[at].label}\nreach {rows[at].reach:.3g}", fontsize=look.font_size - 1)
            fit_axes(panel, look)
            panel.grid(False, axis="x")
        figure.supylabel("probability", fontsize=look.font_size)
        if other is not None:
            legend_below(
                figure, {look.label(v.source.name): Patch(color=COLOURS[k]) for k, (v, _) in enumerate(shown)}, look.font_size
            )
        return save_figure(figure, path)


def _table(rows: Sequence[InfosetRow], actions: Sequence[str]) -> np.ndarray:
    """Return probabilities (rows, actions), NaN where an action is not possible; actions of one name are added up."""
    table = np.full((len(rows), len(actions)), np.nan)
    for at, row in enumerate(rows):
        for name, p in zip(row.names, row.probabilities, strict=True):
            place = actions.index(name)
            table[at, place] = p + (0.0 if np.isnan(table[at, place]) else table[at, place])
    return table


def _map(panel: Any, table: np.ndarray, actions: Sequence[str], title: str, look: Look, *, signed: bool = False) -> Any:
    low, colours = (-1.0, DIVERGING) if signed else (0.0, SEQUENTIAL)
    image = panel.imshow(table, cmap=colours, vmin=low, vmax=1.0, aspect="auto", interpolation="nearest")
    panel.set_xticks(range(len(actions)), actions)
    panel.xaxis.tick_top()
    panel.set_yticks([])
    panel.set_title(title)
    panel.tick_params(length=0)
    if len(actions) <= NUMBERS:
        for (i, j), value in np.ndenumerate(table):
            if not np.isnan(value):
                dark = (abs(value) > 0.65) if signed else value < 0.55
                text = "0" if abs(value) < 0.005 else "1" if value > 0.995 else f"{value:.2f}".replace("0.", ".")
                panel.text(j, i, text, ha="center", va="center", color="white" if dark else "black", fontsize=look.font_size - 2.5)
    return image


def _bars(panel: Any, values: Sequence[float] | np.ndarray, title: str) -> None:
    panel.barh(range(len(values)), values, color=QUIET, height=0.7)
    panel.set_ylim(len(values) - 0.5, -0.5)
    panel.set_yticks([])
    panel.set_title(title)
    panel.locator_params(axis="x", nbins=2)
    panel.set_xlim(0.0, max(float(np.max(values, initial=0.0)) * 1.05, 1e-12))
    panel.spines[["top", "right"]].set_visible(False)


def _shortened(labels: Sequence[str], width: float) -> list[str]:
    """Return `labels` that leave room for the maps: of long ones the middle is left out; those then alike are numbered."""
    room = max(16, int(6.5 * width))
    half = (room - 3) // 2
    short = [label if len(label) <= room else f"{label[:half]}...{label[-half:]}" for label in labels]
    return [label if short.count(label) == 1 else f"{label} ({short[:k].count(label) + 1})" for k, label in enumerate(short)]
