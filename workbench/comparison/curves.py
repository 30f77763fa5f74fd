"""Convergence of solver runs as curves: one a run, or one an algorithm with a band over its runs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from games.errors import UnknownName
from games.modules import short_name
from workbench.catalogue.entries import CFR
from workbench.comparison.bands import band
from workbench.runs import formats
from workbench.runs.directory import CONFIG, METRICS, TIMING, RunDirectory
from workbench.runs.kinds import SOLVER_RUN, kind_of, played_in
from workbench.runs.listing import configs_below

FLOOR = 1e-17  # exploitabilities at or below zero are rounding; they are taken for this
NODES = "nodes"
WARMUP = "warmup_iterations"  # the parameter of rules whose average begins later

Lines = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Curve:
    """How the exploitability of an algorithm fell on one game.

    Attributes
    ----------
    name : str
        The algorithm, which decides the colour.
    points : sequence of mappings
        ``iteration``, ``seconds`` and ``exploitability``; of several runs also ``low`` and ``high``, the ends of the band; where
        nodes are counted, ``nodes`` visited until then.
    warmup : int
        Iterations that the rule's average leaves out at the beginning.
    runs : int
        Runs behind it.
    variant : int
        Which this is of the curves of `name`.
    """

    name: str
    points: Lines
    warmup: int = 0
    runs: int = 1
    variant: int = 0


Curves = Mapping[str, Mapping[str, Curve]]
Reader = Callable[[RunDirectory, Mapping[str, Any]], Curve]  # makes a curve of a run with this configuration


def curve_of(run: RunDirectory, settings: Mapping[str, Any]) -> Curve:
    """Return the curve of the solver run in `run` with the configuration `settings`."""
    seconds = {line["iteration"]: line["seconds"] for line in run.read_lines(TIMING, formats.TIME)}
    points = [{**line, "seconds": seconds.get(line["iteration"], 0.0)} for line in run.read_lines(METRICS)]
    warmup = settings.get("params", {}).get(WARMUP, 0)
    good = isinstance(warmup, int | float) and not isinstance(warmup, bool) and warmup > 0
    return Curve(short_name(settings["algo"]), points, int(min(warmup, 1e9)) if good else 0)


class Visits:
    """Counts the nodes that iterations of full width visit: those of the game, once for every player that is updated in turn.

    Methods that sample have counted theirs in their metrics.
    """

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}  # visits of an iteration, of a configuration's game and updates

    def along(self, run: RunDirectory, settings: Mapping[str, Any], points: Lines) -> Lines:
        """Return the points of a run with ``nodes``, if its iterations walk the whole tree as CFR's do, else as they are.

        Raises
        ------
        GameplanError
            If its game is not there.
        """
        if settings["algo"] not in CFR:
            return points
        what = f"{settings['game']} {played_in(settings)} {settings['updates']} {settings['programs']}"
        size = self._sizes.get(what)
        if size is None:
            from workbench.solving.config import saved_config  # figures by iterations can do without games and solvers
            from workbench.solving.run import load_played

            config = saved_config(run)
            game = load_played(config, run).solved
            size = self._sizes[what] = game.histories * (game.players if config.updates == "alternating" else 1)
        return [{**point, NODES: point["iteration"] * size} for point in points]

    def curve(self, run: RunDirectory, settings: Mapping[str, Any]) -> Curve:
        """Return the curve of a run, by ``nodes`` too; errors are those of `along`."""
        found = curve_of(run, settings)
        return replace(found, points=self.along(run, settings, found.points))


def run_curves(paths: Sequence[Path], *, bands: bool = False, read: Reader = curve_of) -> dict[str, dict[str, Curve]]:
    """Return the curves of all solver runs at or below `paths`: game -> label -> curve.

    Several runs of one algorithm on one game are told apart by what differs in their configurations, else by their directories'
    names; with `bands` those that differ in their seeds at most make one curve. `read` makes a curve of a run.

    Raises
    ------
    UsageError
        If a path holds no run.
    """
    found: dict[str, dict[str, list[tuple[Path, dict[str, Any]]]]] = {}
    for path in paths:
        configs = configs_below(path)
        if not configs:
            raise UnknownName(
                str(path),
                "run",
                f"{path} holds no run; name run directories or a comparison's directory ('gameplan runs list')",
            )
        for config in configs:
            settings = RunDirectory(config.parent).read_json(CONFIG)
            if kind_of(settings) == SOLVER_RUN:
                runs = found.setdefault(settings["game"] if settings.get("lock") is None else played_in(settings), {}).setdefault(
                    short_name(settings["algo"]), []
                )
                if all(config.parent != place for place, _ in runs):
                    runs.append((config.parent, settings))
    return {game: _curves(runs, bands, read) for game, runs in found.items()}


def merged(curves: Sequence[Curve]) -> Curve:
    """Return the interquartile mean of several runs where all were evaluated, with its band; both of log10 exploitability."""
    if len(curves) == 1:
        return curves[0]
    by = [{point["iteration"]: point for point in curve.points} for curve in curves]
    shared = sorted(set.intersection(*(set(points) for points in by)))
    if not shared:
        return Curve(curves[0].name, [], curves[0].warmup, len(curves))
    table = np.array([[np.log10(max(points[t]["exploitability"], FLOOR)) for t in shared] for points in by])
    along = [key for key in ("seconds", NODES) if all(key in points[t] for points in by for t in shared)]
    means = [np.mean([[points[t][key] for t in shared] for points in by], axis=0).tolist() for key in along]
    rows = zip(shared, *means, *((10.0**ends).tolist() for ends in band(table, draws=500)), strict=True)
    keys = ("iteration", *along, "exploitability", "low", "high")
    return Curve(curves[0].name, [dict(zip(keys, row, strict=True)) for row in rows], curves[0].warmup, len(curves))


def _curves(found: Mapping[str, Sequence[tuple[Path, dict[str, Any]]]], bands: bool, read: Reader) -> dict[str, Curve]:
    made: dict[str, Curve] = {}
    for name, runs in found.items():
        groups: dict[str, list[tuple[Path, dict[str, Any]]]] = {}
        for path, settings in runs:
            what = _differing(settings, [s for _, s in runs], seeds=not bands)
            label = f"{name} {what}".strip()
            if not bands and label in groups:
                label = f"{name} ({path.name})"
            groups.setdefault(label, []).append((path, settings))
        for variant, (label, members) in enumerate(groups.items()):
            curve = merged([read(RunDirectory(path), settings) for path, settings in members])
            made[label] = Curve(curve.name, curve.points, curve.warmup, curve.runs, variant)
    return made


def _differing(settings: Mapping[str, Any], among: Sequence[Mapping[str, Any]], *, seeds: bool) -> str:
    """Return what tells a configuration from the others of its algorithm, such as ``alpha=2``."""
    flat = [_flat(each, seeds) for each in among]
    mine = _flat(settings, seeds)
    return " ".join(f"{key}={value}" for key, value in mine.items() if any(each.get(key) != value for each in flat))


def _flat(settings: Mapping[str, Any], seeds: bool) -> dict[str, Any]:
    keys = ("train", "eval", "updates", *(("seed",) if seeds else ()))
    return {**settings.get("params", {}), **{key: settings.get(key) for key in keys}}
