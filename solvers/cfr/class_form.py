"""The published class form: update rules printed as three classes over dictionaries keyed by action (arXiv 2602.16928).

    class RegretAccumulator:
        def update_accumulate_regret(self, info_state_node, iteration_number, cfr_regrets): ...
    class PolicyFromRegretAccumulator:
        def get_updated_current_policy(self, info_state_node, iteration_number, cfr_regrets, previous_policy): ...
    class PolicyAccumulator:
        def update_accumulate_policy(self, info_state_node, iteration_number, info_state_policy, cfr_regrets, reach_prob,
                                     counterfactual_reach_prob): ...

One instance of each lives as long as a run; iterations count from 0 and infosets come in canonical order within a player's turn.
Such programs keep memory wherever they like, so a run resumes by replaying from the start.
"""

import hashlib
import inspect
import traceback
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from games.errors import GameplanError, one_line
from games.jit import njit
from games.sequence_form import SequenceGame
from solvers.cfr.solver import RuleError, average_of, bad_policy_message
from solvers.exploitability import buffer_size, uniform_policy
from solvers.kernels import gradient, refresh_plan, regrets

METHODS = {
    "RegretAccumulator": ("update_accumulate_regret", ("info_state_node", "iteration_number", "cfr_regrets")),
    "PolicyFromRegretAccumulator": (
        "get_updated_current_policy",
        ("info_state_node", "iteration_number", "cfr_regrets", "previous_policy"),
    ),
    "PolicyAccumulator": (
        "update_accumulate_policy",
        (
            "info_state_node",
            "iteration_number",
            "info_state_policy",
            "cfr_regrets",
            "reach_prob",
            "counterfactual_reach_prob",
        ),
    ),
}


@dataclass(frozen=True)
class ClassProgram:
    """A checked program in class form."""

    name: str
    module: ModuleType
    digest: str
    summary: str


@dataclass
class InfoStateNode:
    """What a program sees of an infoset; both tables are zero where nothing was stored."""

    legal_actions: list[int]
    index_in_tabular_policy: int
    cumulative_regret: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    cumulative_policy: dict[int, float] = field(default_factory=lambda: defaultdict(float))


def is_class_form(module: ModuleType) -> bool:
    """Return whether the module defines any of the three classes."""
    return any(isinstance(getattr(module, name, None), type) for name in METHODS)


def make_class_program(name: str, module: ModuleType, source: str) -> ClassProgram:
    """Return the checked program in `module`.

    Raises
    ------
    GameplanError
        With every fault, in one line.
    """
    problems = []
    for class_name, (method, arguments) in METHODS.items():
        cls = getattr(module, class_name, None)
        if not isinstance(cls, type):
            problems.append(f"class {class_name} is missing")
            continue
        function = getattr(cls, method, None)
        if not callable(function):
            problems.append(f"{class_name}.{method}(self, {', '.join(arguments)}) is missing")
            continue
        try:
            inspect.signature(function).bind(None, *arguments)
        except TypeError:
            problems.append(f"{class_name}.{method} must take (self, {', '.join(arguments)})")
        try:
            inspect.signature(cls).bind()
        except TypeError:
            problems.append(f"{class_name} cannot be made without arguments; give its parameters defaults")
        except ValueError:
            pass
    if problems:
        raise GameplanError(f"{name} is not a valid class program: " + "; ".join(problems))
    summary = (module.__doc__ or name).strip().splitlines()[0]
    return ClassProgram(name, module, hashlib.sha256(source.encode()).hexdigest(), summary)


@njit
def chance_gradient(player, plan, sequences, chance, plan_start, out):
    """Write the sum over terminal rows of chance times the others' plans to `out`, by own sequence."""
    players = sequences.shape[1]
    out[:] = 0.0
    for row in range(len(sequences)):
        value = chance[row]
        for other in range(players):
            if other != player:
                value *= plan[plan_start[other] + sequences[row, other]]
        out[sequences[row, player]] += value


class ClassProgramSolver:
    """CFR driven by a program in class form: the same arithmetic as `CFRSolver`, one infoset at a time, in Python."""

    replays = True

    def __init__(self, game: SequenceGame, program: ClassProgram, *, alternating: bool = True) -> None:
        self.game = game
        self.program = program
        self.iteration = 0
        self._alternating = alternating
        self._parts = [self._call(getattr(program.module, name)) for name in METHODS]
        pairs, infosets, players = sum(game.actions), sum(game.infosets), game.players
        self._sigma = uniform_policy(game)
        self._plan = np.zeros(pairs + players)
        self._reach = np.zeros(infosets)
        self._r = np.zeros(pairs)
        self._counterfactual = np.zeros(infosets)
        self._q = np.zeros(max(game.actions) + 1)
        self._buffer = np.zeros((3, buffer_size(game)))
        self._plan_start = game.tree.action_start + np.arange(players + 1)
        self._nodes: list[list[InfoStateNode]] = []
        for player in range(players):
            self._refresh(player)
            start, actions = game.player_infosets(player).start, game.action_ids[game.player_actions(player)].tolist()
            cuts = self._cuts(player)
            self._nodes.append([InfoStateNode(actions[a:b], start + i) for i, (a, b) in enumerate(cuts)])

    def advance(self, stop: int) -> None:
        """Run up to and including iteration `stop`, in place.

        Raises
        ------
        RuleError
            If the program raises or yields no probability distribution.
        """
        for t in range(self.iteration, stop):
            for player in range(self.game.players):
                if not self._alternating:
                    self._evaluate(player)
            for player in range(self.game.players):
                if self._alternating:
                    self._evaluate(player)
                self._update(player, t)
            self.iteration = t + 1

    def average_policy(self) -> np.ndarray:
        """Return a new array with the average policy (pairs of all players)."""
        S = np.array(
            [
                node.cumulative_policy.get(action, 0.0)
                for player, nodes in enumerate(self._nodes)
                for node, (a, b) in zip(nodes, self._cuts(player), strict=True)
                for action in self.game.action_ids[self.game.player_actions(player)][a:b].tolist()
            ],
            float,
        )
        return average_of(self.program.name, self.iteration, self.game, S)

    def current_policy(self) -> np.ndarray:
        """Return a copy of the policy that the next iteration plays (pairs of all players)."""
        return self._sigma.copy()

    def remarks(self) -> dict[str, Any]:
        """Return nothing to add to the metrics."""
        return {}

    def artifacts(self) -> dict[str, dict[str, np.ndarray]]:
        """Return nothing to keep beyond the policy."""
        return {}

    def state(self) -> dict[str, np.ndarray]:
        """Return nothing: the program's memory is not known, so a run resumes by replaying."""
        return {}

    def restore(self, iteration: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Replay from the start up to `iteration`."""
        self.advance(iteration)

    def _cuts(self, player: int) -> list[tuple[int, int]]:
        tree, infosets = self.game.tree, self.game.player_infosets(player)
        first, count = tree.first[infosets].tolist(), tree.count[infosets].tolist()
        return [(a, a + n) for a, n in zip(first, count, strict=True)]

    def _refresh(self, player: int) -> int:
        tree, game = self.game.tree, self.game
        pairs, infosets = game.player_actions(player), game.player_infosets(player)
        plan = self._plan[self._plan_start[player] : self._plan_start[player + 1]]
        return refresh_plan(
            self._sigma[pairs], tree.parent[infosets], tree.first[infosets], tree.count[infosets], plan, self._reach[infosets]
        )

    def _evaluate(self, player: int) -> None:
        game, tree, rows = self.game, self.game.tree, self.game.rows
        pairs, infosets = game.player_actions(player), game.player_infosets(player)
        q = self._q[: pairs.stop - pairs.start + 1]
        shape = (tree.parent[infosets], tree.first[infosets], tree.count[infosets])
        # With every utility 1 the value of an infoset is its counterfactual reach: the others' and chance's reach, summed.
        chance_gradient(player, self._plan, rows.sequences, rows.chance, self._plan_start, q)
        regrets(q, self._sigma[pairs], *shape, 1.0, self._r[pairs])
        self._counterfactual[infosets] = q[tree.first[infosets] + 1]
        gradient(player, self._plan, game.blocks, tree, self._buffer, q)
        regrets(q, self._sigma[pairs], *shape, game.blocks.unit[0], self._r[pairs])

    def _update(self, player: int, t: int) -> None:
        """Let the program update every infoset of `player` in canonical order.

        Every call gets dictionaries of its own and what comes back is copied, so that programs that change or return what they
        were given do no harm.
        """
        accumulate_regret, derive_policy, accumulate_policy = self._parts
        pairs, infosets = self.game.player_actions(player), self.game.player_infosets(player)
        sigma = self._sigma[pairs]
        played, r = sigma.tolist(), self._r[pairs].tolist()
        reach, counterfactual = self._reach[infosets].tolist(), self._counterfactual[infosets].tolist()
        every = self.game.action_ids[pairs].tolist()
        for node, (a, b), own, others in zip(self._nodes[player], self._cuts(player), reach, counterfactual, strict=True):
            actions = every[a:b]  # not the node's own list, which a program might change
            regret = dict(zip(actions, r[a:b], strict=True))
            policy = dict(zip(actions, played[a:b], strict=True))
            new = self._call(accumulate_regret.update_accumulate_regret, node, t, dict(regret))
            node.cumulative_regret = defaultdict(float, new)
            new = self._call(derive_policy.get_updated_current_policy, node, t, dict(regret), dict(policy))
            if not new.keys() <= regret.keys():
                raise self._error(f"a policy for action {min(new.keys() - regret.keys())}; legal are {actions}")
            sigma[a:b] = [new.get(action, 0.0) for action in actions]
            new = self._call(
                accumulate_policy.update_accumulate_policy, node, t, dict(policy), dict(regret), own, others
            )  # fmt: skip
            node.cumulative_policy = defaultdict(float, new)
        bad = self._refresh(player)
        if bad >= 0:
            raise RuleError(bad_policy_message(self.program.name, t + 1, self.game, player, bad, self._sigma))

    def _call(self, function: Any, *arguments: Any) -> Any:
        """Call the program; what it returns to arguments is a new dictionary from actions to floats."""
        try:
            result = function(*arguments)
        except (GameplanError, KeyboardInterrupt):
            raise
        except BaseException as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            where = f"line {last.lineno} of {Path(last.filename).name}, in {last.name}"
            raise self._error(f"{type(error).__name__}: {one_line(error)} ({where})") from error
        if not arguments:
            return result
        if not isinstance(result, Mapping):
            raise self._error(
                f"{function.__qualname__} returned {type(result).__name__}; it must return a dictionary keyed by action"
            )
        try:
            return {action: float(value) for action, value in result.items()}
        except (TypeError, ValueError) as error:
            raise self._error(f"{function.__qualname__} returned values that are no numbers: {error}") from error

    def _error(self, what: str) -> RuleError:
        return RuleError(f"{self.program.name} failed in iteration {self.iteration + 1}: {what}")
