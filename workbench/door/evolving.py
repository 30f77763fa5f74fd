"""Discoveries from Python: let programs evolve, and look at the best."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from games.asked import Natural, Place, Positive
from games.files import write_output
from workbench.door.asking import asked
from workbench.door.options import Duration, seconds
from workbench.door.progress import Wish, reporting
from workbench.door.results import Result, Row, shown, text_of
from workbench.runs.programs import marked

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from workbench.discovery.books.journal import Journal
    from workbench.discovery.books.store import Step, Store
    from workbench.discovery.config import DiscoveryConfig


class Program(NamedTuple):
    """A program that was discovered.

    Attributes
    ----------
    id, operator : str
        Its name, and what made it.
    step, size : int
        When it came; how large it is.
    score : float
        By the ranking of the run; higher is better.
    values : dict
        Instance -> cost; lower is better.
    source : str
    """

    id: str
    operator: str
    step: int
    size: int
    score: float
    values: Mapping[str, float]
    source: str

    def __repr__(self) -> str:
        return f"Program({self.id[:12]}, {self.operator}, score={self.score:.4g}, size={self.size})"

    def save(self, path: Place) -> None:
        """Write it to a file, which ``solve`` then runs isolated: its first line says that a discovery wrote it.

        Raises
        ------
        GameplanError
            If it cannot be written.
        """
        write_output(Path(path), marked(self.source, "best"))


class EvolveResult(Result):
    """What came of a discovery.

    Attributes
    ----------
    task, status : str
        The status names the budget that was spent, or is "interrupted".
    evaluations : int
        Programs that were measured.
    programs : list of Program
        Those with a score, best first.
    known : dict
        Published program -> its score, for comparison.
    run : Path or None
        The directory, if there is one: ``gameplan evolve`` reports, verifies and goes on with it.
    record : dict
        The record that ``gameplan evolve status --json`` prints.
    """

    title = "discovery"

    def __init__(self, record: Mapping[str, Any], programs: Sequence[Program], out: Path | None) -> None:
        self.run, self.programs = out, list(programs)
        self.record = {**record, "run": None if out is None else str(out)}
        self.task, self.status, self.evaluations = str(record["task"]), str(record["status"]), int(record["evaluations"])
        ranking = "average" if record["config"]["ranking"] == "average" else "log"
        self.known: dict[str, float] = {name: float(found[ranking]) for name, found in record["known"].items()}

    @property
    def best(self) -> Program | None:
        """The best program, if any has a score."""
        return self.programs[0] if self.programs else None

    def facts(self) -> dict[str, str]:
        """Return how far it came, and the best program beside the best that is known."""
        best, known = self.best, max(self.known.items(), key=lambda item: item[1], default=None)
        return {
            "": self.task,
            "status": self.status,
            "evaluations": f"{self.evaluations:,}",
            "best": "none" if best is None else f"{text_of(best.score)} ({best.operator}, step {best.step})",
            **({} if known is None else {"known": f"{text_of(known[1])} ({known[0]})"}),
            **({} if self.run is None else {"run": str(self.run)}),
        }

    def rows(self) -> Sequence[Row]:
        """Return a row a program, best first, its costs as columns."""
        return [{**p._asdict(), "values": None, **p.values} for p in self.programs]

    def plot(self) -> "Figure":
        """Return the scores of all programs against the step at which they came, with the best so far and the best known."""
        from workbench.figures.discovery import draw_discovery

        return shown(draw_discovery([(p.step, p.score) for p in self.programs], self.known, None, title=self.task))


@asked
def evolve(
    task: str,
    evals: Positive | None = 1000,
    *,
    operators: Mapping[str, float] | None = None,
    start: Sequence[str] = (),
    seed: Natural = 0,
    time_limit: Duration | None = None,
    settings: Mapping[str, Any] | None = None,
    jobs: Positive | None = None,
    out: Place | None = None,
    progress: Wish = None,
) -> EvolveResult:
    """Return what a discovery finds: programs that evolve for a task.

    Parameters
    ----------
    task : str
        "cfr", "psro", "h2048", "sokoban-h", or a folder with a task.py.
    evals : int, optional
        Programs to be measured; None: no such limit.
    operators : mapping, optional
        Name -> weight; without it "mixed".
    start : sequence of str
        Programs to start from; without any the task's own, ``["known"]``: all published ones.
    seed : int
        Of everything random.
    time_limit : float or str, optional
        Of the whole, in seconds or as a text.
    settings : mapping, optional
        Further keys of the configuration (``gameplan evolve run CONFIG.toml``), such as ``{"horizon": 100}``.
    jobs : int, optional
        Candidates at once, one a core unless given; each has a process of its own, locked.
    out : str or Path, optional
        The directory of the discovery. Without it nothing is kept but the result.
    progress : bool or callable, optional
        As for `workbench.door.solving.solve`.

    Returns
    -------
    EvolveResult
        Also after an interrupt, with what was measured.

    Raises
    ------
    UsageError
        For an unknown task, operator, program or setting.

    Examples
    --------
    >>> import workbench as gp
    >>> gp.evolve("cfr", 0)
    Traceback (most recent call last):
    games.errors.UsageError: evals = 0 cannot be meant; it must be a whole number from 1 on or None
    """
    from workbench.discovery.config import from_record, resolve
    from workbench.discovery.session import begin

    record: dict[str, Any] = {"task": task, "seeds": list(start), "seed": seed, "evals": evals, **(settings or {})}
    if operators is not None:
        record["operators"] = dict(operators)
    if time_limit is not None:
        record["wall_seconds"] = seconds(time_limit)
    config = resolve(from_record(record))
    with tempfile.TemporaryDirectory(prefix="gameplan-") as folder:
        store = begin(config, Path(folder) / "discovery" if out is None else Path(out))
        return _ran(store, config, jobs, None if out is None else Path(out), progress)


def resumed(path: Path, changes: Mapping[str, Any], *, trusted: bool, jobs: int | None, progress: Wish) -> EvolveResult:
    """Return what the discovery in `path` comes to when it goes on, with `changes` to its budgets.

    Raises
    ------
    UsageError, GameplanError
        As ``gameplan evolve resume``; of a task of one's own the run must be trusted.
    """
    from workbench.discovery import session
    from workbench.discovery.books.store import Store
    from workbench.discovery.task import name_task

    store = Store.open(path)
    if trusted:
        name_task(str(store.get("config")["task"]))
    return _ran(store, session.resumed(store, changes), jobs, path, progress)


def _ran(store: "Store", config: "DiscoveryConfig", jobs: int | None, out: Path | None, progress: Wish) -> EvolveResult:
    from workbench.discovery.session import load_run, proceed, ranked

    try:
        with reporting(progress, f"evolving {config.task}", config.evals) as reporter:

            def moved(step: "Step", journal: "Journal") -> None:
                best = max((member.score for member in journal.members()), default=None)
                reporter.moved(journal.counted, "" if best is None else f"best {text_of(best)}")

            found = proceed(
                store, config, workers=jobs or os.cpu_count() or 1, stop=reporter.stop, on_step=moved, say=reporter
            )  # fmt: skip
        members = ranked(load_run(store).members())
    finally:
        store.close()
    programs = [Program(m.id, m.operator, m.n, m.size, m.score, dict(m.values), m.source) for m in members]
    return EvolveResult(found, programs, out)
