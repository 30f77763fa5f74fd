"""Monte-Carlo tree search: rollouts or an evaluator at the leaves, chance nodes and transpositions as the world needs.

Actions are chosen by UCT or, with a learned policy as the `prior`, by PUCT.

Parameters
----------
simulations : of a decision, where the budget does not say; at least 1
exploration : constant c of UCT, in units of value; at least 0
discount : of the returns, a step; above 0, at most 1, or 0 for the world's own
evaluator : of leaves: critic for rollouts, or another of planners.parts.evaluators
rollouts : of the critic at every leaf; at least 1
horizon : steps of a rollout; at least 1, or 0 for the world's own
policy : which actions rollouts draw from
within : steps in which a lost episode counts as risk; at least 0
prior : a learned policy for PUCT: a run of 'gameplan train', or a file in it
puct : constant of PUCT in place of exploration, with a prior; at least 0
"""

from typing import Any, NamedTuple

import numpy as np

from games.dispatch import suited
from games.errors import UsageError
from games.world import Instance
from planners.budget import SIMULATIONS, Budget, new_cost, spend
from planners.critic.learned import critic_of
from planners.critic.monte_carlo import POLICIES
from planners.parts.evaluators import make_evaluator
from planners.planner import ActionValue, Decision
from planners.policies.catalogue import POLICY
from planners.policies.files import kept_learned
from planners.search.record import best_line, root_actions
from planners.search.tree import Puct, Search, Tree, Uct, grown, new_tree, search, simulations

OF_SEARCH = {
    "simulations": 1000, "exploration": 1.4, "discount": 1.0, "evaluator": "critic", "rollouts": 1, "horizon": 1000,
    "policy": "all", "within": 20,
}  # fmt: skip
PARAMS = {**OF_SEARCH, "prior": "", "puct": 1.25}
CHOICES = {"policy": POLICIES}


class Leaves(NamedTuple):
    """How a leaf of the tree is valued; see the parameters in the module.

    Attributes
    ----------
    evaluator : str
        "critic" for rollouts, or another of `planners.parts.evaluators`.
    rollouts, horizon : int
        Of the critic, and the steps of each.
    discount : float
        A step, of all returns of the search; 0 for the world's own.
    policy, learned : str
        What the rollouts follow: a name, or a learned policy in its place unless that is "".
    """

    evaluator: str
    rollouts: int
    horizon: int
    discount: float
    policy: str
    learned: str = ""


def with_leaves(params: dict[str, Any]) -> dict[str, Any]:
    """Return a planner's parameters with those of its `Leaves` as one, ``leaves``."""
    leaves = Leaves(**{name: params[name] for name in Leaves._fields if name in params})
    return {**{name: value for name, value in params.items() if name not in Leaves._fields}, "leaves": leaves}


class Mcts:
    """See the module; a unit of the budget is one simulation. `tree` is that of the last decision."""

    tree: Tree

    def __init__(
        self, name: str, simulations: int, exploration: float, within: int, leaves: Leaves, prior: str = "", puct: float = 1.25
    ) -> None:
        if simulations < 1:
            raise UsageError(f"{name}: simulations={simulations} is too few; at least 1 is needed")
        if exploration < 0.0:
            raise UsageError(f"{name}: exploration={exploration} is negative; 0 means none, 1.4 is usual")
        if puct < 0.0:
            raise UsageError(f"{name}: puct={puct} is negative; 0 means that the prior does not count, 1.25 is usual")
        self.name, self._simulations = name, simulations
        self._leaves, self._prior, self._puct = leaves, prior, puct
        self._how = Search(Uct(exploration), leaves.discount, within, 0, 0)

    def begin(self, instance: Instance, rng: np.ndarray) -> None:
        """See `planners.planner.Planner`."""
        self._model, self._rng = instance.model, rng
        how = self._leaves
        critic = critic_of(instance, how.rollouts, how.horizon, how.discount, how.policy, how.learned)
        self._evaluator = critic if how.evaluator == "critic" else make_evaluator(instance, how.evaluator)
        self._gamma, self._span = critic.discount, critic.steps
        parts = [instance.model, self._evaluator]
        if self._prior:
            policy = kept_learned(self._prior, POLICY, instance)
            self._how = self._how._replace(choice=Puct(self._puct, policy))
            parts.append(policy)
        self._kernel = suited(simulations, *parts)

    def decide(self, state: np.ndarray, steps_left: int | None, budget: Budget) -> Decision:
        """See `planners.planner.Planner`."""
        depth = np.iinfo(np.int64).max if steps_left is None else steps_left
        how = self._how._replace(gamma=self._gamma, span=self._span, depth=depth)
        cost, limit = new_cost(), budget.limits()
        growth = [n for n in (budget.evaluations, budget.expansions) if n is not None]
        if growth:  # a small world may have no more states to evaluate or expand
            limit[SIMULATIONS] = min(limit[SIMULATIONS], 10 * min(growth))
        size = 2 + min(1024, *(n for n in (budget.units, budget.simulations, self._simulations) if n is not None))
        tree = new_tree(size, size * min(self._model.actions, 8) + self._model.actions)

        def advance(n: int) -> int:
            nonlocal tree
            tree, did = search(tree, how, self._evaluator, self._model, state, self._rng, n, cost, limit, self._kernel)
            return did

        units = spend(advance, budget, self._simulations, cost)
        self.tree = tree
        values = root_actions(tree)
        if not values:
            return Decision(None, cost, units, note="no legal action")
        best = max(values, key=lambda known: (known.visits, known.value))
        return Decision(best.action, cost, units, values, best_line(tree, best.action), record=self.record(state, values, best))

    def warm_up(self) -> None:
        """Make a larger tree, as long searches do."""
        grown(self.tree, len(self.tree.met), len(self.tree.action))

    def record(self, state: np.ndarray, values: tuple[ActionValue, ...], best: ActionValue) -> Any:
        """Return what a decision keeps of the tree beyond the values of its actions."""
        return None


def make(name: str, **params: Any) -> Mcts:
    """Return the planner.

    Raises
    ------
    UsageError
        For a value that makes no sense.
    """
    return Mcts(name, **with_leaves(params))
