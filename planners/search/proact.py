"""ProAct's grounded planner: tree search in the environment itself, its leaves valued by the Monte-Carlo critic.

The teacher of "grounded lookahead distillation" (Yu et al. 2026, "ProAct: Agentic Lookahead in Interactive Environments",
arXiv 2602.05327). The paper does not publish its search settings: the defaults are ours. What it found is kept as a
`planners.search.record.SearchRecord`. This is search at play time, which the paper's trained models do without.

Parameters
----------
learned : a policy that the rollouts follow: a run of 'gameplan train', or a file in it
and those of planners.search.mcts
"""

from typing import Any

import numpy as np

from planners.planner import ActionValue
from planners.search.mcts import CHOICES as CHOICES
from planners.search.mcts import OF_SEARCH, Mcts, with_leaves
from planners.search.record import SearchRecord, search_record

PARAMS = {**OF_SEARCH, "simulations": 400, "discount": 0.0, "rollouts": 4, "horizon": 0, "learned": ""}


class ProAct(Mcts):
    """`planners.search.mcts.Mcts` with the critic at its leaves; every decision has its `SearchRecord`."""

    def record(self, state: np.ndarray, values: tuple[ActionValue, ...], best: ActionValue) -> SearchRecord:
        """See `planners.search.mcts.Mcts.record`."""
        return search_record(self.tree, state)


def make(name: str, **params: Any) -> ProAct:
    """Return the planner.

    Raises
    ------
    UsageError
        For a value that makes no sense.
    """
    return ProAct(name, **with_leaves(params))
