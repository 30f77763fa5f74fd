"""What runs measured as they went on, thinned: the exploitability of solvers, what learners saw of themselves."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from games.errors import GameplanError
from games.modules import short_name
from workbench.comparison.curves import NODES, WARMUP, Curve, Curves, Visits, run_curves
from workbench.comparison.methods import Curve as Band
from workbench.comparison.methods import curve_of_lines
from workbench.runs import formats
from workbench.runs.directory import CONFIG, LEARNING, METRICS, TIMING, RunDirectory
from workbench.views.thinning import ascending, between, thinned_lines


class Learner(NamedTuple):
    """One training run: its lines, thinned, each with the ``seconds`` of CPU until then and its ``cost``, steps and expansions."""

    path: Path
    world: str
    method: str
    seed: int
    lines: Sequence[Mapping[str, Any]]


class Together(NamedTuple):
    """Seeds of a method in a world: axis -> measure -> (x, interquartile mean, lower, upper end), as far as all have been."""

    world: str
    method: str
    seeds: int
    curves: Mapping[str, Mapping[str, Band]]


class SolverCurves(NamedTuple):
    """Curves, game -> label -> curve; the runs that were read for them; and why some cannot be shown, by run."""

    curves: Curves
    paths: Sequence[Path]
    problems: Mapping[Path, str]


def solver_curves(paths: Sequence[Path]) -> SolverCurves:
    """Return the curves of the solver runs at or below `paths`.

    Points have ``nodes`` too where they are counted (`Visits`): how many were visited until then.
    """
    problems: dict[Path, str] = {}
    read_paths: list[Path] = []
    visits = Visits()

    def read(run: RunDirectory, settings: Mapping[str, Any]) -> Curve:
        points: Sequence[Mapping[str, Any]] = []
        read_paths.append(run.path)
        try:
            points = _points(run)
            points = visits.along(run, settings, points)
        except GameplanError as error:
            problems[run.path] = str(error)
        warmup = settings["params"].get(WARMUP, 0)
        good = isinstance(warmup, int | float) and not isinstance(warmup, bool) and warmup > 0
        return Curve(short_name(settings["algo"]), points, int(min(warmup, 1e9)) if good else 0)

    return SolverCurves(run_curves(paths, read=read), read_paths, problems)


def learner(path: Path) -> Learner:
    """Return what the training run in the directory `path` has measured.

    Raises
    ------
    GameplanError
        If its files are damaged.
    """
    run = RunDirectory(path)
    config = run.read_json(CONFIG)
    lines = ascending(thinned_lines(path / LEARNING, formats.LEARNING), "update")
    clock = ascending(thinned_lines(path / TIMING, formats.UPDATE_TIME), "update")
    updates, seconds = [line["update"] for line in clock], [line["cpu_seconds"] for line in clock]
    timed = [
        {**line, "seconds": between(line["update"], updates, seconds), "cost": line["environment_steps"] + line["expansions"]}
        for line in lines
    ]
    return Learner(path, short_name(config["env"]), short_name(config["method"]), config["seed"], timed)


def together(learners: Sequence[Learner], axes: Iterable[str], measures: Sequence[str]) -> list[Together]:
    """Return what the runs of every method with more than one seed say together, of each measure by each axis."""
    groups: dict[tuple[str, str], list[Learner]] = {}
    for each in learners:
        groups.setdefault((each.world, each.method), []).append(each)
    found = []
    for (world, method), several in groups.items():
        if len(several) > 1:
            lines = [each.lines for each in several]
            curves = {x: {y: curve_of_lines(lines, x, y) for y in measures} for x in axes}
            found.append(Together(world, method, len(several), curves))
    return found


def _points(run: RunDirectory) -> list[dict[str, Any]]:
    lines = ascending(thinned_lines(run.path / METRICS, formats.METRIC), "iteration")
    clock = ascending(thinned_lines(run.path / TIMING, formats.TIME), "iteration")
    iterations, seconds = [line["iteration"] for line in clock], [line["seconds"] for line in clock]
    return [
        {
            "iteration": line["iteration"], "exploitability": line["exploitability"],
            "seconds": between(line["iteration"], iterations, seconds), **({NODES: line[NODES]} if NODES in line else {}),
        }
        for line in lines
    ]  # fmt: skip
