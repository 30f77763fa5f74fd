"""Models written in Python, over hashable states, in the form that planners run uncompiled."""

import hashlib
from typing import Any, Protocol

import numpy as np

from games.errors import GameplanError


class Model(Protocol):
    """What a model written in Python brings: the operations without their first argument. States are any hashable values.

    Optional methods take the place of the defaults: ``chance(state) -> [(probability, state)]`` for an afterstate, ``goal(state)``,
    ``dead(state)``, ``score(state, action, after, reward)``, ``potential(root, state)``, ``distance(state)`` and
    ``cost(state, action)``.
    """

    def legal(self, state: Any) -> list[Any]:
        """Return the legal actions in `state`, none if it is terminal."""

    def step(self, state: Any, action: Any) -> tuple[Any, float]:
        """Return the (after)state of `action` and the reward; `state` is not changed."""


def _lasting_number(action: Any) -> int:
    if isinstance(action, (int, np.integer)) and -(2**63) <= action < 2**63:
        return int(action)
    return int.from_bytes(hashlib.sha256(repr(action).encode()).digest()[:8], "big", signed=True)


class PythonModel:
    """A `Model` in the form that planners run uncompiled: states and actions become numbers, found again by `value` and `action`.

    Parameters
    ----------
    model : Model
        Written in Python.
    actions, outcomes : int
        Bounds on the numbers of legal actions and of chance outcomes.
    lasting : bool
        Number actions alike in every process: an integer stands for itself, anything else for a hash of its ``repr``. Otherwise
        actions, like states, are numbered as they are met.
    """

    width = 1

    def __init__(self, model: Any, actions: int = 256, outcomes: int = 0, lasting: bool = False) -> None:
        self.model, self.actions, self.outcomes, self.lasting = model, actions, outcomes, lasting
        self._values: list[Any] = []
        self._keys: list[np.uint64] = []
        self._numbers: dict[Any, int] = {}
        self._actions: dict[int, Any] = {}
        self._action_numbers: dict[Any, int] = {}
        for name in ("goal", "dead", "distance"):
            if hasattr(model, name):
                setattr(self, name, self._on_states(getattr(model, name)))

    def state(self, value: Any) -> np.ndarray:
        """Return the state array (1 word) for a value of the model."""
        return np.array([self._number(value)], np.int64)

    def value(self, state: np.ndarray) -> Any:
        """Return the model's value for a state array."""
        return self._values[state[0]]

    def action(self, number: int) -> Any:
        """Return the model's action for an action id."""
        return self._actions[number]

    def key(self, state: np.ndarray) -> np.uint64:
        """See `key`: a hash of the value's ``repr``, the same in every process; so what is learned of a state is found again."""
        while len(self._keys) <= state[0]:
            text = repr(self._values[len(self._keys)]).encode()
            self._keys.append(np.uint64(int.from_bytes(hashlib.sha256(text).digest()[:8], "big")))
        return self._keys[state[0]]

    def legal(self, state: np.ndarray, actions: np.ndarray) -> int:
        """See `legal`."""
        found = self.model.legal(self.value(state))
        if len(found) > self.actions:
            raise GameplanError(f"{len(found)} actions are legal in {self.value(state)!r}; the model was made for {self.actions}")
        for k, action in enumerate(found):
            if action not in self._action_numbers:
                number = self._action_numbers[action] = _lasting_number(action) if self.lasting else len(self._actions)
                if self._actions.setdefault(number, action) != action:
                    raise GameplanError(
                        f"the actions {action!r} and {self._actions[number]!r} have one number; write them otherwise"
                    )
            actions[k] = self._action_numbers[action]
        return len(found)

    def apply(self, state: np.ndarray, action: int) -> float:
        """See `apply`."""
        value, reward = self.model.step(self.value(state), self._listed(state, action))
        state[0] = self._number(value)
        return float(reward)

    def chance(self, state: np.ndarray, states: np.ndarray, probabilities: np.ndarray) -> int:
        """See `chance`."""
        if not self.outcomes:
            return 0
        found = self.model.chance(self.value(state))
        for k, (probability, value) in enumerate(found):
            states[k, 0], probabilities[k] = self._number(value), probability
        return len(found)

    def draw(self, state: np.ndarray, rng: np.ndarray) -> None:
        """See `draw`."""
        if not self.outcomes:
            return
        from games.random import unit

        found = self.model.chance(self.value(state))
        x = unit(rng)
        chosen = found[-1][1]
        for probability, value in found:
            x -= probability
            if x < 0.0:
                chosen = value
                break
        state[0] = self._number(chosen)

    def score(self, state: np.ndarray, action: int, after: np.ndarray, reward: float) -> float:
        """See `score`."""
        if not hasattr(self.model, "score"):
            return reward
        return float(self.model.score(self.value(state), self._listed(state, action), self.value(after), reward))

    def potential(self, root: np.ndarray, state: np.ndarray) -> float:
        """See `potential`."""
        return float(self.model.potential(self.value(root), self.value(state)))

    def cost(self, state: np.ndarray, action: int) -> float:
        """See `cost`."""
        return float(self.model.cost(self.value(state), self._listed(state, action))) if hasattr(self.model, "cost") else 1.0

    def _listed(self, state: np.ndarray, number: int) -> Any:
        if number not in self._actions:  # an action on record, of another process
            self.legal(state, np.empty(self.actions, np.int64))
        return self._actions[number]

    def _number(self, value: Any) -> int:
        if value not in self._numbers:
            self._numbers[value] = len(self._values)
            self._values.append(value)
        return self._numbers[value]

    def _on_states(self, method: Any) -> Any:
        return lambda state: method(self.value(state))
