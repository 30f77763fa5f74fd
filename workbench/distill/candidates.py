"""Positions from play, some of whose moves are random, and what becomes of a position."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from games.dispatch import plain, suited
from games.jit import njit
from games.process import effective
from games.random import below, stream, unit
from games.world import Instance
from planners.budget import Budget, new_cost
from planners.planner import Decision, Planner

_below, _unit = plain(below), plain(unit)

# Why a position has no chain.
DUPLICATE, HELD_OUT = "duplicate", "held out"
NEAR_TIE, DISAGREE, TOO_LONG, FALSE = "near tie", "visits and values disagree", "too long", "false or unreadable"
LOST, TOO_LARGE = "lost already", "level too large or unsolvable"


class Candidate(NamedTuple):
    """A position and its chain.

    `key` is equal for positions that are equal up to symmetry, `group` for those that must be in one split. Without a chain there
    is a `reason`. `about` is what the side-car says of it.
    """

    key: int
    group: int
    reason: str = ""
    messages: tuple[dict[str, str], ...] = ()
    about: dict[str, Any] = {}


class Told(NamedTuple):
    """What a card says of a source: its teacher, which positions belong `together` in one split, and what is `imperfect` of it."""

    teacher: str
    together: str
    imperfect: str


@njit
def _effective(model, state, actions):
    return effective(model, state, actions)


class Noisy:
    """A planner that leaves a share of its moves to chance, and plans every move anew."""

    def __init__(self, planner: Planner, noise: float) -> None:
        self.name, self._planner, self._noise = planner.name, planner, noise

    def begin(self, instance: Instance, rng: np.ndarray) -> None:
        """See `planners.planner.Planner`."""
        self._model, self._rng = instance.model, stream("noise", *map(int, rng))
        self._look = suited(_effective, instance.model)
        self._planner.begin(instance, rng)

    def decide(self, state: np.ndarray, steps_left: int | None, budget: Budget) -> Decision:
        """See `planners.planner.Planner`; a planner that knows no move makes a random one."""
        decision = None if _unit(self._rng) < self._noise else self._planner.decide(state, steps_left, budget)
        if decision is not None and decision.action is not None:
            return Decision(decision.action, decision.cost)
        actions = np.empty(self._model.actions, np.int64)
        count = int(self._look(self._model, state, actions))
        if not count:
            return Decision(None, new_cost(), note="no legal action")
        return Decision(int(actions[_below(self._rng, count)]), new_cost())


Stop = Callable[[], bool]
