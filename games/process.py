"""The decision process: what every planner needs of a world, in compiled form and as a plain-Python protocol.

=================  ===================  ============================================================
operation          default              who needs it
=================  ===================  ============================================================
legal              none                 everybody
apply              none                 everybody
draw               nothing              episode, critic, flare, learning, search, playout
chance             0                    search.expectimax, glad, policies
unlisted           no                   episode, language
terminal           nothing is legal     evaluator, critic, glad, search
goal               no                   episode, critic, flare, glad, learning, parts, search, exact
dead               no                   evaluator, search, successors
key                a hash of the words  flare, parts, policies, search, successors
exact              1 at a goal, else 0  evaluator, flare, parts
score              the reward           language, parts
potential          none                 language, parts, outlook
outlook            potential            parts
potential_scale    1                    parts, search.expectimax
distance           0                    search.best_first_search, search.idastar, parts, bound
cost               1                    successors
notes              empty                search.best_first_search
successors         made of the others   search.best_first_search, search.idastar
bound              distance             search.best_first_search, search.idastar
playout            uniform play         critic, push_playout
effective          legal                critic, glad, language, learning, parts, policies, search
fresh              nothing              critic, learning
critic_convention  1, 100, 0            critic
by_pushes          no                   critic
push_playout       playout              critic
lost               0                    search.tree
enumerable         no                   metrics
=================  ===================  ============================================================

Without a default, a world brings the operation itself, or whoever needs it cannot play there. Who needs it: modules and folders of
``planners/``, and operations whose defaults call it.

A *model* is a record (NamedTuple) of arrays and numbers with at least the fields

    width      words of a state; a state is an int64 array of this length
    actions    most actions that are ever legal in one state; action ids may be any int64
    outcomes   most outcomes of one chance event; 0: the process is deterministic

and implementations of the operations below (``@apply.of(MyModel)``). A transition is `apply`, the deterministic part up to the
*afterstate*, then, in stochastic worlds, a chance event: `draw` one outcome, or list all with `chance`. Models in Python bring
methods of the same names (`PythonModel` makes one from a model with hashable states); planners then run uncompiled.
"""

import hashlib
from typing import Any, Protocol

import numpy as np

from games.dispatch import operation
from games.errors import GameplanError
from games.random import below, mix


@operation
def legal(model, state, actions):
    """Write the ids of the legal actions in `state` to `actions` (int64, at least ``model.actions``); return how many.

    None at a terminal state. The order is the world's own, the same for equal states.
    """
    raise NotImplementedError


@operation
def apply(model, state, action):
    """Turn `state` in place into the afterstate of the legal `action`; return the reward."""
    raise NotImplementedError


@operation
def draw(model, state, rng):
    """Draw the chance event that follows an afterstate, in place; nothing in a deterministic world."""


@operation
def chance(model, state, states, probabilities):
    """Write all outcomes of the chance event at an afterstate to `states` (``model.outcomes``, width); return how many.

    Their `probabilities` are positive and sum to 1. 0 outcomes in a deterministic world.
    """
    return 0


@operation
def unlisted(model, action):
    """Return whether `apply` takes `action` although `legal` never lists it: what only a player that answers in text can do."""
    return False


@operation
def terminal(model, state):
    """Return whether nothing can be done in `state`."""
    return legal(model, state, np.empty(model.actions, np.int64)) == 0


@operation
def goal(model, state):
    """Return whether `state` is a success; it is then terminal."""
    return False


@operation
def dead(model, state):
    """Return whether `state` is proven lost: no goal can be reached from it. Never true of a state that can still be won."""
    return False


@operation
def key(model, state):
    """Return a uint64 that is equal for equal states and, but for accidents of hashing, different for different ones."""
    h = np.uint64(len(state))
    for word in state:
        h = mix(h ^ np.uint64(word))
    return h


@operation
def exact(model, state):
    """Return the value of a trajectory that ends in a terminal or dead `state`: 1 at a goal and 0 elsewhere by default."""
    return 1.0 if goal(model, state) else 0.0


@operation
def score(model, state, action, after, reward):
    """Return the local score l(s, a) of a step to `after` with `reward`: how good the one step looks. It is not a return.

    In [0, 1] in the games; any number in constructed graphs.
    """
    return reward


@operation
def potential(model, root, state):
    """Return how good `state` looks, in [0, 1], seen from a plan that began at `root`: the heuristic trajectory value."""
    raise NotImplementedError


@operation
def outlook(model, trajectory, length):
    """Return how good the first `length` steps of a trajectory (a record with `states`, `scores`, `rewards`) look as a whole.

    The heuristic R(tau) of the world: the `potential` of its end by default; worlds in which the way counts say otherwise.
    """
    return potential(model, trajectory.states[0], trajectory.states[length])


@operation
def potential_scale(model):
    """Return how much reward a whole unit of `potential` stands for, where the two are added up."""
    return 1.0


@operation
def distance(model, state):
    """Return a lower bound on the cost still to the goal, infinite if none can be reached (admissible heuristic of search)."""
    return 0.0


@operation
def cost(model, state, action):
    """Return the cost of a legal action for shortest-path search; 1 unless the world says otherwise."""
    return 1.0


@operation
def notes(model):
    """Return a new array in which `successors` may leave what `bound` can use, and scratch for both."""
    return np.empty(0, np.int64)


@operation
def successors(model, state, notes, actions, costs, states, keys):
    """Write what follows `state`, but for states proven dead: action, cost, state and key of each; return how many.

    For searches of deterministic worlds, which ask for everything at once, and of no goal. A world may leave out more: actions
    without which some cheapest way to a goal exists all the same. Rows that are not counted may be overwritten.
    """
    count, kept = legal(model, state, actions), 0
    for k in range(count):
        action = actions[k]
        states[kept] = state
        costs[kept] = cost(model, state, action)
        apply(model, states[kept], action)
        if not dead(model, states[kept]):
            actions[kept] = action
            keys[kept] = key(model, states[kept])
            kept += 1
    return kept


@operation
def bound(model, state, action, after, notes):
    """Return `distance` of `after`, which follows `action` in `state`, with the `notes` of `successors` of `state`."""
    return distance(model, after)


@operation
def playout(model, state, steps, discount, rng):
    """Play uniformly over the legal actions, in place, to the end or for at most `steps` actions; return (return, actions done).

    The return is discounted from the first action on. Worlds may bring a faster one of the same distribution.
    """
    actions, total, factor, done = np.empty(model.actions, np.int64), 0.0, 1.0, 0
    while done < steps:
        count = legal(model, state, actions)
        if count == 0:
            break
        total += factor * apply(model, state, actions[below(rng, count)])
        draw(model, state, rng)
        factor *= discount
        done += 1
    return total, done


@operation
def effective(model, state, actions):
    """Write the legal actions that can change `state` to `actions`; return how many.

    All of them but in worlds whose rules count attempts at the impossible as turns; planners that search leave those out.
    """
    return legal(model, state, actions)


@operation
def fresh(model, state):
    """Forget in place what `state` holds of the way to it, such as turns without a change: a simulation begins here."""


@operation
def critic_convention(model):
    """Return (discount, steps T, steps of T that a given first action uses up) of Monte-Carlo values in this world."""
    return 1.0, 100, 0


@operation
def by_pushes(model):
    """Return whether the world has a `push_playout` of its own."""
    return False


@operation
def push_playout(model, state, steps, discount, rng):
    """Do as `playout`, a step being a push onto a cell from which a goal can be reached: the walk to it is free."""
    return playout(model, state, steps, discount, rng)


@operation
def lost(model, discount, steps):
    """Return the discounted return of `steps` steps from a `dead` state."""
    return 0.0


@operation
def enumerable(model):
    """Return whether the states that can be reached are so few that they are all listed and solved (`planners.parts.exact`).

    Plays of a deterministic world that says so are judged against its exact solution, state by state.
    """
    return False


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
