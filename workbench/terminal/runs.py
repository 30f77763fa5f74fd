"""How lists of runs and their differences look."""

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.terminal.durations import format_duration
from workbench.terminal.printing import counted
from workbench.terminal.tables import print_table
from workbench.views.runs import RunView

SPARE = (
    "size",
    "time",
    "game",
    "started",
    "algorithm",
    "kind",
    "differs",
    "of",
)  # what a narrow list of runs does without, in order
_LONGEST = 60  # characters of one value


def print_runs(views: Sequence[RunView], differs: Sequence[Mapping[str, Any]]) -> None:
    """Print a list of runs; `differs` has for each the settings in which it is unlike others of its kind."""
    header = ("run", "kind", "game", "algorithm", "status", "differs", "started", "size", "result", "of", "time")
    rows = [
        (
            str(view.path), view.kind, view.game or "-", view.algo or "-", status(view), assigned(own) or "-", started(view),
            done(view), figure(view), view.unit or "-", seconds(view),
        )
        for view, own in zip(views, differs, strict=True)
    ]  # fmt: skip
    print_table(
        header, rows, left=7, prose=("status", "differs"), spare=SPARE, see="a wider terminal, a filter or --json", copied=True
    )


def print_diff(views: Sequence[RunView], settings: Mapping[str, Sequence[Any]]) -> None:
    """Print settings and outcomes of runs side by side."""
    units = dict.fromkeys(view.unit for view in views if view.unit)
    outcome = {
        "status": [status(view) for view in views],
        **{unit: [figure(view) if view.unit == unit else "-" for view in views] for unit in units},
        "done": [done(view) for view in views],
        "started": [started(view) for view in views],
        "time": [seconds(view) for view in views],
    }
    rows = [(key, *map(value_text, values)) for key, values in settings.items()]
    rows += [(key, *values) for key, values in outcome.items()]
    print_table(("setting", *(view.name for view in views)), rows, left=1 + len(views))


def done(view: RunView) -> str:
    """Return how much was done, such as "1 iteration"."""
    return counted(view.size, view.sizes.removesuffix("s"))


def status(view: RunView) -> str:
    """Return the status of a run, with what there is to say of it."""
    return f"{view.status}: {view.note}" if view.note else view.status


def figure(view: RunView) -> str:
    """Return the one number of a run."""
    if view.figure is None:
        return "-"
    return f"{100 * view.figure:.1f} %" if view.unit == "share solved" else f"{view.figure:,.4g}"


def started(view: RunView) -> str:
    """Return the day and minute in which a run started."""
    return view.started.strftime("%Y-%m-%d %H:%M") if view.started else "-"


def seconds(view: RunView) -> str:
    """Return how long the work of a run took."""
    return "-" if view.seconds is None else format_duration(view.seconds)


def assigned(settings: Mapping[str, Any]) -> str:
    """Return settings as they are written on the command line."""
    return " ".join(f"{key}={value_text(value)}" for key, value in settings.items())


def value_text(value: Any) -> str:
    """Return a value of a configuration: short, and "-" for none."""
    text = "-" if value is None or value == "" else f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
