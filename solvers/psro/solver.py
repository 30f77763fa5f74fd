"""The PSRO loop (Lanctot et al. 2017): meta-game, meta-strategies, best responses, and again.

Iteration n works on the n-th populations, of n policies each unless the train solver names several answers or none. The train
solver says what the oracle answers, the eval solver what is reported; the loop knows neither.

Parameters
----------
population_exploitability : measure what the populations could do at best whenever the run is evaluated; two-player constant-sum
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from games.errors import GameplanError
from games.params import Value
from games.sequence_form import SequenceGame
from solvers.exploitability import Evaluator, buffer_size, uniform_policy
from solvers.plans import plan_of, policy_of
from solvers.psro.meta_solver import MetaSolver, checked_answers, checked_strategies
from solvers.psro.oracle import best_response
from solvers.psro.payoffs import Payoffs

SUPPORT = 1e-3  # a policy with less probability does not count as played
MEASURE = "population_exploitability"
SIZES = "sizes"  # of the populations by iteration, in checkpoints
PARAMS: dict[str, Value] = {MEASURE: False}  # of the loop itself, beside those of its two solvers


class PSROSolver:
    """PSRO with any two meta-strategy solvers.

    Attributes
    ----------
    iteration : int
        Number of the populations for which meta-strategies were computed; 0 before the first.
    payoffs : Payoffs
        The meta-game, with the populations as realisation plans.
    """

    def __init__(self, game: SequenceGame, train: MetaSolver, evaluate: MetaSolver, options: Mapping[str, Value] = PARAMS) -> None:
        measure = bool(options.get(MEASURE))
        if measure and (game.players != 2 or game.constant_sum is None):
            raise GameplanError(
                f"{MEASURE} is defined for two-player zero-sum and constant-sum games, not for {game.name}; leave it out"
            )
        self.game = game
        self._measure = measure
        self._sizes: list[list[int]] = []  # of the populations, by iteration
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
            self._sizes.append(self.payoffs.sizes)
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
        """Return both meta-strategies, the sizes of the eval strategies' supports and, if measured, the populations' worth."""
        evaluated = self.eval_strategies()
        return {
            "train": [strategy.tolist() for strategy in self._train_strategies],
            "eval": [strategy.tolist() for strategy in evaluated],
            "support": [int((strategy > SUPPORT).sum()) for strategy in evaluated],
            **({MEASURE: population_exploitability(self.payoffs)} if self._measure else {}),
        }

    def artifacts(self) -> dict[str, dict[str, np.ndarray]]:
        """Return the population: every player's plans and both meta-strategies."""
        arrays: dict[str, np.ndarray] = {}
        for p, population in enumerate(self.payoffs.populations):
            arrays |= {f"plans_{p}": population, f"train_{p}": self._train_strategies[p], f"eval_{p}": self.eval_strategies()[p]}
        return {"population": arrays}

    def state(self) -> dict[str, np.ndarray]:
        """Return the populations, from which everything else is computed again, and how they grew if not by one at a time."""
        grown = {} if self._sizes == _one_at_a_time(self.iteration, self.game) else {SIZES: np.array(self._sizes, np.float64)}
        return {**{f"population.{p}": population for p, population in enumerate(self.payoffs.populations)}, **grown}

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
        populations = dict(arrays)
        sizes = np.asarray(populations.pop(SIZES, _one_at_a_time(iteration, self.game)))
        shapes = {f"population.{p}": (int(sizes[-1, p]), n + 1) for p, n in enumerate(self.game.actions)}
        if sizes.shape != (iteration, self.game.players) or {name: array.shape for name, array in populations.items()} != shapes:
            raise GameplanError(f"the checkpoint does not belong to {self.game.name}; start a new run")
        self._sizes = sizes.astype(int).tolist()
        for begin, end in pairwise([[0] * self.game.players, *self._sizes]):  # as they came, so that payoffs have the same bits
            self.payoffs.extend([populations[f"population.{p}"][a:b] for p, (a, b) in enumerate(zip(begin, end, strict=True))])
        self._train_strategies = checked_strategies(self._train, self.payoffs, iteration)
        self._eval_strategies = None
        self.iteration = iteration

    def _uniform(self) -> list[np.ndarray]:
        policy = uniform_policy(self.game)
        return [plan_of(self.game, p, policy[self.game.player_actions(p)]) for p in range(self.game.players)]

    def _answers(self) -> list[np.ndarray]:
        """Return everybody's best response to the train mixture of the others, or what the train solver names."""
        if self._train.answers is not None:
            return checked_answers(self._train, self.payoffs, self._train_strategies, self.iteration, self._respond)
        plan = self._joint_plan(self._train_strategies)
        return [self._respond_to(plan, p) for p in range(self.game.players)]

    def _respond(self, player: int, strategies: Sequence[np.ndarray]) -> np.ndarray:
        """Return the player's best response (sequences) to the others' strategies."""
        return self._respond_to(self._joint_plan(strategies), player)

    def _joint_plan(self, strategies: Sequence[np.ndarray]) -> np.ndarray:
        return np.concatenate([self.payoffs.mixture(p, weights) for p, weights in enumerate(strategies)])

    def _respond_to(self, plan: np.ndarray, player: int) -> np.ndarray:
        return plan_of(self.game, player, best_response(self.game, player, plan, self._buffer))


def _one_at_a_time(iterations: int, game: SequenceGame) -> list[list[int]]:
    """Return the sizes of populations that grow by one policy an iteration."""
    return [[n] * game.players for n in range(1, iterations + 1)]


def population_exploitability(payoffs: Payoffs) -> float:
    """Return the exploitability of the profile of both players' least exploitable mixtures of their populations.

    The game is two-player constant-sum.

    Raises
    ------
    GameplanError
        If HiGHS finds none.
    """
    plans = [payoffs.mixture(player, payoffs.least_exploitable(player).weights) for player in range(2)]
    policy = np.concatenate([policy_of(payoffs.game, player, plan) for player, plan in enumerate(plans)])
    return Evaluator(payoffs.game)(policy).exploitability
