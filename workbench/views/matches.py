"""Policies of one game against each other, as a table that people read."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from games.sequence_form import SequenceGame
from solvers.matches import Matches, nash_average


class Matched(NamedTuple):
    """What policies win against each other.

    Attributes
    ----------
    policies, labels : lists of str
        As they were named, and short.
    table : (policies, policies) float array
        What the row's policy wins in one seat, on average over the seats, the column's in all others.
    lineups : list of (tuple of int, tuple of float)
        For every seat the number of its policy, and the players' values.
    shares, worth : (policies,) float arrays, optional
        Nash averaging; None where the game is not one of two players whose payoffs have a constant sum.
    """

    policies: list[str]
    labels: list[str]
    table: np.ndarray
    lineups: list[tuple[tuple[int, ...], tuple[float, ...]]]
    shares: np.ndarray | None
    worth: np.ndarray | None

    def record(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        average = None
        if self.shares is not None and self.worth is not None:
            average = [
                {"share": share, "worth": worth} for share, worth in zip(self.shares.tolist(), self.worth.tolist(), strict=True)
            ]
        return {
            "policies": self.policies, "table": self.table.tolist(),
            "lineups": [{"seats": list(seats), "values": list(values)} for seats, values in self.lineups], "nash_average": average,
        }  # fmt: skip


def matched(game: SequenceGame, policies: Sequence[np.ndarray], names: Sequence[str]) -> Matched:
    """Return what policies (pairs of all players) win against each other; as many as there are players also as they stand.

    Errors are those of `solvers.matches.nash_average`.
    """
    matches = Matches(game, policies)
    table = matches.table()
    if len(policies) == game.players:
        matches.of(tuple(range(game.players)))
    shares = worth = None
    if game.players == 2 and game.constant_sum is not None:
        shares, worth = nash_average(table)
    return Matched(list(names), _labels(names), table, sorted(matches.values.items()), shares, worth)


def _labels(names: Sequence[str]) -> list[str]:
    """Return short names: of a path its last part, or as many as tell it apart."""
    parts = [Path(name).parts or (name,) for name in names]
    for depth in range(1, max(map(len, parts)) + 1):
        short = ["/".join(part[-depth:]) for part in parts]
        if len(set(short)) == len(set(names)):
            break
    return short
