"""Agent logit equilibria: everybody answers softly, by the values of actions at the infoset (McKelvey & Palfrey 1998).

At every infoset sigma(a) is proportional to exp(q(a) / temperature), where q is the value of an action to one who is there, the
same policies being played everywhere else; lambda in the literature is one over the temperature. The policy is where magnetic
mirror descent on action values (`solvers.cfr.rules.mmd_q`, Sokota et al. 2023) comes to rest with a fixed temperature and a uniform
magnet. Its step begins with one over the temperature, halfway in logarithms to the soft answer, and is halved whenever the distance
from the soft answer has not fallen to a third in the time in which it would fall to e^-4 if nobody else moved. That is bound to
help in two-player zero-sum games; in others a low temperature may have several equilibria, or none that is found: the residual says
how far a policy is from being one.

Parameters
----------
temperature : one over lambda, in units of payoff; above 0
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from games.errors import UsageError
from games.params import Value
from games.sequence_form import SequenceGame
from solvers.cfr.rule_file import shipped_rule
from solvers.cfr.solver import CFRSolver

PARAMS: dict[str, Value] = {"temperature": 1.0}
PATIENCE = 4.0  # time constants of the step between two looks at the residual
SHORTEST = 50  # iterations between two of them at least
ENOUGH = 1e-13  # the residual at which nothing is left to do


class QuantalSolver:
    """Soft answers to soft answers, until they rest.

    Attributes
    ----------
    iteration : int
        Iterations done.

    Raises
    ------
    UsageError
        If the temperature is not above 0.
    """

    replays = False

    def __init__(self, game: SequenceGame, temperature: float) -> None:
        if not 0.0 < temperature < np.inf:
            raise UsageError(f"temperature = {temperature:g} is no temperature; it must be above 0, and is 1 / lambda")
        self.game, self.temperature = game, temperature
        rule = shipped_rule("mmd-q", "solvers.cfr.rules.mmd_q")
        self._params: dict[str, Value] = {**rule.params, "alpha": temperature, "decay": 0.0, "eta": 1.0 / temperature}
        self._solver = CFRSolver(game, rule, self._params)
        self._residual, self._look = self.residual(), SHORTEST

    @property
    def iteration(self) -> int:
        """Iterations done."""
        return self._solver.iteration

    def advance(self, stop: int) -> None:
        """Run up to and including iteration `stop`, looking at the residual now and then."""
        while self.iteration < stop:
            if self._residual <= ENOUGH:
                self._solver.iteration = stop
                return
            self._solver.advance(min(stop, self._look))
            if self.iteration == self._look:
                found, eta = self.residual(), float(self._params["eta"])
                if found > self._residual / 3.0 and found > ENOUGH:
                    eta /= 2.0
                    self._step(eta)
                self._residual = found
                self._look += max(SHORTEST, math.ceil(PATIENCE / math.log1p(eta * self.temperature)))
        if stop == 0:
            self._solver.advance(0)

    def residual(self) -> float:
        """Return the greatest difference of a probability from that of the soft answer to the present policies."""
        return float(np.abs(self._soft_answer() - self._solver.current_policy()).max(initial=0.0))

    def average_policy(self) -> np.ndarray:
        """Return the last policy (pairs of all players)."""
        return self._solver.current_policy()

    def remarks(self) -> dict[str, Any]:
        """Return lambda and the residual."""
        return {"lambda": 1.0 / self.temperature, "residual": self.residual()}

    def artifacts(self) -> dict[str, dict[str, np.ndarray]]:
        """Return nothing to keep beyond the policy."""
        return {}

    def state(self) -> dict[str, np.ndarray]:
        """Return the arrays from which `restore` goes on with the same bits."""
        return {**self._solver.state(), "step": np.array([float(self._params["eta"]), self._residual, self._look])}

    def restore(self, iteration: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Continue after `iteration` from the arrays of `state`; raises as `CFRSolver.restore`."""
        self._solver.restore(iteration, {name: array for name, array in arrays.items() if name != "step"})
        self._residual, self._look = float(arrays["step"][1]), int(arrays["step"][2])
        self._step(float(arrays["step"][0]))

    def _step(self, eta: float) -> None:
        self._params["eta"] = eta
        self._solver.choose(self._params)

    def _soft_answer(self) -> np.ndarray:
        tree, answers = self.game.tree, []
        for player in range(self.game.players):
            r, others = self._solver.measured(player)
            infosets = self.game.player_infosets(player)
            first, count = tree.first[infosets].astype(np.int64), tree.count[infosets].astype(np.int64)
            if not len(first):
                continue
            q = r * np.repeat(np.where(others > 0.0, 1.0 / np.where(others > 0.0, others, 1.0), 0.0), count) / self.temperature
            weights = np.exp(q - np.repeat(np.maximum.reduceat(q, first), count))
            answers.append(weights / np.repeat(np.add.reduceat(weights, first), count))
        return np.concatenate([np.zeros(0), *answers])  # nobody may have anything to decide


def make(game: SequenceGame, params: Mapping[str, Value]) -> QuantalSolver:
    """Return a solver for `game` with a value for each of `PARAMS`."""
    return QuantalSolver(game, float(params["temperature"]))
