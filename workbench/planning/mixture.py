"""Several planners in one text: a mixture that positions come from, or players beside another."""

from typing import NamedTuple

import numpy as np

from games.dispatch import plain
from games.errors import UsageError
from games.modules import is_program
from games.random import below
from planners.catalogue import find_planner

_below = plain(below)


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


def own_players(text: str) -> list[str]:
    """Return the programs of the user's own that a mixture names; none of them runs."""
    names = [part.split()[0].split(":")[0] for part in text.split(",") if part.strip()]
    return [name for name in names if is_program(name)]


def draw_player(players: list[Player], rng: np.ndarray) -> Player:
    """Return one of `players`, drawn by weight."""
    ticket = int(_below(rng, sum(player.weight for player in players)))
    for player in players:
        ticket -= player.weight
        if ticket < 0:
            return player
    raise AssertionError
