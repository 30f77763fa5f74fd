"""The catalogue of worlds for planning: what can be played, and how each is made."""

import importlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from games.errors import UsageError, did_you_mean
from games.params import Value, resolve_params
from games.world import World


class Entry(NamedTuple):
    """A catalogued world: the function that makes it, values for its options, and one line about it.

    The function, "module:name", takes one keyword argument an option; its module declares their defaults in ``OPTIONS`` and, for
    texts with few legal values, those in ``CHOICES``.
    """

    maker: str
    given: Mapping[str, Value]
    about: str


_2048 = "games.game2048.world:make"
WORLDS: dict[str, Entry] = {
    "2048": Entry(_2048, {}, "2048 on 4x4 cells; the score is the sum of merged tiles, and play goes on after 2048"),
    "2048-3x3": Entry(_2048, {"rows": 3, "columns": 3, "target": 0}, "2048 on 3x3 cells"),
    "2048-2x3": Entry(_2048, {"rows": 2, "columns": 3, "target": 0}, "2048 on 2x3 cells: small enough to be solved exactly"),
    "2048-2x2": Entry(_2048, {"rows": 2, "columns": 2, "target": 0}, "2048 on 2x2 cells: small enough to be solved exactly"),
    "3072": Entry(_2048, {"base": 3, "target": 3072}, "2048 with tiles 3, 6, 12 ...: the same game, scores times 1.5"),
    "2048-proact": Entry(
        _2048,
        {"rules": "proact", "horizon": 10_000},
        "2048 as in ProAct: illegal moves are actions (-1), ten in a row end the game",
    ),
    "2048-3x3-proact": Entry(
        _2048, {"rules": "proact", "horizon": 10_000, "rows": 3, "columns": 3, "target": 0}, "ProAct's 2048 on 3x3 cells"
    ),
    "3072-proact": Entry(
        _2048, {"rules": "proact", "horizon": 10_000, "base": 3, "target": 3072}, "ProAct's 2048 with tiles 3, 6, 12 ..."
    ),
    "sokoban": Entry(
        "games.sokoban.worlds:make", {}, "Sokoban levels (XSB, SOK, Boxoban files, or the shipped ones) by pushes or moves"
    ),
    "sokoban-proact": Entry("games.sokoban.proact:make", {}, "Sokoban under ProAct's rules: 8 actions, 200 steps, score by boxes"),
    "sokoban-traps": Entry("games.sokoban.traps:make", {}, "Sokoban positions in which the push that looks best loses"),
    "p1": Entry("games.graphs.p1:make", {}, "a graph on which greedy is arbitrarily bad"),
    "p2a": Entry("games.graphs.p2a:make", {}, "a graph on which every beam narrower than the decoys fails"),
    "p2b": Entry("games.graphs.p2b:make", {}, "the same with 8 candidates, where the cut comes at depth 2"),
    "p3": Entry("games.graphs.p3:make", {}, "a graph on which one step of lookahead is optimal and step-wise choice gets nothing"),
    "p4": Entry("games.graphs.p4:make", {}, "a graph whose return lies D steps ahead"),
    "p5": Entry("games.graphs.p5:make", {}, "a graph on which a receding horizon puts the goal off for ever"),
    "p6": Entry("games.graphs.p6:make", {}, "a graph on which looking further ahead is worse"),
    "kg-walk": Entry("games.graphs.kg_walk:make", {}, "a walk on a synthetic knowledge graph with traps"),
    "kg-needle": Entry("games.graphs.kg_walk:make", {"connected": False}, "the same where all plain nodes are dead ends"),
}


def load_world(name: str, given: Mapping[str, Value] | None = None) -> World:
    """Return the world called `name` with `given` values for its options.

    Raises
    ------
    UsageError
        For an unknown name, option or value.
    """
    module, maker = _module(name)
    world: World = getattr(module, maker)(name=name, **world_options(name, given))
    return world


def world_options(name: str, given: Mapping[str, Value] | None = None) -> dict[str, Value]:
    """Return a value for every option of the world called `name`: its defaults, overridden by `given`.

    Raises
    ------
    UsageError
        For an unknown name, option or value.
    """
    module, _ = _module(name)
    defaults = {**module.OPTIONS, **WORLDS[name].given}
    return resolve_params(name, defaults, getattr(module, "CHOICES", {}), given or {})


def world_choices(name: str) -> Mapping[str, tuple[str, ...]]:
    """Return the legal texts of the options of the world called `name` that have few."""
    choices: Mapping[str, tuple[str, ...]] = getattr(_module(name)[0], "CHOICES", {})
    return choices


def _module(name: str) -> tuple[Any, str]:
    if name not in WORLDS:
        raise UsageError(f"unknown world {name!r}{did_you_mean(name, list(WORLDS))}; legal are {', '.join(WORLDS)}")
    module, _, maker = WORLDS[name].maker.partition(":")
    return importlib.import_module(module), maker
