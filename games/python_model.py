"""Models written in Python, over hashable states, in the form that planners run uncompiled."""

import hashlib
import math
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, Protocol

import numpy as np

from games.errors import GameplanError, one_line


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


def _shown(value: Any) -> str:
    """Return a value of the model in a message: a short line."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # of a class of the user's own
        text = f"<{type(value).__name__}>"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _wrong(method: str, found: Any, wanted: str, what: str = "") -> GameplanError:
    return GameplanError(f"{method}() of the model returns {_shown(found)}{f' {what}' if what else ''}; it must be {wanted}")


def _real(method: str, found: Any, what: str = "") -> float:
    """Return a number of the model's as one, perhaps not finite; texts are none, and what is complex is no number of ours."""
    if type(found) is float:
        return found
    try:
        if isinstance(found, str | bytes | bytearray | None) or np.size(found) != 1 or np.iscomplexobj(found):
            raise TypeError
        return float(found)
    except (TypeError, ValueError, OverflowError):
        raise _wrong(method, found, "a number", what) from None


def _finite(method: str, found: Any, what: str = "") -> float:
    number = _real(method, found, what)
    if not math.isfinite(number):
        raise _wrong(method, found, "a finite number", what)
    return number


def _bound(method: str, found: Any) -> float:
    number = _real(method, found)
    if math.isnan(number):
        raise _wrong(method, found, "a number, or infinite where there is no way")
    return number


def _whole(method: str, found: Any) -> int:
    number = _finite(method, found)
    if number < 0.0 or number != int(number) or number >= 2**31:
        raise _wrong(method, found, "a whole number, at least 0")
    return int(number)


def _truth(method: str, found: Any) -> bool:
    if isinstance(found, bool):
        return found
    try:
        if isinstance(found, str | bytes) or np.size(found) != 1:
            raise TypeError
        return bool(found)
    except (TypeError, ValueError):
        raise _wrong(method, found, "True or False") from None


def _listing(method: str, found: Any, what: str, most: int) -> Sequence[Any]:
    """Return what a model lists as something with a length; a generator is asked for one more than `most`."""
    if isinstance(found, str | bytes) or not hasattr(found, "__iter__"):
        raise _wrong(method, found, f"a list of {what}")
    return found if hasattr(found, "__len__") else list(islice(found, most + 1))


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
        kinds: dict[str, Callable[[str, Any], Any]] = {"goal": _truth, "dead": _truth, "distance": _bound, "feature": _whole}
        for name, kind in kinds.items():
            if hasattr(model, name):
                setattr(self, name, self._on_states(name, kind))
        if hasattr(model, "potential"):
            self.potential = lambda root, state: _finite("potential", model.potential(self.value(root), self.value(state)))

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
        found = _listing("legal", self.model.legal(self.value(state)), "the legal actions", self.actions)
        if len(found) > self.actions:
            raise GameplanError(
                f"{len(found)} actions are legal in {_shown(self.value(state))}; the model was made for {self.actions}"
            )
        for k, action in enumerate(found):
            actions[k] = self.numbered(action)
        return len(found)

    def numbered(self, action: Any) -> int:
        """Return the id of an action of the model."""
        try:
            known = action in self._action_numbers
        except TypeError as error:
            raise GameplanError(
                f"{_shown(action)} cannot be an action: {one_line(error)}; an action is a value that can be a key of a dictionary"
            ) from error
        if not known:
            number = self._action_numbers[action] = _lasting_number(action) if self.lasting else len(self._actions)
            if self._actions.setdefault(number, action) != action:
                raise GameplanError(
                    f"the actions {_shown(action)} and {_shown(self._actions[number])} have one number; write them otherwise"
                )
        return self._action_numbers[action]

    def apply(self, state: np.ndarray, action: int) -> float:
        """See `apply`."""
        found = self.model.step(self.value(state), self._listed(state, action))
        if not isinstance(found, Sequence) or isinstance(found, str) or len(found) != 2:
            raise _wrong("step", found, "a state and a reward")
        state[0] = self._number(found[0])
        return _real("step", found[1], "as the reward")

    def chance(self, state: np.ndarray, states: np.ndarray, probabilities: np.ndarray) -> int:
        """See `chance`."""
        if not self.outcomes:
            return 0
        found = self._outcomes(state)
        for k, (probability, value) in enumerate(found):
            states[k, 0], probabilities[k] = self._number(value), probability
        return len(found)

    def draw(self, state: np.ndarray, rng: np.ndarray) -> None:
        """See `draw`."""
        if not self.outcomes:
            return
        from games.random import unit

        found = self._outcomes(state)
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
        return _finite("score", self.model.score(self.value(state), self._listed(state, action), self.value(after), reward))

    def cost(self, state: np.ndarray, action: int) -> float:
        """See `cost`."""
        if not hasattr(self.model, "cost"):
            return 1.0
        return _finite("cost", self.model.cost(self.value(state), self._listed(state, action)))

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

    def _outcomes(self, state: np.ndarray) -> list[tuple[float, Any]]:
        """Return (probability, value) of what can follow an afterstate, checked."""
        found = _listing("chance", self.model.chance(self.value(state)), "the outcomes", self.outcomes)
        if not found or len(found) > self.outcomes:
            raise GameplanError(
                f"{len(found)} outcomes of chance are listed in {_shown(self.value(state))}; the model was made for 1 to "
                f"{self.outcomes}"
            )
        pairs = []
        for pair in found:
            if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != 2:
                raise _wrong("chance", pair, "pairs of a probability and a state")
            pairs.append((_finite("chance", pair[0], "as a probability"), pair[1]))
        return pairs

    def _number(self, value: Any) -> int:
        try:
            if value not in self._numbers:
                self._numbers[value] = len(self._values)
                self._values.append(value)
            return self._numbers[value]
        except TypeError as error:
            raise GameplanError(
                f"{_shown(value)} cannot be a state: {one_line(error)}; a state is a value that can be a key of a dictionary, such "
                "as a number, a text or a tuple of them"
            ) from error

    def _on_states(self, name: str, kind: Callable[[str, Any], Any]) -> Any:
        method = getattr(self.model, name)
        return lambda state: kind(name, method(self.value(state)))


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
