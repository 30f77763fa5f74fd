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
cost               1                    search.portfolio, successors
notes              empty                search.best_first_search
successors         made of the others   search.best_first_search, search.idastar
rivals             0                    search.best_first_search
bound              distance             search.best_first_search, search.idastar
playout            uniform play         critic, push_playout
effective          legal                critic, glad, language, learning, policies, search, promising
promising          effective            critic, parts, search
fresh              nothing              critic, learning
critic_convention  1, 100, 0            critic
by_pushes          no                   critic
push_playout       playout              critic
lost               0                    search.tree
enumerable         no                   metrics
reversed_of        nothing              search
feature            0                    search.best_first_search, stage
stage              feature              search.best_first_search
ready              nothing              search
change             1                    search.best_first_search
=================  ===================  ============================================================

Without a default, a world brings the operation itself, or whoever needs it cannot play there. Who needs it: modules and folders of
``planners/``, and operations whose defaults call it.

A *model* is a record (NamedTuple) of arrays and numbers with at least the fields

    width      words of a state; a state is an int64 array of this length
    actions    most actions that are ever legal in one state; action ids may be any int64
    outcomes   most outcomes of one chance event; 0: the process is deterministic

and implementations of the operations below (``@apply.of(MyModel)``). A transition is `apply`, the deterministic part up to the
*afterstate*, then, in stochastic worlds, a chance event: `draw` one outcome, or list all with `chance`. Models in Python bring
methods of the same names (`games.python_model` makes one of a model with hashable states); planners then run uncompiled.
"""

import numpy as np

from games.dispatch import operation
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
    if model.width >= 0:  # always; numba wants to see what would be returned
        raise NotImplementedError(
            "it does not say how good a state looks, which is asked here: let its model have potential(root, state), from 0 to 1, "
            "or take a planner that goes by rewards, such as greedy, lookahead or flat"
        )
    return 0.0


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
def rivals(model, state, notes, keys, costs):
    """Write the keys of states that can do what `state` can, and at most how much dearer (`costs`); return how many.

    A cheapest way to the goal from such a state costs at most so much more than one from `state`, by sums of `cost`, and both have
    one `distance`. A search need not expand a state if it has reached a rival at so much less. At most ``model.actions``, all
    costs above 0; `notes` are those of `successors`, as scratch.
    """
    return 0


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
def promising(model, state, actions):
    """Write the effective actions that a search for a goal should try to `actions`; return how many, some if any is effective.

    A world may leave out others than those that do nothing: all without which some way to a goal exists all the same.
    """
    return effective(model, state, actions)


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


@operation
def reversed_of(model, state):
    """Return (a model, roots) of the search backwards, from the goals to `state`; None where there is none. For Python only.

    The `roots` (n, width) are all goals. States and keys of the two models are the same; an action of the model that is returned
    leads from a state to one before it, and has the number of the action of `model` that it undoes. Its `goal` is `state`, and so
    its `distance` a bound on the way from there. Searches then work from both ends.
    """
    return None


@operation
def feature(model, state):
    """Return a whole number, at least 0, such as subgoals reached: a search may try states of each number in turn."""
    return 0


@operation
def stage(model, state):
    """Return a whole number, at least 0, for how far a plan has come, finer or surer than `feature` is: used in the same way."""
    return feature(model, state)


@operation
def ready(model, roots):
    """Make ready what `stage` looks up in `model`, in place, for a search from `roots` (n, width). For Python only."""


@operation
def change(model, previous, action):
    """Return whether `action` is about something else than the `previous` action of a line, -1 at its beginning."""
    return 1
