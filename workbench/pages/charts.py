"""Charts as inline SVG in the colours of the page around them, for reports that load nothing."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workbench.terminal.printing import escape_html as escape

WIDTH, HEIGHT = 860, 360
LEFT, RIGHT, TOP, BOTTOM = 62, 150, 14, 42
GAP = 13  # between labels at the right margin


@dataclass(frozen=True)
class Series:
    """Points of a chart: a "step" line (holds its value to the right), "dots", or a "level" across the whole width.

    Dots may have `titles`, and `keys` by which scripts know what they stand for.
    """

    label: str
    points: Sequence[tuple[float, float]]
    kind: str = "step"
    colour: str = "var(--accent)"
    titles: Sequence[str] = ()
    keys: Sequence[str] = ()


def chart(series: Sequence[Series], *, x_label: str, y_label: str, log_x: bool = True, log_y: bool = False) -> str:
    """Return an SVG element with all series; empty text if there is no point."""
    xs = [x for s in series if s.kind != "level" for x, _ in s.points]
    ys = [y for s in series for _, y in s.points if y > 0.0 or not log_y]
    if not xs or not ys:
        return ""
    x_of, x_ticks = _axis(min(xs), max(xs), LEFT, WIDTH - RIGHT, log=log_x, exact=True)
    y_of, y_ticks = _axis(min(ys), max(ys), HEIGHT - BOTTOM, TOP, log=log_y)
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(y_label)} over {escape(x_label)}">']
    for x in x_ticks:
        parts.append(f'<line class="grid" x1="{x_of(x):.1f}" y1="{TOP}" x2="{x_of(x):.1f}" y2="{HEIGHT - BOTTOM}"/>')
        parts.append(f'<text x="{x_of(x):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{x:g}</text>')
    for y in y_ticks:
        parts.append(f'<line class="grid" x1="{LEFT}" y1="{y_of(y):.1f}" x2="{WIDTH - RIGHT}" y2="{y_of(y):.1f}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y_of(y) + 4:.1f}" text-anchor="end">{y:g}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x_label)}</text>')
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(f'<text transform="translate(13 {middle:.0f}) rotate(-90)" text-anchor="middle">{escape(y_label)}</text>')
    labels: list[tuple[float, str, str]] = []
    for s in sorted(series, key=lambda s: ("level", "dots", "step").index(s.kind)):
        points = [(x, y) for x, y in s.points if y > 0.0 or not log_y]
        if not points:
            continue
        colour = escape(s.colour, quote=True)
        if s.kind == "level":
            y = y_of(points[0][1])
            parts.append(
                f'<line class="level" style="stroke:{colour}" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>'
            )
        elif s.kind == "dots":
            blank = [""] * len(s.points)
            for (x, y), title, key in zip(s.points, [*s.titles, *blank], [*s.keys, *blank], strict=False):
                if log_y and y <= 0.0:
                    continue
                inner = f"<title>{escape(title)}</title>" if title else ""
                known = f' data-key="{escape(key)}" tabindex="0"' if key else ""
                place = f'cx="{x_of(x):.1f}" cy="{y_of(y):.1f}" r="{3 if key else 2}"'
                parts.append(f'<circle style="fill:{colour}" {place}{known}>{inner}</circle>')
            continue
        else:
            path, last = "", None
            for x, y in points:
                path += f"M{x_of(x):.1f} {y_of(y):.1f}" if last is None else f"H{x_of(x):.1f}V{y_of(y):.1f}"
                last = y
            parts.append(f'<path class="step" style="stroke:{colour}" d="{path}H{WIDTH - RIGHT}"/>')
            y = y_of(points[-1][1])
        labels.append((y if s.kind == "level" else y_of(points[-1][1]), s.label, colour))
    parts += _labels(labels)
    return "".join(parts) + "</svg>"


def bars(rows: Sequence[tuple[str, int]]) -> str:
    """Return an SVG element with one horizontal bar a row, largest first."""
    if not rows:
        return ""
    rows = sorted(rows, key=lambda row: (-row[1], row[0]))
    most = max(count for _, count in rows)
    left, step = 250, 20
    parts = [f'<svg viewBox="0 0 {WIDTH} {step * len(rows) + 4}" role="img" aria-label="counts">']
    for place, (label, count) in enumerate(rows):
        y = place * step
        long = (WIDTH - left - 70) * count / most
        shown = label if len(label) <= 36 else f"{label[:33]}..."
        parts.append(f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">{escape(shown)}</text>')
        parts.append(f'<rect class="bar" x="{left}" y="{y + 3}" width="{max(1.0, long):.1f}" height="14"/>')
        parts.append(f'<text x="{left + long + 6:.1f}" y="{y + 14}">{count:,}</text>')
    return "".join(parts) + "</svg>"


def _labels(labels: Sequence[tuple[float, str, str]]) -> list[str]:
    """Return the names of lines at the right margin, pushed apart."""
    ordered = sorted(labels)
    places: list[float] = []
    for y, _, _ in ordered:
        places.append(max(y, places[-1] + GAP) if places else max(y, TOP + 4.0))
    over = max(0.0, (places[-1] if places else 0.0) - (HEIGHT - 4))
    for place in range(len(places) - 1, -1, -1):  # those at the bottom go up again
        limit = HEIGHT - 4 if place == len(places) - 1 else places[place + 1] - GAP
        places[place] = min(places[place], limit) if over else places[place]
    made = []
    for (y, label, colour), at in zip(ordered, places, strict=True):
        edge = WIDTH - RIGHT
        made.append(f'<path class="leader" d="M{edge} {y:.1f}L{edge + 14} {at:.1f}"/>')
        made.append(f'<text style="fill:{colour}" x="{edge + 17}" y="{at + 4:.1f}">{escape(label)}</text>')
    return made


def _axis(
    low: float, high: float, begin: float, end: float, *, log: bool, exact: bool = False
) -> tuple[Callable[[float], float], list[float]]:
    """Return the map from values to pixels, and the ticks."""
    if log:
        low, high = max(low, 1e-300), max(high, 1e-300)
        a, b = math.log10(low), math.log10(high)
        if not exact or a == b:
            a, b = math.floor(a), math.ceil(b) if math.ceil(b) > math.floor(a) else math.floor(a) + 1
        every = max(1, math.ceil((b - a) / 8))
        ticks = [10.0**k for k in range(math.ceil(a - 1e-9), math.floor(b + 1e-9) + 1, every)]
        if exact and b - a < 2:
            ticks = sorted({*ticks, *(m * 10.0**k for k in range(math.floor(a), math.ceil(b)) for m in (2, 5))})
            ticks = [tick for tick in ticks if a - 1e-9 <= math.log10(tick) <= b + 1e-9]
        return (lambda v: begin + (end - begin) * (math.log10(max(v, 1e-300)) - a) / (b - a)), ticks
    if low == high:
        low, high = low - 0.5, high + 0.5
    step = 10.0 ** math.floor(math.log10((high - low) / 4))
    step *= next(m for m in (1, 2, 5, 10) if (high - low) / (step * m) <= 7)
    a, b = (low, high) if exact else (math.floor(low / step) * step, math.ceil(high / step) * step)
    ticks = [round(k * step, 12) for k in range(math.ceil(a / step - 1e-9), math.floor(b / step + 1e-9) + 1)]
    return (lambda v: begin + (end - begin) * (v - a) / (b - a)), ticks
