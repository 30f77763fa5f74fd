"""Which policy of a solver is reported: its average, its last iterate, or the best iterate that was evaluated."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from games.sequence_form import SequenceGame
from solvers.exploitability import Evaluation, Evaluator
from workbench.catalogue.algorithms import Solver
from workbench.catalogue.families import BEST, LAST

_POLICY, _ITERATION = "best.policy", "best.iteration"  # in checkpoints


class _Best(NamedTuple):
    evaluation: Evaluation
    policy: np.ndarray
    iteration: int


class Reported:
    """What of a solver is reported, and what that is worth.

    Attributes
    ----------
    policy : (pairs,) array
        What was evaluated last.
    iteration : int
        The iteration after which it was what is reported: the solver's own, but for the best iterate.
    """

    def __init__(self, solver: Solver, game: SequenceGame, iterate: str) -> None:
        self._solver: Any = solver
        self._iterate, self._evaluator = iterate, Evaluator(game)
        self._best: _Best | None = None
        self.policy = np.zeros(0)
        self.iteration = 0

    def evaluate(self, *, keep: bool) -> Evaluation:
        """Return what the reported policy is worth now.

        The best iterate is sought among those that are evaluated; `keep` says that this iteration is evaluated however long the
        run is, so that a run that goes on may have it for its best.
        """
        solver = self._solver
        if self._iterate != BEST:
            self.policy = solver.current_policy() if self._iterate == LAST else solver.average_policy()
            self.iteration = solver.iteration
            return self._evaluator(self.policy)
        policy = solver.current_policy()
        found, best = _Best(self._evaluator(policy), policy, solver.iteration), self._best
        if best is None or found.evaluation.exploitability < best.evaluation.exploitability:
            best = found
        if keep:
            self._best = best
        self.policy, self.iteration = best.policy, best.iteration
        return best.evaluation

    def state(self) -> dict[str, np.ndarray]:
        """Return what a checkpoint keeps of it beyond the solver's arrays."""
        best = self._best
        return {} if best is None else {_POLICY: best.policy, _ITERATION: np.array([float(best.iteration)])}

    def restored(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Take what `state` returned out of a checkpoint's `arrays`, and return the rest, which are the solver's.

        Raises
        ------
        ValueError
            If there are others than `state` returned.
        """
        rest = dict(arrays)
        if _POLICY in rest:
            policy, (iteration,) = rest.pop(_POLICY), rest.pop(_ITERATION)
            self._best = _Best(self._evaluator(policy), policy, int(iteration))
        return rest
