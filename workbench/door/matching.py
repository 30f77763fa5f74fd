"""Policies against each other from Python."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from games.errors import UsageError
from workbench.door.asking import asked
from workbench.door.options import game_name
from workbench.door.policy import Policy, load_policy
from workbench.door.results import Result, Row
from workbench.views.matches import Matched, matched


class Values(Result):
    """What policies win against each other.

    Attributes
    ----------
    table : (policies, policies) float array
        What the row's policy wins in one seat, on average over the seats, the column's in all others.
    lineups : dict
        For every seat the number of its policy -> the players' values.
    shares, worth : (policies,) float arrays, optional
        The maximum-entropy equilibrium of the table, and what each policy wins against it (Nash averaging); None unless the game is
        one of two players whose payoffs have a constant sum.
    record : dict
        The record that ``gameplan value --json`` prints, but for what is of files.
    """

    title = "values"

    def __init__(self, found: Matched) -> None:
        self.table: np.ndarray = found.table
        self.lineups = dict(found.lineups)
        self.shares, self.worth, self._labels = found.shares, found.worth, found.labels
        self.record: dict[str, Any] = found.record()

    def facts(self) -> dict[str, str]:
        """Return how many policies there are, and the best by Nash averaging."""
        best = {} if self.shares is None else {"most likely": self._labels[int(self.shares.argmax())]}
        return {"policies": str(len(self.table)), **best}

    def rows(self) -> Sequence[Row]:
        """Return a row a policy: what it wins against each, its share and worth."""
        rows: list[dict[str, Any]] = []
        for k, (label, line) in enumerate(zip(self._labels, self.table.tolist(), strict=True)):
            row = {"policy": label, **{f"against {k}": number for k, number in enumerate(line)}}
            if self.shares is not None and self.worth is not None:
                row |= {"share": float(self.shares[k]), "worth": float(self.worth[k])}
            rows.append(row)
        return rows


@asked
def value(game: object, policies: Sequence[object]) -> Values:
    """Return what policies win against each other in a game, exactly.

    Parameters
    ----------
    game : str, SequenceGame or pyspiel.Game
    policies : sequence
        Two or more, each as `workbench.door.policy.load_policy` takes it: a `Policy`, a run, a file, a table, one of OpenSpiel's.

    Raises
    ------
    UsageError, GameplanError
        If there are fewer than two, or one is no policy of the game.

    Examples
    --------
    >>> import workbench as gp
    >>> mine = gp.solve("kuhn_2p", "cfr+", n=100).policy
    >>> bool(gp.value("kuhn_2p", [mine, mine.best_response()]).table[1, 0] > 0)
    True
    """
    if len(policies) < 2:
        raise UsageError(f"policies has {len(policies)} of them; name two or more")
    found = [load_policy(policy, game) for policy in policies]
    first = found[0].game
    for policy in found:
        if policy.game.key != first.key:
            raise UsageError(f"a policy of {policy.game.name} is none of {game_name(game)}")
    names = [policy if isinstance(policy, str) else str(number) for number, policy in enumerate(policies)]
    return Values(matched(first, [policy.probabilities for policy in found], names))


__all__ = ["Policy", "Values", "value"]
