"""One answer to "what is this name?": a catalogue's entry, a path, or ``module:attribute``, and the command that takes it."""

import difflib
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from games.catalogue import GAMES, SUITES
from games.errors import GameplanError, UnknownName, with_article
from games.modules import GYMNASIUM, is_attribute, is_file, located
from games.plugins import ALGORITHM, EVALUATOR, META_SOLVER, METHOD, PLANNER, TASK, WORLD, known_names
from games.plugins import POLICY as FUNCTION
from games.worlds import WORLDS
from workbench.catalogue.shipped import TASKS
from workbench.catalogue.sources import kinds_of, names_in
from workbench.runs.kinds import DATA_SET, LANGUAGE_MODEL, PLANNER_RUN, SOLVER_RUN, TRAINING_RUN, kind_of

GAME, SUITE, POLICY = "game", "suite of games", "kind of policy"
COMPARISON, DISCOVERY = "comparison", "discovery"

USES = {  # kind: the command that takes a name of it
    GAME: "gameplan solve {}",
    SUITE: "gameplan compare {}",
    WORLD: "gameplan plan {}",
    ALGORITHM: "gameplan solve GAME --algo {}",
    META_SOLVER: "gameplan solve GAME --train {}",
    PLANNER: "gameplan plan WORLD --planner {}",
    METHOD: "gameplan train WORLD --method {}",
    POLICY: "gameplan train WORLD --policy {}",
    FUNCTION: "gameplan plan WORLD --policy {}",
    EVALUATOR: "gameplan plan WORLD --planner greedy-value --set evaluator={}",
    TASK: "gameplan evolve new {}",
    SOLVER_RUN.name: "gameplan solve --resume {}",
    PLANNER_RUN.name: "gameplan plan --resume {}",
    COMPARISON: "gameplan runs list {}",
    TRAINING_RUN.name: "gameplan train --resume {}",
    LANGUAGE_MODEL.name: "gameplan play-lm {}",
    DATA_SET.name: "gameplan distill --resume {}",
    DISCOVERY: "gameplan evolve status {}",
    "policy file": "gameplan exploit GAME {}",
    "file of levels": "gameplan plan sokoban --levels {}",
    "configuration of a discovery": "gameplan evolve run {}",
}
_SUFFIXES = {
    ".efg": GAME, ".nfg": GAME, ".npz": "policy file", ".csv": "policy file", ".json": "policy file", ".xsb": "file of levels",
    ".sok": "file of levels", ".toml": "configuration of a discovery",
}  # fmt: skip


class Meaning(NamedTuple):
    """One thing that a name stands for: its kind (a key of `USES`), and the command that takes it."""

    kind: str
    use: str


def catalogue() -> dict[str, tuple[str, ...]]:
    """Return kind -> names of everything that ships or is plugged in."""
    from planners.catalogue import PLANNERS
    from planners.learning.names import METHODS
    from planners.parts.evaluators import EVALUATORS
    from planners.policies.catalogue import KINDS
    from solvers.psro.catalogue import SOLVERS
    from workbench.catalogue.families import ALGORITHMS

    shipped: dict[str, Iterable[str]] = {
        WORLD: WORLDS, ALGORITHM: ALGORITHMS, META_SOLVER: SOLVERS, PLANNER: PLANNERS, METHOD: METHODS, TASK: TASKS,
        FUNCTION: (), EVALUATOR: EVALUATORS,
    }  # fmt: skip
    named = {kind: tuple(known_names(kind, names)) for kind, names in shipped.items()}
    return {GAME: tuple(GAMES), SUITE: tuple(SUITES), POLICY: tuple(KINDS), **named}


def what_is(name: str) -> list[Meaning]:
    """Return what `name` stands for, without running anything of the user's: nothing if it is nothing that is known here."""
    kinds = [kind for kind, names in catalogue().items() if name in names]
    if not kinds or _is_directory(name):  # a directory may be called like an algorithm
        kinds += _elsewhere(name)
    return [Meaning(kind, USES[kind].format(_quoted(name))) for kind in dict.fromkeys(kinds)]


def explain(error: UnknownName) -> str:
    """Return the line for a name that is not of the kind that was wanted: what it is instead, or what is spelt alike."""
    others = what_is(error.name)
    ships = next((m for m in others if error.wanted == f"{m.kind} file" and not is_file(error.name)), None)
    if ships:
        return (
            f"{error.name} is {with_article(ships.kind)} by its name, where a file of one's own is wanted; use it with {ships.use}"
        )
    if others and error.wanted not in (meaning.kind for meaning in others):
        return f"{error.name} is {'; or '.join(f'{with_article(m.kind)}: {m.use}' for m in others)}"
    if "did you mean" in str(error):
        return str(error)
    known = {name: kind for kind, names in catalogue().items() if kind != error.wanted for name in names}
    near = difflib.get_close_matches(error.name, list(known), n=1, cutoff=0.75)
    if not near:
        return str(error)
    kind = known[near[0]]
    return f"{error} (did you mean {near[0]!r}, {with_article(kind)}: {USES[kind].format(near[0])}?)"


def kinds_of_text(text: str) -> list[str]:
    """Return what the text of a Python file defines at its top level; nothing is executed."""
    return kinds_of(names_in(text))


def _elsewhere(name: str) -> Iterator[str]:
    if name.startswith(GYMNASIUM):
        yield WORLD
        return
    if is_attribute(name):
        with suppress(GameplanError, OSError, UnicodeDecodeError):
            yield from kinds_of_text(Path(located(name)).read_text())
        return
    try:
        path = Path(name)
        if path.is_dir():
            yield from _of_directory(path)
            return
        if path.is_file():
            yield from (
                kinds_of_text(path.read_text()) if path.suffix == ".py" else filter(None, [_SUFFIXES.get(path.suffix.lower())])
            )
            return
    except (OSError, ValueError):
        return
    if "/" not in name and not path.suffix:
        yield from _of_openspiel(name)


def _is_directory(name: str) -> bool:
    with suppress(OSError, ValueError):
        return Path(name).is_dir()
    return False


def _of_directory(path: Path) -> Iterator[str]:
    from workbench.discovery.books.store import FILE
    from workbench.runs.directory import CONFIG

    if (path / FILE).is_file():
        yield DISCOVERY
    elif (path / CONFIG).is_file():
        try:
            saved = json.loads((path / CONFIG).read_bytes())
            yield kind_of(saved).name
        except (ValueError, TypeError, RecursionError):
            yield SOLVER_RUN.name
    elif (path / "table.json").is_file():
        yield COMPARISON
    elif (path / "task.py").is_file():
        yield TASK


def _of_openspiel(name: str) -> list[str]:
    base = name.partition("(")[0].strip()
    if not base.replace("_", "").isalnum():
        return []
    import pyspiel

    return [GAME] if base in pyspiel.registered_names() else []


def _quoted(name: str) -> str:
    return f"'{name}'" if set(name) & set(" ()&;|<>$*?") else name
