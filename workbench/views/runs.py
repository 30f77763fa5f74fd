"""Runs as records of one shape, whatever they are: what was run on what, what became of it, its one number, and its settings.

Every kind has a function here that looks at a directory; `KINDS` are their names, which are the commands that make them. Nothing is
run or followed, and of long files only the end is read.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from games.errors import GameplanError, UnknownName, UsageError
from games.files import reason
from games.modules import short_name
from games.reading import Mismatch, anything, parse_json
from workbench.catalogue.entries import MIXTURE
from workbench.runs import formats, locks
from workbench.runs.contents import MARK
from workbench.runs.directory import CONFIG, ENVIRONMENT, LEARNING, METRICS, PROGRESS, RESULT, RunDirectory
from workbench.runs.kinds import DATA_SET, LANGUAGE_MODEL, PLANNER_RUN, TRAINING_RUN, kind_of, played_in

SOLVE, PSRO, PLAN, TRAIN, TRAIN_LM, DISTILL = "solve", "psro", "plan", "train", "train-lm", "distill"
COMPARE, EVOLVE = "compare", "evolve"
KINDS = (SOLVE, PSRO, PLAN, TRAIN, TRAIN_LM, DISTILL, COMPARE, EVOLVE)
RUNNING, UNFINISHED, DAMAGED = "running", "unfinished", "damaged"

TABLE, STORE, INNER = "table.json", "discovery.sqlite", "runs"  # what makes a directory a comparison, a discovery; its single runs
_COMPARISONS = ("compare-", "train-", "evolve-compare-")  # how the names of comparisons begin that have no table yet
_TAIL = 1 << 20  # bytes from the end of a file of lines in which the last one is looked for
_HIDDEN = ("schema", "programs", "units", "digest", "max_histories", "max_memory", "threads")  # no settings that people compare
_TABLES = ("params", "world", "policy_params", "value_params")  # settings that are tables


@dataclass(frozen=True)
class RunView:
    """A run, a comparison of runs, or a discovery.

    Attributes
    ----------
    path, name : Path, str
        The directory, and the last part of its name.
    kind : str
        One of `KINDS`.
    game, algo : str
        What was played (a game, world or task; several in a comparison) and by what, as tables call them.
    seed : int or None
    status : str
        What the run says of itself; `RUNNING`, `UNFINISHED` or `DAMAGED` where it says nothing.
    figure, unit : float or None, str
        The one number that it is judged by, and what that is, such as "exploitability".
    size, sizes : int, str
        How much was done, and of what: "iterations", "episodes" ...
    started : datetime or None
        With the time zone of this machine.
    seconds : float or None
        Of the work itself.
    settings : mapping
        The configuration, flat: every parameter and option with its value.
    note : str
        What is wrong, or who works on it.
    """

    path: Path
    name: str
    kind: str
    game: str = ""
    algo: str = ""
    seed: int | None = None
    status: str = UNFINISHED
    figure: float | None = None
    unit: str = ""
    size: int = 0
    sizes: str = ""
    started: datetime | None = None
    seconds: float | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    def record(self) -> dict[str, Any]:
        """Return what ``--json`` prints of it; ``iterations``, ``exploitability`` and ``mean`` are as they were before 0.2."""
        found = asdict(self)
        found.pop("path")
        found["started"] = self.started.isoformat() if self.started else None
        found["settings"] = dict(self.settings)
        before = {"iterations": self.size} | {
            key: self.figure if self.unit == unit else None for key, unit in (("exploitability",) * 2, ("mean", "mean score"))
        }
        return {"run": str(self.path), **found, **before}


def find_runs(root: Path, *, inner: bool = False) -> list[RunView]:
    """Return what there is at or below `root`, by directory; with `inner` also the single runs of comparisons.

    Raises
    ------
    UsageError
        If `root` cannot be looked into.
    """
    return [look(path) for path in run_directories(root, inner=inner)]


def run_directories(root: Path, *, inner: bool = False) -> list[Path]:
    """Return the directories at or below `root` that hold a run, comparison or discovery, sorted; nothing of them is read."""
    if root.exists() and not root.is_dir():
        raise UnknownName(str(root), "run", f"{root} is no directory of runs, but a file; name a directory")
    try:
        return sorted(_walk(root, inner)) if root.is_dir() else []
    except OSError as error:
        raise UsageError(f"cannot look into {root}: {reason(error)}") from error


def is_run(path: Path) -> bool:
    """Return whether the directory `path` holds a run, a comparison or a discovery."""
    return any((path / name).is_file() for name in (CONFIG, STORE, TABLE)) or _begun(path)


def look(path: Path) -> RunView:
    """Return what there is in the directory `path`; a damaged one is a view of status `DAMAGED`, with the reason as its note.

    Raises
    ------
    UnknownName
        If it holds nothing of the kind.
    """
    if not is_run(path):
        raise UnknownName(str(path), "run", f"{path} holds no run; 'gameplan runs list' shows what there is")
    kind, view = SOLVE, _single
    if (path / STORE).is_file():
        kind, view = EVOLVE, _discovery
    elif not (path / CONFIG).is_file():
        kind, view = COMPARE, _comparison
    who = locks.holder(path)
    try:
        found = view(path)
    except GameplanError as error:
        return RunView(path, path.name, kind, status=DAMAGED, note=str(error))
    if who:
        return RunView(**{**found.__dict__, "status": RUNNING, "note": who})
    return found


def _walk(root: Path, inner: bool) -> Iterator[Path]:
    for place, folders, _ in os.walk(root):
        path = Path(place)
        folders[:] = [name for name in folders if not name.startswith(".")]
        single = (path / CONFIG).is_file() or (path / STORE).is_file()
        if single or (path / TABLE).is_file() or (path != root and _begun(path)):
            yield path
            if single or not inner:
                folders.clear()


def _begun(path: Path) -> bool:
    """Return whether `path` is marked as a comparison that has not come to its table, or looks like one."""
    return (path / MARK).is_file() or (path.name.startswith(_COMPARISONS) and bool(inner_runs(path)))


def inner_runs(path: Path) -> list[Path]:
    """Return the single runs of the comparison in `path`: runs in a folder of their own, or discoveries beside each other."""
    return sorted(place.parent for place in (*(path / INNER).glob(f"*/{CONFIG}"), *path.glob(f"*/{STORE}")))


def best_of_games(views: Iterable[RunView]) -> list[RunView]:
    """Return those of solver runs that found the least exploitable policies, one a game."""
    best: dict[str, RunView] = {}
    for view in views:
        if view.kind not in (SOLVE, PSRO) or view.figure is None or view.status == DAMAGED:
            continue
        if view.game not in best or view.figure < (best[view.game].figure or 0.0):
            best[view.game] = view
    return list(best.values())


def _single(path: Path) -> RunView:
    """Return the view of a run directory."""
    run = RunDirectory(path)
    config = run.read_json(CONFIG)
    kind = kind_of(config)
    result = run.read_json(RESULT, formats.RESULTS[kind.key])
    measure: Callable[[RunDirectory, dict[str, Any], dict[str, Any]], dict[str, Any]] = {
        PLANNER_RUN: _planned, TRAINING_RUN: _trained, LANGUAGE_MODEL: _modelled, DATA_SET: _distilled,
    }.get(kind, _solved)  # fmt: skip
    algo = {LANGUAGE_MODEL: config.get("target", ""), DATA_SET: config.get("form", "")}.get(kind) or config.get(kind.algo, "")
    done = result or {}
    return RunView(**{
        "path": path, "name": path.name, "game": played_in(config), "algo": short_name(str(algo)),
        "seed": config["seed"], "status": str(done.get("status", UNFINISHED)), "started": started_at(path),
        "seconds": done.get("seconds"), "settings": _settings(config, (kind.world, kind.algo, "seed")),
        **measure(run, config, done),
    })  # fmt: skip


def _solved(run: RunDirectory, config: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    last = result or _last(run, METRICS, formats.METRIC)
    size = result.get("iterations", last.get("iteration", 0))
    found = {"figure": last.get("exploitability"), "unit": "exploitability", "size": size, "sizes": "iterations"}
    if not config.get("train") and config.get("iterate") != MIXTURE:  # a file may be PSRO, and names no solvers
        return {"kind": SOLVE, **found}
    solvers = dict.fromkeys(short_name(config[key]) for key in ("train", "eval") if config.get(key))
    return {"kind": PSRO, **({"algo": f"psro {'/'.join(solvers)}"} if config.get("train") else {}), **found}


def _planned(run: RunDirectory, config: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    played, solved = result.get("played", 0), result.get("solved")
    shares = bool(solved is not None and played and (result.get("max") or 0.0) <= 1.0)
    return {
        "kind": PLAN, "figure": solved / played if shares and solved is not None else result.get("mean"),
        "unit": "share solved" if shares else "mean score", "size": played, "sizes": "episodes",
    }  # fmt: skip


def _trained(run: RunDirectory, config: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    size = result.get("updates", _last(run, LEARNING, formats.LEARNING).get("update", 0))
    return {"kind": TRAIN, "figure": result.get("score", {}).get("mean"), "unit": "mean score", "size": size, "sizes": "updates"}


def _modelled(run: RunDirectory, config: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    mean = result.get("score", {}).get("mean")
    return {"kind": TRAIN_LM, "figure": mean, "unit": "mean score", "size": result.get("updates", 0), "sizes": "updates"}


def _distilled(run: RunDirectory, config: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    kept = sum(_last(run, PROGRESS, formats.PROGRESS).get("accepted", {}).values()) if not result else result["accepted"]
    return {"kind": DISTILL, "figure": float(kept), "unit": "samples", "size": kept, "sizes": "samples"}


def _comparison(path: Path) -> RunView:
    """Return the view of a comparison: of solvers, planners or methods."""
    inner = inner_runs(path)
    shared: dict[str, Any] = {
        "path": path, "name": path.name, "kind": COMPARE, "started": started_at(path), "unit": "runs", "sizes": "runs",
        "size": len(inner), "figure": float(len(inner)),
    }  # fmt: skip
    if not (path / TABLE).is_file():
        singles = [look(place) for place in inner]
        return RunView(**shared, game=_listed(v.game for v in singles), algo=_listed(v.algo for v in singles))
    table = RunDirectory(path).read_json(TABLE, anything)
    try:
        rows = table["rows"] if "rows" in table else [{"game": g, "algo": a} for g in table["games"] for a in table["algos"]]
        named = [("game", "env", "world", "task"), ("algo", "planner", "method", "label")]
        games, algos = (
            _listed(short_name(str(next((row[key] for key in keys if key in row), table.get(keys[-1], "")))) for row in rows)
            for keys in named
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise GameplanError(f"{path / TABLE} is no table of a comparison; run the comparison again") from error
    return RunView(**shared, game=games, algo=algos, status="done")


def _discovery(path: Path) -> RunView:
    """Return the view of a discovery; its task is asked only if it is one that ships."""
    from workbench.catalogue.shipped import TASKS
    from workbench.discovery.books.store import Store
    from workbench.discovery.session import run_record

    store = Store.open(path)
    try:
        config = store.get("config")
        shown = run_record(store) if config.get("task") in TASKS else None
        steps, status, times = store.steps(), store.get("status"), store.times()
    finally:
        store.close()
    best = shown["best"] if shown else None
    return RunView(
        path, path.name, EVOLVE, short_name(str(config.get("task", ""))), _listed(config.get("operators", ())), config.get("seed"),
        status or UNFINISHED, best["score"] if best else None, f"score ({config.get('ranking', 'log')})",
        steps[-1].counted if steps else 0, "evaluations", started_at(path), times.get("wall"),
        _settings(config, ("task", "seed", "operators", "language")),
    )  # fmt: skip


def _settings(config: Mapping[str, Any], named: tuple[str, ...]) -> dict[str, Any]:
    """Return a configuration as one flat table, without what is `named` elsewhere."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if key in named or key in _HIDDEN:
            continue
        inside = {key: value} if not isinstance(value, dict) else value if key in _TABLES else {key: _listed(value)}
        for name, entry in inside.items():
            flat[name if name not in flat else f"{key}.{name}"] = entry
    return flat


def _listed(names: Any) -> str:
    return ",".join(dict.fromkeys(map(str, names)))


def started_at(path: Path) -> datetime | None:
    """Return when the run in the directory `path` started: what it says, or else when its first file was written."""
    if not (path / CONFIG).is_file():
        inner = [started_at(place) for place in inner_runs(path)]
        return min(filter(None, inner), default=None) or _changed(path / STORE) or _changed(path / TABLE)
    try:
        return datetime.fromisoformat(RunDirectory(path).read_json(ENVIRONMENT)["started"]).astimezone()
    except (GameplanError, KeyError, TypeError, ValueError, OverflowError, OSError):
        return _changed(path / CONFIG)


def _changed(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime).astimezone()
    except (OSError, ValueError, OverflowError):
        return None


def _last(run: RunDirectory, name: str, kind: Callable[[Any, str], None]) -> dict[str, Any]:
    """Return the last whole line of a file of lines, {} if there is none; a long file is not read from its beginning."""
    path = run.path / name
    if not path.is_file():
        return {}
    try:
        with open(path, "rb") as stream:
            stream.seek(max(0, path.stat().st_size - _TAIL))
            lines = stream.read(_TAIL).split(b"\n")[:-1]
        value = parse_json(lines[-1], path) if lines else {}
        if lines:
            kind(value, "")
    except (OSError, Mismatch) as error:
        raise GameplanError(f"{path}: the last line cannot be read: {error}") from error
    return value if isinstance(value, dict) else {}
