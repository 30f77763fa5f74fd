"""The PSRO loop (Lanctot et al. 2017): meta-game, meta-strategies, best responses, and again.

Iteration n works on populations of n policies. The train solver says what the oracle answers, the eval solver what is reported; the
loop knows neither.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from games.errors import GameplanError
from games.sequence_form import SequenceGame
from solvers.exploitability import buffer_size, uniform_policy
from solvers.plans import plan_of, policy_of
from solvers.psro.meta_solver import MetaSolver, checked_strategies
from solvers.psro.oracle import best_response
from solvers.psro.payoffs import Payoffs

SUPPORT = 1e-3  # a policy with less probability does not count as played


class PSROSolver:
    """PSRO with any two meta-strategy solvers.

    Attributes
    ----------
    iteration : int
        Size of the populations for which meta-strategies were computed; 0 before the first.
    payoffs : Payoffs
        The meta-game, with the populations as realisation plans.
    """

    def __init__(self, game: SequenceGame, train: MetaSolver, evaluate: MetaSolver) -> None:
        self.game = game
        self.iteration = 0
        self.payoffs = Payoffs(game)
        self.replays = train.replays or evaluate.replays
        self._train, self._evaluate = train, evaluate
        self._train_strategies: list[np.ndarray] = []
        self._eval_strategies: list[np.ndarray] | None = None
        self._buffer = np.zeros((3, buffer_size(game)))

    def advance(self, stop: int) -> None:
        """Run up to and including iteration `stop`: its populations and both meta-strategies.

        Raises
        ------
        GameplanError
            If a meta-strategy solver fails or returns no strategies; solver, player and iteration are named.
        """
        if stop == 0 and not self.replays:  # make ready: compile on a throw-away meta-game
            trial = Payoffs(self.game)
            trial.extend(self._uniform())
            for solver in (self._train, self._evaluate):
                checked_strategies(solver, trial, 1)
        while self.iteration < stop:
            self.payoffs.extend(self._answers() if self.iteration else self._uniform())
            n = self.iteration + 1
            self._train_strategies = checked_strategies(self._train, self.payoffs, n)
            self._eval_strategies = None
            if self._evaluate.replays:  # it may remember its calls, so it gets one an iteration
                self._eval_strategies = checked_strategies(self._evaluate, self.payoffs, n)
            self.iteration = n

    def average_policy(self) -> np.ndarray:
        """Return the behavioural policy of the eval mixture (pairs of all players)."""
        if not self.iteration:
            return uniform_policy(self.game)
        mixture = self.eval_strategies()
        return np.concatenate([policy_of(self.game, p, self.payoffs.mixture(p, weights)) for p, weights in enumerate(mixture)])

    def eval_strategies(self) -> list[np.ndarray]:
        """Return the eval solver's strategies for the present populations."""
        if self._eval_strategies is None:
            if self._evaluate.repeats(self._train):
                self._eval_strategies = self._train_strategies
            else:
                self._eval_strategies = checked_strategies(self._evaluate, self.payoffs, self.iteration)
        return self._eval_strategies

    def train_strategies(self) -> list[np.ndarray]:
        """Return the train solver's strategies for the present populations."""
        return self._train_strategies

    def remarks(self) -> dict[str, Any]:
        """Return both meta-strategies and the sizes of the eval strategies' supports."""
        evaluated = self.eval_strategies()
        return {
            "train": [strategy.tolist() for strategy in self._train_strategies],
            "eval": [strategy.tolist() for strategy in evaluated],
            "support": [int((strategy > SUPPORT).sum()) for strategy in evaluated],
        }

    def artifacts(self) -> dict[str, dict[str, np.ndarray]]:
        """Return the population: every player's plans and both meta-strategies."""
        arrays: dict[str, np.ndarray] = {}
        for p, population in enumerate(self.payoffs.populations):
            arrays |= {f"plans_{p}": population, f"train_{p}": self._train_strategies[p], f"eval_{p}": self.eval_strategies()[p]}
        return {"population": arrays}

    def state(self) -> dict[str, np.ndarray]:
        """Return the populations, from which everything else is computed again."""
        return {f"population.{p}": population for p, population in enumerate(self.payoffs.populations)}

    def restore(self, iteration: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Go on after `iteration` from the arrays of `state`; solvers with memory of their own replay from the start.

        Raises
        ------
        GameplanError
            If the arrays are not populations of this game.
        """
        if self.replays:
            self.advance(iteration)
            return
        expected = {f"population.{p}": (iteration, n + 1) for p, n in enumerate(self.game.actions)}
        if {name: array.shape for name, array in arrays.items()} != expected:
            raise GameplanError(f"the checkpoint does not belong to {self.game.name}; start a new run")
        for n in range(iteration):  # one by one, as they came, so that the payoffs have the same bits
            self.payoffs.extend([arrays[f"population.{p}"][n] for p in range(self.game.players)])
        self._train_strategies = checked_strategies(self._train, self.payoffs, iteration)
        self._eval_strategies = None
        self.iteration = iteration

    def _uniform(self) -> list[np.ndarray]:
        policy = uniform_policy(self.game)
        return [plan_of(self.game, p, policy[self.game.player_actions(p)]) for p in range(self.game.players)]

    def _answers(self) -> list[np.ndarray]:
        """Return everybody's best response to the train mixture of the others."""
        plan = np.concatenate([self.payoffs.mixture(p, weights) for p, weights in enumerate(self._train_strategies)])
        game = self.game
        return [plan_of(game, p, best_response(game, p, plan, self._buffer)) for p in range(game.players)]
