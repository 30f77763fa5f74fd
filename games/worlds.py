"""The catalogue of worlds for planning: what can be played, and how each is made."""

import importlib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from games.asked import asked
from games.errors import UnknownName, did_you_mean
from games.makers import Maker, blamed, find_maker, make_checked
from games.modules import GYMNASIUM, Program, is_program, load_program
from games.params import Value, resolve_params
from games.plugins import WORLD, expanded, known_names
from games.sentences import check_ranges
from games.world import Instance, World


class Entry(NamedTuple):
    """A catalogued world: the function that makes it, values for its options, and one line about it.

    The function, "module:name", takes one keyword argument an option; its module declares their defaults in ``OPTIONS`` and, for
    texts with few legal values, those in ``CHOICES``. `proact` names the world that is this one by the rules of Yu et al. 2026
    (arXiv 2602.05327).
    """

    maker: str
    given: Mapping[str, Value]
    about: str
    proact: str = ""


_2048 = "games.game2048.world:make"
WORLDS: dict[str, Entry] = {
    "2048": Entry(_2048, {}, "2048 on 4x4 cells; the score is the sum of merged tiles, and play goes on after 2048", "2048-proact"),
    "2048-3x3": Entry(_2048, {"rows": 3, "columns": 3, "target": 0}, "2048 on 3x3 cells", "2048-3x3-proact"),
    "2048-2x3": Entry(_2048, {"rows": 2, "columns": 3, "target": 0}, "2048 on 2x3 cells: small enough to be solved exactly"),
    "2048-2x2": Entry(_2048, {"rows": 2, "columns": 2, "target": 0}, "2048 on 2x2 cells: small enough to be solved exactly"),
    "3072": Entry(
        _2048, {"base": 3, "target": 3072}, "2048 with tiles 3, 6, 12 ...: the same game, scores times 1.5", "3072-proact"
    ),
    "2048-proact": Entry(
        _2048,
        {"rules": "proact", "horizon": 10_000},
        "2048 as in ProAct: illegal moves are actions (-1), ten in a row end the game",
        "2048-proact",
    ),
    "2048-3x3-proact": Entry(
        _2048,
        {"rules": "proact", "horizon": 10_000, "rows": 3, "columns": 3, "target": 0},
        "ProAct's 2048 on 3x3 cells",
        "2048-3x3-proact",
    ),
    "3072-proact": Entry(
        _2048,
        {"rules": "proact", "horizon": 10_000, "base": 3, "target": 3072},
        "ProAct's 2048 with tiles 3, 6, 12 ...",
        "3072-proact",
    ),
    "sokoban": Entry(
        "games.sokoban.worlds:make", {}, "Sokoban levels (XSB, SOK, Boxoban files, or the shipped ones) by pushes or moves"
    ),
    "sokoban-rooms": Entry("games.sokoban.rooms:make", {}, "Sokoban by moves in generated rooms, a level for every seed"),
    "sokoban-proact": Entry(
        "games.sokoban.proact:make", {}, "Sokoban under ProAct's rules: 8 actions, 200 steps, score by boxes", "sokoban-proact"
    ),
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

PROACT = {name: entry.proact for name, entry in WORLDS.items() if entry.proact}  # world: the same by ProAct's rules

METHODS = {"instance": 1, "__len__": 0, "action_name": 3, "text": 2, "outcome": 4}  # of a world: how many arguments they take


@asked
def load_world(name: str, given: Mapping[str, Value] | None = None, text: str | None = None) -> World:
    """Return the world called `name` with `given` values for its options.

    `name` is that of the catalogue, or a world of the user's own: the path of a file, whose text may be given, or
    ``module:attribute``. Such a file has ``OPTIONS`` and ``make(name, **options)``, like the modules of the shipped worlds.

    Raises
    ------
    UsageError
        For an unknown name, option or value.
    GameplanError
        For a file that is no world.
    """
    maker, program = _maker(name, text)
    options = world_options(name, given, text)
    if program is None:
        made: World = maker.make(name=name, **options)
        return made
    world: World = make_checked(program, "world", maker, options, METHODS)
    with blamed(program, "len()"):
        len(world)
    with blamed(program, "instance(0)"):
        _check_instance(program, world)
    return world


def world_options(name: str, given: Mapping[str, Value] | None = None, text: str | None = None) -> dict[str, Value]:
    """Return a value for every option of the world called `name`: its defaults, overridden by `given`.

    Raises
    ------
    UsageError
        For an unknown name, option or value.
    """
    maker, _ = _maker(name, text)
    options = resolve_params(name, maker.defaults, maker.choices, given or {})
    check_ranges(name, options, maker.doc)
    return options


def under_proact(name: str) -> str:
    """Return the name of the world called `name` by ProAct's rules, `name` where there is none."""
    return PROACT.get(name, name)


def rollout_options(name: str, policy: str) -> dict[str, str]:
    """Return the options of the world called `name` by which its actions are those that the rollout `policy` draws from."""
    return dict(_maker(name, None)[0].rollouts.get(policy, {}))


def is_world(name: str) -> bool:
    """Return whether `name` means a world: one that ships or is plugged in, or a program."""
    return name in WORLDS or name.startswith(GYMNASIUM) or is_program(expanded(WORLD, name, WORLDS))


def about_world(name: str) -> str:
    """Return one line about the world called `name`: of a file, the first of its documentation."""
    if name in WORLDS:
        return WORLDS[name].about
    if name.startswith(GYMNASIUM):
        return "an environment of Gymnasium"
    _, program = _maker(name, None)
    assert program is not None
    return next(iter((program.module.__doc__ or "").strip().splitlines()), "a world of your own")


def world_doc(name: str) -> str:
    """Return the documentation of the module that makes the world called `name`."""
    if name.startswith(GYMNASIUM):
        from games.gymnasium_world import doc_of

        return doc_of(name)
    _, program = _maker(name, None)
    module = program.module if program is not None else importlib.import_module(WORLDS[name].maker.partition(":")[0])
    return module.__doc__ or ""


def world_choices(name: str) -> Mapping[str, tuple[str, ...]]:
    """Return the legal texts of the options of the world called `name` that have few."""
    return _maker(name, None)[0].choices


def _maker(name: str, text: str | None) -> tuple[Maker, Program | None]:
    if name.startswith(GYMNASIUM):
        from games.gymnasium_world import maker_of

        return maker_of(name), None
    name = expanded(WORLD, name, WORLDS)
    if name not in WORLDS:
        if not is_program(name):
            known = known_names(WORLD, WORLDS)
            raise UnknownName(name, WORLD, f"unknown world {name!r}{did_you_mean(name, known)}; legal are {', '.join(known)}")
        program = load_program(name, "world file", text)
        return find_maker(program, "world"), program
    entry = WORLDS[name]
    module_name, _, maker = entry.maker.partition(":")
    module = importlib.import_module(module_name)
    defaults, rollouts = {**module.OPTIONS, **entry.given}, getattr(module, "ROLLOUTS", {})
    return Maker(getattr(module, maker), defaults, getattr(module, "CHOICES", {}), rollouts, module.__doc__), None


def _check_instance(program: Program, world: World) -> None:
    instance = world.instance(0)
    if not isinstance(instance, Instance):
        raise TypeError(f"returns a {type(instance).__name__}; a world returns games.world.Instance")
    for field in ("width", "actions", "outcomes"):
        if not isinstance(getattr(instance.model, field, None), (int, np.integer)):
            raise TypeError(f"its model has no whole number {field}; games/process.py says what a model is, PythonModel makes one")
    start = instance.start
    if not isinstance(start, np.ndarray) or start.dtype != np.int64 or start.shape != (instance.model.width,):
        raise TypeError(f"its start must be an int64 array of shape ({instance.model.width},), the model's width")
