"""Monte-Carlo CFR as a solver object: tables, advancing, averaging, checkpoints."""

from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from games.errors import GameplanError
from games.histories import Histories, load_histories
from games.params import Value
from games.random import stream
from games.sequence_form import SequenceGame
from solvers.cfr.solver import average_of
from solvers.mccfr.records import Path, Setting, Tables
from solvers.mccfr.weights import DISCOUNTED, LINEAR

NODES_A_CALL = 10_000_000  # of one call into compiled code, well below a second, so that Ctrl-C works


class Method(NamedTuple):
    """A way to sample: its file, its iterations (of `solvers.mccfr.external` or `solvers.mccfr.outcome`), its parameters."""

    name: str
    module: ModuleType
    run: Callable[..., int]
    params: Mapping[str, Value]
    choices: Mapping[str, tuple[str, ...]]


def shipped_method(name: str, module: str) -> Method:
    """Return the method called `name`, which a module declares."""
    found = import_module(module)
    return Method(name, found, found.ITERATE, found.PARAMS, found.CHOICES)


class MCCFRSolver:
    """Monte-Carlo CFR on any game whose histories can be walked; the same seed gives the same bits.

    Parameters
    ----------
    game : SequenceGame
    method : Method
    params : mapping
        A value for every parameter of the method.
    seed : int
        Of the random numbers.
    histories : Histories, optional
        The game's tree; loaded unless given.

    Attributes
    ----------
    iteration : int
        Iterations done: a walk for every player in turn.
    """

    replays = False

    def __init__(
        self, game: SequenceGame, method: Method, params: Mapping[str, Value], *, seed: int = 0, histories: Histories | None = None
    ) -> None:
        self.game, self.method, self.iteration = game, method, 0
        self._histories = load_histories(game) if histories is None else histories
        discounted, step = params["weights"] == DISCOUNTED, float(params.get("baseline", 0.0))
        self._setting = Setting(
            linear=params["weights"] == LINEAR,
            discounted=discounted,
            alpha=float(params["alpha"]),
            beta=float(params["beta"]),
            gamma=float(params["gamma"]),
            baseline=step,
            epsilon=float(params.get("epsilon", 0.0)),
        )
        pairs, depth, widest = sum(game.actions), *(int(n) for n in self._histories.limits)
        self._tables = Tables(
            R=np.zeros(pairs),
            S=np.zeros(pairs),
            baseline=np.zeros((game.players, pairs) if step > 0.0 else (1, 1)),
            aged=np.zeros((pairs if discounted else 1, 2)),
            age=np.zeros(2),
            rng=stream("mccfr", seed),
            touched=np.zeros(1, np.int64),
        )
        self._path = Path(
            node=np.zeros(depth + 1, np.int64),
            taken=np.zeros(depth + 1, np.int64),
            reach=np.zeros((depth + 1, 3)),
            sigma=np.zeros((depth + 1, widest)),
            worth=np.zeros((depth + 1, widest)),
        )

    def advance(self, stop: int) -> None:
        """Run up to and including iteration `stop`, in place; ``advance(iteration)`` only compiles."""
        while True:
            with np.errstate(all="ignore"):
                done = self.method.run(
                    self.iteration + 1, stop, NODES_A_CALL, self._histories, self._tables, self._path, self._setting
                )
            self.iteration = int(done)
            if done >= stop:
                return

    def average_policy(self) -> np.ndarray:
        """Return a new array with the average policy (pairs of all players); uniform where no walk has been.

        Raises
        ------
        RuleError
            If the sums have grown beyond what float64 holds.
        """
        return average_of(self.method.name, self.iteration, self.game, self._tables.S)

    def current_policy(self) -> np.ndarray:
        """Return a new array with the policy that the next iteration plays (pairs of all players)."""
        count = self.game.tree.count.astype(np.int64)
        if not len(count):
            return np.zeros(0)
        first = np.concatenate([[0], np.cumsum(count)[:-1]]).astype(np.int64)
        positive = np.maximum(self._tables.R, 0.0)
        total = np.repeat(np.add.reduceat(positive, first), count)
        return np.where(total > 0.0, positive / np.where(total > 0.0, total, 1.0), np.repeat(1.0 / count, count))

    def remarks(self) -> dict[str, Any]:
        """Return how many nodes were visited until now, all players' walks together."""
        return {"nodes": int(self._tables.touched[0])}

    def artifacts(self) -> dict[str, dict[str, np.ndarray]]:
        """Return nothing to keep beyond the policy."""
        return {}

    def state(self) -> dict[str, np.ndarray]:
        """Return the arrays from which `restore` goes on with the same bits; they are views, save them at once."""
        return self._tables._asdict()

    def restore(self, iteration: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Continue after `iteration` from the arrays of `state`.

        Raises
        ------
        GameplanError
            If the arrays are not those of this game and method.
        """
        mine = self.state()
        if set(mine) != set(arrays) or any((mine[k].shape, mine[k].dtype) != (arrays[k].shape, arrays[k].dtype) for k in mine):
            raise GameplanError(f"the checkpoint does not belong to {self.method.name} on {self.game.name}; start a new run")
        for name, array in mine.items():
            array[:] = arrays[name]
        self.iteration = iteration
