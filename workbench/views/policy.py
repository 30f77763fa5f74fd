"""A policy as rows, an infoset each: what is played there, how often one comes there, and what each action is worth.

Counterfactual values and regrets are those of the policy against itself (`solvers.counterfactual`); divided by
`InfosetRow.others_reach` they are expected payoffs, given that the infoset is reached.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from games.errors import UsageError
from games.loader import load_game
from games.sequence_form import SequenceGame
from solvers.counterfactual import Counterfactual, counterfactual, losses
from solvers.exploitability import Evaluation, Evaluator
from solvers.plans import plan_of
from workbench.runs.directory import CONFIG, RunDirectory
from workbench.solving.config import saved_config
from workbench.solving.labels import action_names, matching, readable
from workbench.solving.policies import load_policy
from workbench.solving.run import load_run_game

POLICY = "policy.npz"
LEVEL = 1e-6  # total variation up to which two policies play an infoset alike
MOST_ROWS = 10_000  # of one question, unless it says otherwise


class InfosetRow(NamedTuple):
    """An infoset under a policy.

    Attributes
    ----------
    player, number : int
        Whose it is, and its place among the player's, from 0, parents before children.
    infoset, label : str
        The game's own string, the key of policy files; and a readable line, distinct within the player.
    after : tuple of str
        The names of the player's own actions that lead here.
    actions, names, probabilities : tuples
        Of every action its id, what the game calls it, and how likely it is.
    reach, own_reach, others_reach : float
        The probability of coming here when all play the policy; and its two factors: of the player's own actions, and of chance's
        and the others' (the counterfactual reach).
    values, regrets : tuple of float
        Counterfactual value of every action, and what it is above that of the policy here.
    loss : float
        What the choice here gives away to a best response; all losses sum up to NashConv (`solvers.counterfactual.losses`).
    """

    player: int
    number: int
    infoset: str
    label: str
    after: tuple[str, ...]
    actions: tuple[int, ...]
    names: tuple[str, ...]
    probabilities: tuple[float, ...]
    reach: float
    own_reach: float
    others_reach: float
    values: tuple[float, ...]
    regrets: tuple[float, ...]
    loss: float

    @property
    def regret(self) -> float:
        """What the best action here would gain, the others' and the own later play staying as they are; 0 is least."""
        return max(self.regrets, default=0.0)


class Choice(NamedTuple):
    """Which infosets are wanted: of a `player`, with a `pattern`, and reached so often (see `PolicyView.select`).

    `sort` is "reach", "regret" or "loss", the largest first, or "game" for the game's order; `most` is how many at most (None: all
    that `MOST_ROWS` allows).
    """

    player: int | None = None
    pattern: str = ""
    reach: float = 0.0
    sort: str = "game"
    most: int | None = None


@dataclass(frozen=True)
class PolicyView:
    """A policy of a game, to be looked at; what is asked for is computed when it is, and once.

    Attributes
    ----------
    game : SequenceGame
    policy : (pairs,) float64 array
        Probabilities of all players' (infoset, action) pairs.
    source : Path
        The run directory or the file that it is from.
    missing : int
        Infosets that a policy file does not mention, which are played uniformly.
    """

    game: SequenceGame
    policy: np.ndarray
    source: Path
    missing: int = 0

    @cached_property
    def labels(self) -> list[list[str]]:
        """A readable line for every infoset of every player."""
        return [readable(names) for names in self.game.infoset_names]

    @cached_property
    def action_names(self) -> list[str]:
        """What the game calls the action of every (infoset, action) pair of all players."""
        return action_names(self.game)

    @cached_property
    def plans(self) -> list[np.ndarray]:
        """The realisation plan of every player (sequences, the empty one first)."""
        return [plan_of(self.game, player, self.policy[self.game.player_actions(player)]) for player in range(self.game.players)]

    @cached_property
    def _counterfactual(self) -> list[Counterfactual]:
        return counterfactual(self.game, self.policy)

    @cached_property
    def own_reach(self) -> np.ndarray:
        """How likely the own actions are that lead to every infoset of all players."""
        return np.concatenate(
            [plan[self.game.tree.parent[self.game.player_infosets(p)].astype(np.int64)] for p, plan in enumerate(self.plans)]
        )

    @cached_property
    def others_reach(self) -> np.ndarray:
        """How likely chance and the others lead to every infoset of all players."""
        return np.concatenate([others for _, _, others in self._counterfactual])

    @cached_property
    def values(self) -> np.ndarray:
        """The counterfactual value of every (infoset, action) pair of all players."""
        return np.concatenate([values for values, _, _ in self._counterfactual])

    @cached_property
    def regrets(self) -> np.ndarray:
        """What that is above the value of the policy in the infoset."""
        return np.concatenate([gains for _, gains, _ in self._counterfactual])

    def select(self, player: int | None = None, pattern: str = "", reach: float = 0.0) -> Iterator[tuple[int, int]]:
        """Yield (player, number) of the infosets of `player` (None: of all) that match, in the game's order.

        Parameters
        ----------
        pattern : str
            A part of the infoset's string or label, in any case; ``*`` stands for anything.
        reach : float
            Leave out what is reached less often.

        Raises
        ------
        UsageError
            For a player that there is not.
        """
        if player is not None and not 0 <= player < self.game.players:
            raise UsageError(f"player {player} is not in {self.game.name}; players are 0 to {self.game.players - 1}")
        for p in range(self.game.players) if player is None else (player,):
            for number in matching(pattern, self.game.infoset_names[p], self.labels[p]):
                if reach > 0.0 and self._reach(p, number)[0] < reach:
                    continue
                yield p, number

    def rows(
        self, player: int | None = None, pattern: str = "", reach: float = 0.0, most: int | None = MOST_ROWS
    ) -> Iterator[InfosetRow]:
        """Yield the rows that `select` names, at most `most` of them (None: all)."""
        for p, number in islice(self.select(player, pattern, reach), most):
            yield self.row(p, number)

    def chosen(self, choice: Choice) -> tuple[list[InfosetRow], int]:
        """Return the rows that `choice` asks for, and how many infosets match it."""
        places = list(self.select(choice.player, choice.pattern, choice.reach))
        if choice.sort == "reach":
            places.sort(key=lambda place: -self._reach(*place)[0])
        elif choice.sort == "regret":
            places.sort(key=lambda place: -self._largest_regrets[place[0]][place[1]])
        elif choice.sort == "loss":
            places.sort(key=lambda place: -self.losses[place[0]][place[1]])
        most = MOST_ROWS if choice.most is None else min(choice.most, MOST_ROWS)
        return [self.row(*place) for place in places[:most]], len(places)

    def record(self, choice: Choice) -> dict[str, Any]:
        """Return what ``--json`` prints: the game, what the policy is worth, and the rows that `choice` asks for."""
        rows, matching = self.chosen(choice)
        evaluation = self.evaluation
        return {
            "source": str(self.source), "game": self.game.name, "exploitability": evaluation.exploitability,
            "nash_conv": evaluation.nash_conv, "values": list(evaluation.values), "missing_infosets": self.missing,
            "infosets": sum(self.game.infosets), "matching": matching,
            "rows": [{**row._asdict(), "regret": row.regret} for row in rows],
        }  # fmt: skip

    @cached_property
    def evaluation(self) -> Evaluation:
        """Exploitability, NashConv and the players' values."""
        return Evaluator(self.game)(self.policy)

    @cached_property
    def losses(self) -> list[np.ndarray]:
        """What every infoset of every player loses to a best response."""
        return losses(self.game, self.policy)

    @cached_property
    def _largest_regrets(self) -> list[np.ndarray]:
        """The largest regret of every infoset of every player."""
        firsts = [self.game.tree.first[self.game.player_infosets(p)].astype(np.int64) for p in range(self.game.players)]
        return [
            np.maximum.reduceat(gains, first) if len(first) else gains
            for (_, gains, _), first in zip(self._counterfactual, firsts, strict=True)
        ]

    def row(self, player: int, number: int) -> InfosetRow:
        """Return the row of a player's infoset with this number."""
        tree = self.game.tree
        start, infoset = self.game.player_actions(player).start, self.game.player_infosets(player).start + number
        first, count = int(tree.first[infoset]), int(tree.count[infoset])
        local, pairs = slice(first, first + count), slice(start + first, start + first + count)
        values, gains, _ = self._counterfactual[player]
        return InfosetRow(
            player, number, self.game.infoset_names[player][number], self.labels[player][number], self._after(player, number),
            tuple(self.game.action_ids[pairs].tolist()), tuple(self.action_names[pairs]), tuple(self.policy[pairs].tolist()),
            *self._reach(player, number), tuple(values[local].tolist()), tuple(gains[local].tolist()),
            float(self.losses[player][number]),
        )  # fmt: skip

    def pairs(self, player: int, number: int) -> np.ndarray:
        """Return the places of an infoset's (infoset, action) pairs in a table of all players."""
        infoset = self.game.player_infosets(player).start + number
        first = self.game.player_actions(player).start + int(self.game.tree.first[infoset])
        return np.arange(first, first + int(self.game.tree.count[infoset]))

    def reach_of(self, player: int, number: int) -> float:
        """Return how often play comes to an infoset."""
        return self._reach(player, number)[0]

    def _reach(self, player: int, number: int) -> tuple[float, float, float]:
        own = float(self.plans[player][self.game.tree.parent[self.game.player_infosets(player).start + number]])
        others = float(self._counterfactual[player][2][number])
        return own * others, own, others

    def _after(self, player: int, number: int) -> tuple[str, ...]:
        tree, infosets, start = self.game.tree, self.game.player_infosets(player), self.game.player_actions(player).start
        path, first = [], tree.first[infosets]
        sequence = int(tree.parent[infosets][number])
        while sequence:
            path.append(self.action_names[start + sequence - 1])
            owner = int(np.searchsorted(first, sequence - 1, side="right")) - 1
            sequence = int(tree.parent[infosets][owner])
        return tuple(reversed(path))


class Difference(NamedTuple):
    """An infoset that two policies play differently: its row under the first, what the second plays, and how far they are apart.

    `distance` is the total variation, half the sum of the absolute differences of probabilities.
    """

    row: InfosetRow
    other: tuple[float, ...]
    distance: float


def differences(view: PolicyView, other: PolicyView, choice: Choice) -> tuple[list[Difference], int]:
    """Return the infosets that `choice` means and two policies of a game play differently, and how many there are.

    The first are those that make the greatest difference to play: distance times reach under the first policy; the sorting of
    `choice` does not count.

    Raises
    ------
    UsageError
        If they are not of one game.
    """
    if view.game.infoset_names != other.game.infoset_names or not np.array_equal(view.game.action_ids, other.game.action_ids):
        raise UsageError(f"{other.source} is of {other.game.name}, {view.source} of {view.game.name}; compare policies of one game")
    found = []
    for player, number in view.select(choice.player, choice.pattern, choice.reach):
        pairs = view.pairs(player, number)
        distance = float(np.abs(view.policy[pairs] - other.policy[pairs]).sum() / 2.0)
        if distance > LEVEL:
            found.append((view.reach_of(player, number) * distance, distance, player, number))
    found.sort(key=lambda entry: (-entry[0], -entry[1]))
    most = MOST_ROWS if choice.most is None else min(choice.most, MOST_ROWS)
    return [
        Difference(view.row(player, number), tuple(other.policy[view.pairs(player, number)].tolist()), distance)
        for _, distance, player, number in found[:most]
    ], len(found)


def has_policy(path: Path) -> bool:
    """Return whether the directory `path` holds a solver run that has come to a policy."""
    return (path / CONFIG).is_file() and (path / POLICY).is_file()


def view_run(path: Path) -> PolicyView:
    """Return the policy that the solver run in the directory `path` has ended with.

    Raises
    ------
    UsageError
        If there is no run, or one of another kind, or it has no policy yet.
    GameplanError
        If its files are damaged, or its game cannot be compiled.
    """
    run = RunDirectory.open(path)
    config = saved_config(run)
    file = path / POLICY
    if not file.exists():
        raise UsageError(f"{path} has no policy yet: it was not run to its end; go on with: gameplan solve --resume {path}")
    game = load_run_game(config, run)
    policy, missing = load_policy(game, file)
    return PolicyView(game, policy, path, missing)


def view_file(game: str | SequenceGame, path: Path) -> PolicyView:
    """Return the policy in a policy file, of the `game` with this name, or this one.

    Raises
    ------
    UsageError, GameplanError
        As `games.loader.load_game` and `workbench.solving.policies.load_policy`.
    """
    loaded = load_game(game) if isinstance(game, str) else game
    policy, missing = load_policy(loaded, path)
    return PolicyView(loaded, policy, path, missing)
