"""What is around the data of every figure: size, text, axes whose labels do not overlap, a legend that fits, and the file."""

import io
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator

from games.errors import UsageError
from games.files import write_output

SUFFIXES = (".png", ".svg", ".pdf")
INCH = 25.4  # mm
WIDTHS = {"column": 84.0, "text": 174.0}  # mm: a column of a page with two, and the whole page
NARROWEST, WIDEST = 40.0, 1000.0  # mm
PANEL = 1.45  # inches that a panel needs at least
WHOLE = "whole numbers"  # the group of axes that count
STABLE: dict[str, Any] = {  # text stays text, equal figures equal bytes
    "svg.hashsalt": "gameplan",
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
}

Limits = tuple[float | None, float | None]


@dataclass(frozen=True)
class Look:
    """What a reader of a figure may choose about it.

    `width` is in inches, None for the figure's own; `xlim` and `ylim` are ends of axes, None where the data decide; `labels` has
    other texts for names in the legend.
    """

    width: float | None = None
    font_size: float = 8.0
    title: str = ""
    xlim: Limits = (None, None)
    ylim: Limits = (None, None)
    labels: Mapping[str, str] = field(default_factory=dict)

    def label(self, name: str) -> str:
        """Return the text that stands for `name` in the legend."""
        return self.labels.get(name, name)

    def context(self) -> Any:
        """Return the context in which a figure of this look is drawn."""
        settings: Any = {"font.size": self.font_size, "axes.titlesize": self.font_size, **STABLE}
        return matplotlib.rc_context(settings)


PLAIN = Look()


def check_format(suffix: str) -> None:
    """Raise UsageError unless figures of this kind can be drawn."""
    if suffix not in SUFFIXES:
        raise UsageError(f"no figure ends in {suffix!r}; legal are {', '.join(SUFFIXES)}")


def panels_of(count: int, look: Look, own: float = 2.4, height: float = 1.9, alone: float = 3.4) -> tuple[Figure, np.ndarray]:
    """Return a figure with room for `count` panels (rows, columns), those too many hidden.

    `own` and `alone` are the widths in inches of one panel among several and of a single one, where `look` names no width; as many
    stand side by side as fit.
    """
    wanted = min(count, 4 if count > 6 else 3 if count != 4 else 2)
    columns = wanted if look.width is None else max(1, min(wanted, int(look.width / PANEL)))
    rows = -(-count // columns)
    width = look.width or (alone if columns == 1 else own * columns)
    tall = max(0.72 * width, 1.6) if columns == 1 else height
    figure = Figure(figsize=(width, min(tall, 4.5) * rows + (0.25 if look.title else 0.0)), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False)
    for panel in panels.flat[count:]:
        panel.set_visible(False)
    if look.title:
        figure.suptitle(look.title, fontsize=look.font_size + 1)
    return figure, panels


def fit_axes(panel: Any, look: Look) -> None:
    """Set the ends of the axes of `panel` that `look` names, and a quiet grid."""
    for limits, log, put in ((look.xlim, panel.get_xscale(), panel.set_xlim), (look.ylim, panel.get_yscale(), panel.set_ylim)):
        if any(end is not None for end in limits):
            if log == "log" and any(end is not None and end <= 0.0 for end in limits):
                raise UsageError("a logarithmic axis has no 0 and nothing below; name limits above 0")
            put(*limits)
    panel.grid(True, which="major", linewidth=0.3, alpha=0.6)
    panel.set_axisbelow(True)


def count_along(*axes: Any) -> None:
    """Let `axes` have ticks at whole numbers only: what lies along them is counted, such as iterations and policies."""
    for axis in axes:
        axis.set_gid(WHOLE)  # by which `settle` knows it again
        if axis.get_scale() == "linear":
            axis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def legend_below(figure: Figure, entries: Mapping[str, Any], font_size: float) -> None:
    """Put a legend of `entries`, label -> handle, below the panels of `figure`, which grows: with as many columns as fit."""
    if not entries:
        return
    labels, handles = list(entries), list(entries.values())
    renderer = FigureCanvasAgg(figure).get_renderer()
    for columns in range(len(labels), 0, -1):
        legend = figure.legend(
            handles, labels, loc="outside lower center", ncols=columns, frameon=False, fontsize=font_size, handlelength=2.4,
            columnspacing=1.2, borderaxespad=0.2,
        )  # fmt: skip
        _take_as_written(legend)
        box = legend.get_window_extent(renderer)
        if box.width <= figure.bbox.width or columns == 1:
            break
        legend.remove()
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + box.height / figure.dpi)


def save_figure(figure: Figure, path: Path | None) -> Figure:
    """Return `figure` without labels of its axes that would overlap, written to `path` unless that is None: the same bytes again.

    Raises
    ------
    GameplanError
        If it cannot be written.
    """
    settle(figure)
    if path is None:
        return figure
    drawn = io.BytesIO()
    metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix)
    figure.savefig(drawn, format=path.suffix[1:], dpi=200, metadata=metadata)
    write_output(path, drawn.getvalue())
    return figure


def settle(figure: Figure) -> None:
    """Give the axes of `figure` ticks whose labels do not overlap.

    Logarithmic axes are labelled at decades; where fewer than two are in sight, at 1, 2 and 5 times decades.
    """
    _take_as_written(figure)
    axes = [axis for panel in figure.axes if panel.get_visible() and panel.axison for axis in (panel.xaxis, panel.yaxis)]
    for axis in axes:
        if axis.get_scale() == "log":
            _label_decades(axis)
    for _ in range(3):  # labels that are left out make room, and panels move
        figure.draw_without_rendering()
        thinned = [_thin(axis) for axis in axes]
        if not any(thinned):
            break


def _take_as_written(artist: Artist) -> None:
    """Let dollar signs in the texts below `artist` be dollar signs: names of games and files are no formulas; only decades are."""
    decades = {
        id(label)
        for axis in artist.findobj(Axis)
        if axis.get_scale() != "linear"
        for label in (*axis.get_majorticklabels(), *axis.get_minorticklabels())
    }
    for text in artist.findobj(Text):
        if id(text) not in decades:
            text.set_parse_math(False)
            text.set_text(text.get_text().encode("utf-8", "replace").decode("utf-8"))  # a lone surrogate has no glyph


def labels_of(axis: Any) -> list[tuple[Any, Any]]:
    """Return (text, box in pixels) of the labels of the major and minor ticks of `axis` that are seen, in order."""
    low, high = sorted(axis.get_view_interval())
    slack = 1e-9 * (high - low)
    found = []
    for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
        if tick.label1.get_visible() and tick.label1.get_text() and low - slack <= tick.get_loc() <= high + slack:
            found.append((tick.label1, tick.label1.get_window_extent()))
    across = axis.axis_name == "x"
    return sorted(found, key=lambda pair: pair[1].x0 if across else pair[1].y0)


def overlap(axis: Any, pad: float = 0.0) -> bool:
    """Return whether two labels of `axis` come closer than `pad` pixels."""
    return _too_close([box for _, box in labels_of(axis)], axis.axis_name, pad)


def _too_close(boxes: Sequence[Any], direction: str, pad: float) -> bool:
    if direction == "x":
        return any(a.x1 + pad > b.x0 for a, b in itertools.pairwise(boxes))
    return any(a.y1 + pad > b.y0 for a, b in itertools.pairwise(boxes))


def _label_decades(axis: Any) -> None:
    low, high = axis.get_view_interval()
    a, b = math.log10(low), math.log10(high)
    decades = list(range(math.ceil(a - 1e-9), math.floor(b + 1e-9) + 1))
    if len(decades) >= 2:
        every = max(1, -(-len(decades) // 12))
        places = [10.0**k for k in decades if k % every == 0]
        texts = [f"$\\mathdefault{{10^{{{k}}}}}$" for k in decades if k % every == 0]
    else:
        subs = (1, 2, 5) if b - a > 0.5 else (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9)
        places = [m * 10.0**k for k in range(math.floor(a), math.floor(b) + 1) for m in subs if low <= m * 10.0**k <= high]
        if axis.get_gid() == WHOLE:
            places = [place for place in places if place == round(place)] or [
                float(k) for k in range(math.ceil(low), int(high) + 1)
            ]
        texts = [f"{place:,.15g}" if 1e-3 <= place < 1e6 else f"{place:.3g}" for place in places]
    axis.set_major_locator(FixedLocator(places))
    axis.set_major_formatter(FixedFormatter(texts))
    axis.set_minor_locator(NullLocator())


def _thin(axis: Any) -> bool:
    """Keep every second, third ... label of an axis, until they are apart, and return whether anything was done.

    Names of categories are never left out: below an axis they are turned.
    """
    found = labels_of(axis)
    if not _too_close([box for _, box in found], axis.axis_name, 2.0):
        return False
    if isinstance(axis.get_major_formatter(), FixedFormatter) and axis.get_scale() != "log":
        turned = axis.axis_name == "x" and found[0][0].get_rotation() != 90
        if turned:
            axis.set_tick_params(labelrotation=90)
        return turned
    axis.set_minor_locator(NullLocator())
    placed = {tick.get_loc(): tick.label1 for tick in axis.get_major_ticks()}
    boxes = {place: box for place, text in placed.items() for label, box in found if label is text}
    places = sorted(boxes)
    for every in range(2, len(places) + 1):
        kept = _every(places, every, axis.get_scale() == "log")
        if not _too_close([boxes[place] for place in kept], axis.axis_name, 2.0):
            break
    axis.set_major_locator(FixedLocator(kept))
    axis.set_major_formatter(FixedFormatter([placed[place].get_text() for place in kept]))
    return True


def _every(places: Sequence[float], every: int, log: bool) -> list[float]:
    """Return every so many of `places`, those kept that are rounder."""
    if log and all(abs(math.log10(p) - round(math.log10(p))) < 1e-9 for p in places):
        kept = [p for p in places if round(math.log10(p)) % every == 0]
        if kept:
            return kept
    start = next((k for k, p in enumerate(places[:every]) if p == 0.0), 0)
    return list(places[start::every])
