"""Beam search: the prefixes with the largest sums of local scores survive, step by step, to the end of the episode.

Parameters
----------
width : prefixes that survive a step; at least 1
steps : steps of the beam; at least 1, or 0 to the end of the episode (50 where it has none)
by : what decides between the survivors, the sum of local scores or the evaluator's value
and those of planners.parts.assembly
"""

from typing import NamedTuple

import numpy as np

from games.dispatch import suited
from games.jit import njit
from games.params import Value
from games.process import apply, draw, terminal
from games.world import Instance
from planners.budget import EXPANSIONS, SIMULATIONS, TRANSITIONS, Budget, new_cost
from planners.evaluator import Trajectory, appraise, ended
from planners.parts import assembly
from planners.parts.assembly import Parts, parts_of
from planners.parts.proposals import most, propose
from planners.planner import ActionValue, Decision

PARAMS: dict[str, Value] = {"width": 8, "steps": 0, "by": "score", **assembly.PARAMS, "proposal": "all"}
CHOICES = {"by": ("score", "value")}
UNBOUNDED_STEPS = 50  # of a beam in a world without a step limit, unless the parameter says otherwise


class Prefixes(NamedTuple):
    """Rows of trajectories (`planners.evaluator.Trajectory`), their lengths, sums of local scores, and whether they ended."""

    row_states: np.ndarray
    row_afters: np.ndarray
    row_actions: np.ndarray
    row_rewards: np.ndarray
    row_scores: np.ndarray
    row_lengths: np.ndarray
    sums: np.ndarray
    over: np.ndarray


def new_prefixes(rows: int, steps: int, width: int) -> Prefixes:
    """Return room for `rows` prefixes of up to `steps` steps."""
    return Prefixes(
        np.zeros((rows, steps + 1, width), np.int64), np.zeros((rows, steps, width), np.int64), np.zeros((rows, steps), np.int64),
        np.zeros((rows, steps)), np.zeros((rows, steps)), np.zeros(rows, np.int64), np.zeros(rows), np.zeros(rows, np.bool_),
    )  # fmt: skip


@njit
def copy_row(source, i, to, j):
    """Make row `j` of the prefixes `to` a copy of row `i` of `source`."""
    n = source.row_lengths[i]
    to.row_states[j, : n + 1] = source.row_states[i, : n + 1]
    to.row_afters[j, :n] = source.row_afters[i, :n]
    to.row_actions[j, :n] = source.row_actions[i, :n]
    to.row_rewards[j, :n] = source.row_rewards[i, :n]
    to.row_scores[j, :n] = source.row_scores[i, :n]
    to.row_lengths[j], to.sums[j], to.over[j] = n, source.sums[i], source.over[i]


@njit
def search(problem, root, steps, width, by_value, beam, pool, values, rng, cost):
    """Fill `beam` with the survivors after `steps` steps, largest sum first; return (number of survivors, index of the best).

    The best has the largest sum or, `by_value`, the largest value by the evaluator; ties go to the first. `values` (width) holds
    what decided. Prefixes that ended are kept with their sum. `pool` has room for all children of a beam. A stochastic world is
    sampled once along each prefix.
    """
    model, proposal, evaluator = problem
    menu, look = np.empty(model.actions, np.int64), np.empty(model.actions)
    beam.row_states[0, 0] = root
    beam.row_lengths[0], beam.sums[0], beam.over[0] = 0, 0.0, terminal(model, root)
    count, growing = 1, True
    for d in range(steps):
        if not growing:
            break
        size, growing = 0, False
        for i in range(count):
            if beam.over[i]:
                copy_row(beam, i, pool, size)
                size += 1
                continue
            cost[EXPANSIONS] += 1
            for j in range(propose(proposal, model, beam.row_states[i, d], rng, menu, look, cost)):
                copy_row(beam, i, pool, size)
                state = pool.row_states[size, d + 1]
                state[:] = beam.row_states[i, d]
                pool.row_rewards[size, d] = apply(model, state, menu[j])
                pool.row_afters[size, d] = state
                draw(model, state, rng)
                cost[TRANSITIONS] += 1
                pool.row_actions[size, d], pool.row_scores[size, d] = menu[j], look[j]
                pool.row_lengths[size] = d + 1
                pool.sums[size] += look[j]
                pool.over[size] = ended(model, state)
                size += 1
                growing = True
        count = min(width, size)
        order = np.argsort(-pool.sums[:size], kind="mergesort")  # stable: ties in order
        for i in range(count):
            copy_row(pool, order[i], beam, i)
    best = 0
    cost[SIMULATIONS] += count
    for i in range(count):
        values[i] = beam.sums[i]
        if by_value:
            trajectory = Trajectory(
                beam.row_states[i], beam.row_afters[i], beam.row_actions[i], beam.row_rewards[i], beam.row_scores[i]
            )
            values[i] = appraise(evaluator, model, trajectory, beam.row_lengths[i], rng, cost)
        if values[i] > values[best]:
            best = i
    return count, best


class Beam:
    """Search with a beam of `width` for `steps` steps (0: as many as are left); the best survivor's first action is taken.

    The survivors are compared by their sums of local scores ("score") or by the evaluator ("value").
    """

    def __init__(self, name: str, parts: Parts, width: int = 8, steps: int = 0, by: str = "score") -> None:
        self.name, self.parts, self.width, self.steps, self.by = name, parts, max(1, width), max(0, steps), by

    def begin(self, instance: Instance, rng: np.ndarray) -> None:
        """See `Planner`."""
        self.model, self.rng = instance.model, rng
        self.problem = self.parts.problem(instance)
        self.search = suited(search, *self.problem)
        self.most = self.steps or instance.horizon or UNBOUNDED_STEPS
        self.beam = new_prefixes(self.width, self.most, self.model.width)
        self.pool = new_prefixes(self.width * most(self.problem.proposal, self.model), self.most, self.model.width)
        self.values, self.count = np.zeros(self.width), 0

    def decide(self, state: np.ndarray, steps_left: int | None, budget: Budget) -> Decision:
        """See `Planner`; the budget is not used."""
        cost = new_cost()
        steps = self.most if steps_left is None else min(self.most, steps_left)
        self.count, best = self.search(
            self.problem, state, steps, self.width, self.by == "value", self.beam, self.pool, self.values, self.rng, cost
        )  # fmt: skip
        line = self.line(best)
        if not line:
            return Decision(None, cost, note="no legal action, or no step left")
        values: dict[int, float] = {}
        for i in range(self.count):
            first = int(self.beam.row_actions[i, 0])
            values[first] = max(values.get(first, -np.inf), float(self.values[i]))
        return Decision(line[0], cost, 1, tuple(ActionValue(a, v, 1) for a, v in values.items()), line)

    def line(self, i: int) -> tuple[int, ...]:
        """Return the actions of the last search's survivor `i` (0 .. ``count`` - 1)."""
        return tuple(self.beam.row_actions[i, : self.beam.row_lengths[i]].tolist())


def make(name: str, width: int, steps: int, by: str, **params: Value) -> Beam:
    """Return the planner with these `PARAMS`."""
    return Beam(name, parts_of(params), width, steps, by)
