"""Models written in Python, over hashable states, in the form that planners run uncompiled."""

import hashlib
from typing import Any, Protocol

import numpy as np

from games.errors import GameplanError


class Model(Protocol):
    """What a model written in Python brings: the operations without their first argument. States are any hashable values.

    Optional methods take the place of the defaults: ``chance(state) -> [(probability, state)]`` for an afterstate,
    ``goal(state)``, ``dead(state)``, ``score(state, action, after, reward)``, ``potential(root, state)``, ``distance(state)``,
    ``cost(state, action)`` and ``feature(state)``. With ``goals() -> [state]``, all of them, and ``before(state) -> [(action,
    state)]``, the actions (none twice) that lead to a state with the states that they come from, searches also work backwards;
    ``distance_from(start, state)`` is then a lower bound on the cost from one to the other.
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
        for name in ("goal", "dead", "distance", "feature"):
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
            actions[k] = self.numbered(action)
        return len(found)

    def numbered(self, action: Any) -> int:
        """Return the id of an action of the model."""
        if action not in self._action_numbers:
            number = self._action_numbers[action] = _lasting_number(action) if self.lasting else len(self._actions)
            if self._actions.setdefault(number, action) != action:
                raise GameplanError(f"the actions {action!r} and {self._actions[number]!r} have one number; write them otherwise")
        return self._action_numbers[action]

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

    def reversed_of(self, state: np.ndarray) -> "tuple[PythonModel, np.ndarray] | None":
        """See `games.process.reversed_of`."""
        if not hasattr(self.model, "goals") or not hasattr(self.model, "before"):
            return None
        roots = [self._number(value) for value in self.model.goals()]
        return _Backwards(self, self.value(state)), np.array(roots, np.int64).reshape(-1, 1)

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


class _Undone:
    """A `Model` of the way back from the goals of another to a `start`: its actions are those of the other, undone."""

    def __init__(self, model: Any, start: Any) -> None:
        self.start, self._model = start, model
        if hasattr(model, "distance_from"):
            self.distance = lambda state: model.distance_from(start, state)
        if hasattr(model, "feature"):
            self.feature = model.feature

    def legal(self, state: Any) -> list[Any]:
        actions = [] if state == self.start else [action for action, _ in self._model.before(state)]
        if len(set(actions)) < len(actions):
            raise GameplanError(f"before({state!r}) lists an action twice; actions must tell from where they come")
        return actions

    def step(self, state: Any, action: Any) -> tuple[Any, float]:
        return next(before for one, before in self._model.before(state) if one == action), 0.0

    def goal(self, state: Any) -> bool:
        return bool(state == self.start)

    def cost(self, state: Any, action: Any) -> float:
        before, _ = self.step(state, action)
        return float(self._model.cost(before, action)) if hasattr(self._model, "cost") else 1.0


class _Backwards(PythonModel):
    """The way back in the form that planners run: it shares the numbers of states and actions with the model of the way there."""

    def __init__(self, forwards: PythonModel, start: Any) -> None:
        super().__init__(_Undone(forwards.model, start), forwards.actions, 0, forwards.lasting)
        self._values, self._keys, self._numbers = forwards._values, forwards._keys, forwards._numbers
        self._actions, self._action_numbers = forwards._actions, forwards._action_numbers
        self.reversed_of = lambda state: None  # type: ignore[method-assign]
