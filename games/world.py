"""Worlds and instances: what an episode is played in, for people and runs; the model inside is what planners compute with.

What a world may say of itself beyond `World`, and who asks for it:

========================================  =======================  ===========================================================
part of a world                           default                  who asks
========================================  =======================  ===========================================================
``outcome_columns``                       none                     tables of episodes: keys of `outcome`, a column each
``ladder``                                none                     ``plot``: the key of the outcome that is climbed step by step
``summary(outcomes)``                     nothing                  the last lines of a run, protocols: a `Summary`
``picture(instance, state)``              `text`                   ``--render``, ``replay``, GIFs: the board as rows of `Cell`
``network(instance, state)``              none                     GIFs: the graph that is walked on as a `Network`
``read(text)``                            none                     ``critic --board``: the state that a person has written down
``question(instance)``, ``action(name)``  a general one, none      language models: the task in words; the action of a name
``grid(instance)``                        none                     `games.gymnasium_envs`: rows, columns, place of cell 0
``optimum(instance)``                     None                     ``train``: the best score that can be expected, if known
``searched(instance)``                    none                     ``train``: where a shortest solution has the best score, what
                                                                   search is to solve, and its line as actions of the instance
========================================  =======================  ===========================================================

What a planner computes with (rules, heuristics, whether all states can be listed) is in the table of `games.process`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np

from games import reading
from games.errors import GameplanError, one_line
from games.modules import is_users

_OUTCOME = reading.record({"score": reading.number(), "solved": reading.optional(reading.flag)})


@dataclass(frozen=True)
class Instance:
    """One episode's problem.

    `model` is a compiled record or a Python model (`games.process`); `start` its first state, not to be mutated; `horizon` the
    steps (actions of the model) after which the episode is cut, None for no limit. `name` is the seed or the level's title,
    `extra` what the world itself needs to speak about the instance, and `world` the world it is of, for planners that read and
    write text.
    """

    name: str
    seed: int
    model: Any
    start: np.ndarray
    horizon: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    world: "World | None" = field(default=None, repr=False, compare=False)

    def __repr__(self) -> str:
        where = f"{self.world.name} " if self.world is not None else ""
        return f"Instance({where}{self.name}, seed {self.seed}, {type(self.model).__name__}, horizon {self.horizon})"


def world_line(world: "World") -> str:
    """Return a world as one line, which is how it is printed."""
    count = len(world)
    return f"{type(world).__name__}({world.name}, {f'{count:,} instances' if count else 'an instance for every seed'})"


class Cell(NamedTuple):
    """A cell of a picture: a short text and its colours as #rrggbb."""

    text: str
    ink: str
    ground: str


class Summary(NamedTuple):
    """What a world says of several episodes: `figures` for files (names and JSON values), and `lines` for people (label, text)."""

    figures: Mapping[str, Any]
    lines: Mapping[str, str]


class Network(NamedTuple):
    """A graph to be drawn: `names` and `kinds` of its nodes ("goal", "trap" ... or empty), `edges` (m, 2) as pairs of nodes with
    `notes` on them, the node that it begins at, and the one that the state is at.
    """

    names: Sequence[str]
    kinds: Sequence[str]
    edges: np.ndarray
    notes: Sequence[str]
    start: int
    here: int


class World(Protocol):
    """A family of instances, such as 2048 or a collection of Sokoban levels; the module says what else a world may have."""

    name: str

    def instance(self, seed: int) -> Instance:
        """Return the instance of `seed`: a random start, a random graph, or level number `seed` of a collection.

        Raises
        ------
        UsageError
            If there is none, saying which there are.
        """

    def __len__(self) -> int:
        """Return the number of instances, 0 if there is one for every seed."""

    def action_name(self, instance: Instance, state: np.ndarray, action: int) -> str:
        """Return the name of an action, such as "left"."""

    def text(self, instance: Instance, state: np.ndarray) -> str:
        """Return the state as a person reads it: a board, a node."""

    def outcome(
        self, instance: Instance, states: Sequence[np.ndarray], actions: Sequence[int], rewards: Sequence[float]
    ) -> dict[str, Any]:
        """Return what became of an episode, with at least ``score`` (number) and ``solved`` (bool or None).

        `states` has one state more than there are actions. Anything else that it holds is kept with the episode: numbers, texts,
        and ``solution``, a text in which people write one.
        """


def columns_of(world: World) -> list[str]:
    """Return the keys of its outcomes that `world` wants to see in tables."""
    return [str(name) for name in getattr(world, "outcome_columns", ())]


def kept_outcome(world: World, outcome: Any) -> dict[str, Any]:
    """Return an outcome that a line of a run can keep.

    Raises
    ------
    GameplanError
        If it cannot be written, or lacks what every outcome has.
    """
    try:
        _OUTCOME(outcome, "")
        json.dumps(outcome, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise GameplanError(
            f"outcome() of the world {world.name} returns what no run can keep: {one_line(error)}; it has a finite score, solved "
            "(True, False or None), and beside them numbers and texts"
        ) from error
    found: dict[str, Any] = outcome
    return found


def summary_of(world: World, outcomes: Sequence[Mapping[str, Any]]) -> Summary:
    """Return what `world` says of episodes with these `outcomes`, nothing of none.

    Raises
    ------
    GameplanError
        If they are not outcomes of this world.
    """
    if not outcomes or not hasattr(world, "summary"):
        return Summary({}, {})
    try:
        found: Summary = world.summary(outcomes)
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:  # outcomes are read from files, too
        if is_users(type(world).__module__):
            raise
        raise GameplanError(f"these are no episodes of {world.name} ({error!r}); play them again") from error
    return Summary(dict(found.figures), {str(label): str(text) for label, text in found.lines.items()})
