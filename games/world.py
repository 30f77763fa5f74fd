"""Worlds and instances: what an episode is played in, for people and runs; the model inside is what planners compute with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np


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


class Cell(NamedTuple):
    """A cell of a picture: a short text and its colours as #rrggbb."""

    text: str
    ink: str
    ground: str


class World(Protocol):
    """A family of instances, such as 2048 or a collection of Sokoban levels.

    Worlds on a board may also have ``picture(instance, state)``, the board as rows of `Cell`, and ``read(text)``, the state that a
    person has written down.
    """

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

        `states` has one state more than there are actions; Sokoban adds ``solution`` (LURD), 2048 ``max_tile``.
        """
