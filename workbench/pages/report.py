"""The report: what there is at some places, looked at run by run, as one page; what cannot be shown is said in words."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from games.errors import GameplanError, UnknownName
from workbench.discovery.books.store import Store
from workbench.pages import curves, discoveries, finals, learning, overview, plays, policies, populations
from workbench.pages.document import document
from workbench.pages.parts import Section
from workbench.views.curves import learner, solver_curves
from workbench.views.discovery import DiscoveryView, blamed, view_discovery
from workbench.views.episodes import Replay, replay, view_episodes
from workbench.views.policy import view_run
from workbench.views.population import view_population
from workbench.views.runs import (
    COMPARE,
    DAMAGED,
    EVOLVE,
    PLAN,
    PSRO,
    SOLVE,
    TABLE,
    TRAIN,
    RunView,
    best_of_games,
    find_runs,
    inner_runs,
    is_run,
    look,
)
from workbench.views.tables import comparison_table, runs_table

Found = TypeVar("Found")
REPLAYS = 12  # episodes on a page
POLICY = 4 << 20  # bytes of a policy's file that is shown, beyond that it is no longer read on a page


class Reading:
    """Runs being looked at: what is wrong with some is kept in `problems`, and `tell` hears of every run that begins."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.problems: dict[str, str] = {}
        self.tell = tell

    def attempt(self, path: Path, act: Callable[[], Found]) -> Found | None:
        """Return what `act` returns, or None if the run at `path` cannot be shown."""
        self.tell(path.name)
        try:
            return act()
        except GameplanError as error:
            self.problems[str(path)] = str(error)
            return None

    def all(self, views: Sequence[RunView], act: Callable[[Path], Found]) -> list[Found]:
        """Return what `act` returns of the runs that it can be done with."""
        found = (self.attempt(view.path, lambda path=view.path: act(path)) for view in views)  # type: ignore[misc]
        return [each for each in found if each is not None]


def runs_at(paths: Sequence[Path]) -> list[RunView]:
    """Return the runs, comparisons and discoveries at or below `paths`, each once.

    Raises
    ------
    UnknownName
        If there is nothing at one of them.
    """
    found: dict[Path, RunView] = {}
    for path in paths:
        views = [look(path)] if is_run(path) else find_runs(path)
        if not views:
            raise UnknownName(str(path), "run", f"{path} holds no run; 'gameplan runs list' shows what there is")
        found |= {view.path: view for view in views}
    return list(found.values())


def report(
    views: Sequence[RunView], *, title: str = "Runs", again: float = 0.0, assets: str = "",
    tell: Callable[[str], None] = lambda name: None,
) -> str:  # fmt: skip
    """Return the page about `views` as HTML; see `workbench.pages.document.document` for the rest.

    Raises
    ------
    UsageError
        If the extra with the plotting script is missing, and there is something to plot.
    """
    reading = Reading(tell)
    for view in views:
        if view.status == DAMAGED:
            reading.problems[str(view.path)] = view.note
    good = [view for view in views if view.status != DAMAGED]
    compared = [look(path) for view in _of(good, COMPARE) for path in inner_runs(view.path)]
    sections = [
        overview.section(views), _curves(reading, good), _tables(reading, good),
        _policies(reading, [*good, *best_of_games(compared)]),
        populations.section(reading.all(_of(good, PSRO, "population.npz"), view_population)), _plays(reading, [*good, *compared]),
        learning.section(reading.all(_of([*good, *compared], TRAIN), learner)), _discoveries(reading, _of(good, EVOLVE)),
    ]  # fmt: skip
    return document(title, [section for section in sections if section], reading.problems, again=again, assets=assets)


def _of(views: Sequence[RunView], kind: str, name: str = "") -> list[RunView]:
    """Return those of `kind` that have a file called `name`."""
    return [view for view in views if view.kind == kind and (not name or (view.path / name).is_file())]


def _curves(reading: Reading, views: Sequence[RunView]) -> Section | None:
    solvers = [view for view in views if view.kind in (SOLVE, PSRO, COMPARE)]
    found = reading.attempt(Path("curves"), lambda: solver_curves([view.path for view in solvers]))
    if found is None:
        return None
    reading.problems.update({str(path): why for path, why in found.problems.items()})
    return curves.section(found.curves, [view.path for view in solvers if any(p.is_relative_to(view.path) for p in found.paths)])


def _tables(reading: Reading, views: Sequence[RunView]) -> Section | None:
    tables = reading.all(_of(views, COMPARE, TABLE), comparison_table)
    single = runs_table(views)
    return finals.section([*([single] if single else []), *tables])


def _policies(reading: Reading, views: Sequence[RunView]) -> Section | None:
    small = []
    for view in [view for kind in (SOLVE, PSRO) for view in _of(views, kind, "policy.npz")]:
        if (view.path / "policy.npz").stat().st_size <= POLICY:
            small.append(view)
        else:
            reading.problems[str(view.path)] = f"its policy is too large for a page; see gameplan show {view.path}"
    return policies.section(reading.all(small, view_run))


def _plays(reading: Reading, views: Sequence[RunView]) -> Section | None:
    runs = reading.all(_of(views, PLAN), view_episodes)
    replays: dict[int, Replay] = {}
    for place, run in enumerate(runs):
        best = run.best
        if best is not None and len(replays) < REPLAYS:
            played = reading.attempt(run.path, lambda run=run, best=best: replay(run, best["episode"]))  # type: ignore[misc]
            if played is not None:
                replays[place] = played
    return plays.section(runs, replays)


def _discoveries(reading: Reading, views: Sequence[RunView]) -> Section | None:
    shown: list[DiscoveryView] = []
    articles: list[str] = []

    def tell(path: Path) -> str:
        store = Store.open(path)
        try:
            view = view_discovery(store)
            with blamed(store):
                text = discoveries.article(view, len(shown))
        finally:
            store.close()
        shown.append(view)
        return text

    articles = reading.all(views, tell)
    return discoveries.section(articles, shown)


def discovery_report(store: Store) -> str:
    """Return the page about the one discovery in `store`.

    Raises
    ------
    GameplanError
        If what the store has on record cannot be shown.
    """
    view = view_discovery(store)
    with blamed(store):
        section = discoveries.section([discoveries.article(view, 0)], [view])
    assert section is not None
    return document(f"Discovery: {view.task.name}", [section], {})
