"""The short way from a model to a world: a start, a horizon, and what to say to people where the defaults are too plain."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from games.process import goal
from games.python_model import PythonModel
from games.world import Instance, world_line


class ModelWorld:
    """The world of one model; a subclass may say more about it (`games.world.World`).

    Parameters
    ----------
    name : str
    model : record or Model
        A record with its operations (`games.process`), or a plain Python `games.process.Model`.
    start : value, or function of a seed
        The first state: a value of the Python model, or the words of a record's state.
    horizon : int, optional
        Steps after which an episode is cut.
    actions, outcomes : int
        Python models: most legal actions of a state, most outcomes of a chance event (0: there is no chance).
    """

    def __init__(
        self, name: str, model: Any, start: Any, *, horizon: int | None = None, actions: int = 256, outcomes: int = 0
    ) -> None:
        self.name, self.model, self.start, self.horizon = name, model, start, horizon
        self._bounds = actions, outcomes

    def __repr__(self) -> str:
        return world_line(self)

    def instance(self, seed: int) -> Instance:
        """Return the instance of `seed`; Python models number their states anew in each, whatever was played before."""
        value = self.start(seed) if callable(self.start) else self.start
        if isinstance(self.model, tuple):
            model: Any = self.model
            start = np.array(value, np.int64).reshape(model.width)
        else:
            model = PythonModel(self.model, *self._bounds, lasting=True)
            start = model.state(value)
        return Instance(str(seed), seed, model, start, self.horizon, world=self)

    def __len__(self) -> int:
        return 0

    def action_name(self, instance: Instance, state: np.ndarray, action: int) -> str:
        """Return the action as Python prints it."""
        return str(instance.model.action(action) if isinstance(instance.model, PythonModel) else action)

    def text(self, instance: Instance, state: np.ndarray) -> str:
        """Return the state as Python prints it."""
        return str(instance.model.value(state) if isinstance(instance.model, PythonModel) else state.tolist())

    def outcome(
        self, instance: Instance, states: Sequence[np.ndarray], actions: Sequence[int], rewards: Sequence[float]
    ) -> dict[str, Any]:
        """Return the sum of rewards as the score, and whether the last state is a goal (None if the model knows of none)."""
        solved = bool(goal(instance.model, states[-1])) if goal.known(instance.model) else None
        return {"score": math.fsum(rewards), "solved": solved}
