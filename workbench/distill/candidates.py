"""Positions from play: a recorded mixture of players, each with some random moves, and what becomes of a position."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from games.dispatch import plain, suited
from games.errors import UsageError
from games.jit import njit
from games.process import effective
from games.random import below, stream, unit
from games.world import Instance
from planners.budget import Budget, new_cost
from planners.catalogue import find_planner
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


class Player(NamedTuple):
    """One of a mixture: a planner with settings, and its weight."""

    name: str
    params: dict[str, str]
    weight: int

    @property
    def label(self) -> str:
        """The planner and its settings, as the user writes them."""
        return ":".join([self.name, *(f"{key}={value}" for key, value in self.params.items())])


def parse_players(text: str) -> list[Player]:
    """Return the mixture that ``NAME[:SETTING=VALUE...] WEIGHT, ...`` describes; a weight of 1 may be left out.

    Raises
    ------
    UsageError
        For a text of another form, an unknown planner or setting, or one that asks a language model.
    """
    players = []
    for part in filter(None, map(str.strip, text.split(","))):
        words = part.split()
        name, *settings = words[0].split(":")
        if len(words) > 2 or (len(words) == 2 and not words[1].isdecimal()) or not all("=" in s for s in settings):
            raise UsageError(f"players: {part!r} is not of the form NAME[:SETTING=VALUE...] WEIGHT, such as expectimax:depth=1 3")
        params = dict(setting.split("=", 1) for setting in settings)
        if "llm" in (name, *params.values()):
            raise UsageError("players: a language model is no player of a data set; name other planners")
        find_planner(name, params)
        players.append(Player(name, params, int(words[1]) if len(words) == 2 else 1))
    if not sum(player.weight for player in players):
        raise UsageError(f"players={text} names no player with a weight; write such as expectimax:depth=1 3, random 1")
    return players


def draw_player(players: list[Player], rng: np.ndarray) -> Player:
    """Return one of `players`, drawn by weight."""
    ticket = int(_below(rng, sum(player.weight for player in players)))
    for player in players:
        ticket -= player.weight
        if ticket < 0:
            return player
    raise AssertionError


@njit
def _effective(model, state, actions):  # type: ignore[no-untyped-def]
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
