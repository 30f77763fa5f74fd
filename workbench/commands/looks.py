"""The options with which a figure is fitted to a page, shared by all commands that draw."""

from collections.abc import Callable
from typing import Any

import click

from workbench.commands.options import FiniteRange


def look_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --width, --xlim, --ylim, --label, --title and --font-size; `look_of` takes them together."""
    for option in (
        click.option("--font-size", default=8.0, show_default=True, type=FiniteRange(4, 24), help="Points, at the figure's size."),
        click.option("--title", default="", help="A title above the figure."),
        click.option(
            "--label", "labels", multiple=True, callback=_labels, metavar="NAME=TEXT",
            help="Figure: call NAME TEXT in the legend; repeatable.",
        ),
        click.option("--ylim", callback=_limits, metavar="LOW,HIGH", help="Figure: ends of vertical axes; either may be missing."),
        click.option("--xlim", callback=_limits, metavar="LOW,HIGH", help="Figure: ends of horizontal axes: 10,99 or 10, or ,99."),
        click.option(
            "--width", callback=_width, metavar="column|text|MM",
            help="Figure: its width in mm; column is 84, text 174.  [default: by the number of panels]",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


def look_of(options: dict[str, Any]) -> Any:
    """Take the options of `look_options` out of `options`; return them as a `workbench.figures.frame.Look`."""
    from workbench.figures.frame import INCH, Look

    keys = ("font_size", "title", "labels", "xlim", "ylim")
    width = options.pop("width")
    return Look(width=None if width is None else width / INCH, **{key: options.pop(key) for key in keys})


def _width(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    if value is None:
        return None
    from workbench.figures.frame import NARROWEST, WIDEST, WIDTHS

    if value in WIDTHS:
        return WIDTHS[value]
    try:
        number = float(value.removesuffix("mm"))
    except ValueError:
        number = float("nan")
    if not NARROWEST <= number <= WIDEST:
        legal = f"{', '.join(WIDTHS)}, or {NARROWEST:g} to {WIDEST:g} mm"
        raise click.BadParameter(f"{value!r} is no width; legal are {legal}", ctx, param)
    return number


def _limits(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[float | None, float | None]:
    if value is None:
        return None, None
    parts = value.split(",")
    try:
        low, high = (float(part) if part.strip() else None for part in parts)
    except ValueError:
        raise click.BadParameter(f"{value!r} is not LOW,HIGH, such as 10,1000 or 1e-6,", ctx, param) from None
    if any(end is not None and not abs(end) < 1e300 for end in (low, high)) or (
        low is not None and high is not None and low >= high
    ):
        raise click.BadParameter(f"{value!r} must be two finite numbers, the lower first", ctx, param)
    return low, high


def _labels(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    table = {}
    for text in values:
        name, equals, label = text.partition("=")
        if not equals or not name or not label:
            raise click.BadParameter(f"{text!r} is not of the form NAME=TEXT", ctx, param)
        table[name] = label
    return table
