"""CFR as a solver object: tables, advancing, averaging, checkpoints."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numba.core.errors
import numpy as np

from games.errors import GameplanError, one_line
from games.params import Value
from games.sequence_form import SequenceGame
from solvers.cfr.binding import bind_loop
from solvers.cfr.evaluation import evaluate, payoffs_of, reach_of_others, reach_rows
from solvers.cfr.records import Tables, record_class
from solvers.cfr.rule_file import OTHERS, Rule
from solvers.exploitability import buffer_size, normalised_average, uniform_policy
from solvers.kernels import refresh_plan
from solvers.rule import Infosets


class RuleError(GameplanError):
    """A rule that broke down while running; the solver's state is that of the last good evaluation."""


class CFRSolver:
    """CFR with any rule on any sequence-form game.

    Parameters
    ----------
    game : SequenceGame
    rule : Rule
    params : mapping
        A value for every declared parameter, see `games.params.resolve_params`.
    alternating : bool
        Whether players move on one after the other (the default in the literature) or all at once.

    Attributes
    ----------
    iteration : int
        Iterations done.
    """

    replays = False

    def __init__(self, game: SequenceGame, rule: Rule, params: Mapping[str, Value], *, alternating: bool = True) -> None:
        self.game = game
        self.rule = rule
        self.iteration = 0
        self._alternating = alternating
        self._loop = bind_loop(rule)
        self._params = record_class(tuple(rule.params))(**params)
        pairs, infosets, players = sum(game.actions), sum(game.infosets), game.players
        sizes = {"action": pairs, "infoset": infosets, OTHERS: infosets, "game": 1}
        self._rows = reach_rows(game) if OTHERS in rule.state.values() else ()
        self._memory = {name: np.zeros(sizes[kind]) for name, kind in rule.state.items()}
        self._payoffs = payoffs_of(game.blocks)
        self._tables = Tables(
            plan=np.zeros(pairs + players),
            reach=np.zeros(infosets),
            sigma=uniform_policy(game),
            R=np.zeros(pairs),
            S=np.zeros(pairs),
            r=np.zeros(pairs),
            q=np.zeros(max(game.actions) + 1),
            buffer=np.zeros((3, buffer_size(game))),
        )
        # NumPy rules index with first and count and may subtract: give them signed numbers.
        first, count = game.tree.first, game.tree.count
        self._rule_tree = (
            Infosets(first, count, -1) if rule.compiled else Infosets(first.astype(np.int64), count.astype(np.int64), -1)
        )
        self._refresh()

    def advance(self, stop: int) -> None:
        """Run up to and including iteration `stop`, in place.

        Raises
        ------
        RuleError
            If the rule yields a policy with negative, NaN or non-normalised probabilities, raises, or does not compile. The
            solver is of no further use then.
        """
        loop = self._loop
        state = record_class(tuple(self._memory))(**self._memory)
        try:
            with np.errstate(all="ignore"):
                done, player, infoset = loop.iterate(
                    self.game.tree, self._rule_tree, self._rows, self._payoffs, self._tables, self._params, state,
                    self.iteration + 1, stop, self._alternating,
                )  # fmt: skip
        except numba.core.errors.NumbaError as error:
            raise RuleError(f"{self.rule.name} does not compile: {_numba_reason(error)}") from error
        except (GameplanError, KeyboardInterrupt):
            raise
        except BaseException as error:  # also SystemExit: a rule does not end the process, least of all as if all had gone well
            if self.rule.compiled and isinstance(error, NotImplementedError):  # how numba refuses some statements
                raise RuleError(f"{self.rule.name} does not compile: {_numba_reason(error)}") from error
            raise RuleError(f"{self.rule.name} failed after iteration {self.iteration}: {_where(error)}") from error
        if infoset >= 0:
            raise RuleError(bad_policy_message(self.rule.name, done, self.game, player, infoset, self._tables.sigma))
        self.iteration = stop

    def average_policy(self) -> np.ndarray:
        """Return a new array with the average policy (pairs of all players).

        Raises
        ------
        RuleError
            If the rule's sums are negative, NaN or infinite, so that they are no average.
        """
        return average_of(self.rule.name, self.iteration, self.game, self._tables.S)

    def current_policy(self) -> np.ndarray:
        """Return a copy of the policy that the next iteration plays (pairs of all players)."""
        return self._tables.sigma.copy()

    def choose(self, params: Mapping[str, Value]) -> None:
        """Go on with other values of the parameters, one for every declared one."""
        self._params = record_class(tuple(self.rule.params))(**params)

    def measured(self, player: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the player's regrets (its pairs) against the current policies, and its infosets' reach by the others, as copies.

        For rules that ask for the others' reach.
        """
        tree, tables, others = self.game.tree, self._tables, np.zeros(self.game.infosets[player])
        evaluate(player, tree, self._payoffs, tables)
        reach_of_others(player, tree, self._rows, tables, others)
        return tables.r[self.game.player_actions(player)].copy(), others

    def remarks(self) -> dict[str, Any]:
        """Return nothing to add to the metrics."""
        return {}

    def artifacts(self) -> dict[str, dict[str, np.ndarray]]:
        """Return nothing to keep beyond the policy."""
        return {}

    def state(self) -> dict[str, np.ndarray]:
        """Return the arrays from which `restore` goes on with the same bits; they are views, save them at once."""
        tables = self._tables
        return {"R": tables.R, "S": tables.S, "sigma": tables.sigma, **{f"state.{k}": v for k, v in self._memory.items()}}

    def restore(self, iteration: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Continue after `iteration` from the arrays of `state`.

        Raises
        ------
        GameplanError
            If the arrays are not those of this game and rule.
        """
        mine = self.state()
        if set(mine) != set(arrays) or any(mine[k].shape != arrays[k].shape or arrays[k].dtype != np.float64 for k in mine):
            raise GameplanError(f"the checkpoint does not belong to {self.rule.name} on {self.game.name}; start a new run")
        for name, array in mine.items():
            array[:] = arrays[name]
        self._refresh()
        self.iteration = iteration

    def _refresh(self) -> None:
        tables, game = self._tables, self.game
        for player in range(game.players):
            pairs, infosets = game.player_actions(player), game.player_infosets(player)
            tree = game.tree
            plan = tables.plan[pairs.start + player : pairs.stop + player + 1]
            refresh_plan(
                tables.sigma[pairs], tree.parent[infosets], tree.first[infosets], tree.count[infosets], plan, tables.reach[infosets]
            )


def average_of(name: str, iteration: int, game: SequenceGame, S: np.ndarray) -> np.ndarray:
    """Return the average policy (pairs of all players) of the sums `S`, or raise RuleError naming the infoset if it is none."""
    out = np.empty_like(S)
    player, infoset = normalised_average(S, game.tree, out)
    if player >= 0:
        raise RuleError(
            f"{name} has accumulated no average policy by iteration {iteration} for {_infoset_values(game, player, infoset, S)}; "
            "sums must be non-negative and finite"
        )
    return out


def bad_policy_message(name: str, iteration: int, game: SequenceGame, player: int, infoset: int, sigma: np.ndarray) -> str:
    """Return the line that names the infoset at which a rule went wrong, and its probabilities."""
    return (
        f"{name} gave no probability distribution in iteration {iteration} for {_infoset_values(game, player, infoset, sigma)}; "
        "probabilities must be non-negative and sum to 1"
    )


def _infoset_values(game: SequenceGame, player: int, infoset: int, table: np.ndarray) -> str:
    at = game.player_infosets(player).start + infoset
    begin = game.player_actions(player).start + int(game.tree.first[at])
    values = ", ".join(f"{value:.6g}" for value in table[begin : begin + int(game.tree.count[at])])
    text = game.infoset_names[player][infoset].replace("\n", " ")
    return f"player {player} at infoset {text!r}: [{values}]"


def _numba_reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    place = next((line.rstrip(":") for line in lines if line.startswith("File ") and "gameplan_loop" not in line), "")
    reason = next((line for line in lines if line and not line.startswith(("Failed in", "During", "File", "-", "<"))), "unknown")
    return f"{reason} ({place})" if place else reason


def _where(error: BaseException) -> str:
    import traceback

    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {one_line(error)} (line {last.lineno} of {Path(last.filename).name}, in {last.name})"
