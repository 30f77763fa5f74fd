"""The Monte-Carlo critic: values of states and actions as means over rollouts of a fixed policy (ProAct, arXiv 2602.05327).

V(s) is the mean discounted return of M rollouts of at most T steps from s, Q(s, a) that of rollouts that begin with a, the first
transition drawn anew in each. Nothing is learned and nothing bootstraps at T: these are values of the rollout policy, not of the
player who acts on them. Whether T counts the first action is the world's convention (`games.process.critic_convention`).
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from games.dispatch import operation, suited
from games.errors import UsageError
from games.jit import embedded, njit
from games.process import apply, by_pushes, critic_convention, draw, effective, fresh, goal, legal, playout, push_playout, terminal
from games.random import below, mix, stream
from games.world import Instance, World
from planners.budget import TRANSITIONS
from planners.evaluator import value

# Rollout policies: uniform over what the world lists as actions, impossible ones included (ProAct); over those with an effect; over
# pushes that keep every box where it can still reach a goal, the walk to them free (Sokoban).
POLICIES = ("all", "legal", "pushes")
AGGREGATES = ("mean", "max")
NO_ACTION = np.iinfo(np.int64).min  # in place of a first action: the rollouts give V(s)


class Critic(NamedTuple):
    """How values are estimated: `rollouts` (M), each of at most `steps` (T), `discount` (gamma), `policy` (index in POLICIES).

    With `repeat_first` the reward of a first action without an effect counts twice, as in the reference implementation of ProAct
    on Sokoban (an error there, for comparisons only).
    """

    rollouts: int
    steps: int
    discount: float
    policy: int = 0
    repeat_first: bool = False


class PolicyCritic:
    """A `Critic` whose rollouts follow any Python function: ``policy(model, state, rng)`` returns the action to take in `state`."""

    repeat_first = False

    def __init__(self, policy: Callable[[Any, np.ndarray, np.ndarray], int], rollouts: int, steps: int, discount: float) -> None:
        self.policy, self.rollouts, self.steps, self.discount = policy, rollouts, steps, discount

    def simulate(self, model: Any, state: np.ndarray, steps: int, rng: np.ndarray) -> tuple[float, int]:
        """See `simulate`."""
        total, factor, done = 0.0, 1.0, 0
        while done < steps and not terminal(model, state):
            total += factor * apply(model, state, self.policy(model, state, rng))
            draw(model, state, rng)
            factor *= self.discount
            done += 1
        return total, done

    def prospect(self, model: Any, state: np.ndarray, within: int, rng: np.ndarray, cost: np.ndarray) -> tuple[float, float]:
        """See `prospect`."""
        return _prospect(self, model, state, within, rng, cost)

    def value(self, model: Any, state: np.ndarray, rng: np.ndarray, cost: np.ndarray) -> float:
        """See `planners.evaluator.value`."""
        return _prospect(self, model, state, 0, rng, cost)[0]


@operation
def simulate(critic, model, state, steps, rng):
    """Follow the rollout policy from `state`, in place, for at most `steps` steps; return (discounted return, steps done)."""
    raise NotImplementedError


@operation
def legal_playout(model, state, steps, discount, rng):
    """Do as `games.process.playout`, uniformly over the actions that have an effect."""
    actions, total, factor, done = np.empty(model.actions, np.int64), 0.0, 1.0, 0
    while done < steps:
        count = effective(model, state, actions)
        if count == 0:
            break
        total += factor * apply(model, state, actions[below(rng, count)])
        draw(model, state, rng)
        factor *= discount
        done += 1
    return total, done


@simulate.of(Critic)
def _simulate(critic, model, state, steps, rng):
    if critic.policy == 2:
        return push_playout(model, state, steps, critic.discount, rng)
    if critic.policy == 1:
        return legal_playout(model, state, steps, critic.discount, rng)
    return playout(model, state, steps, critic.discount, rng)


@operation
def prospect(evaluator, model, state, within, rng, cost):
    """Return (V(s), share of its simulations that end without success within so many steps; 0 from evaluators without any)."""
    return value(evaluator, model, state, rng, cost), 0.0


def _prospect(critic, model, state, within, rng, cost):
    current, total, ends = np.empty_like(state), 0.0, 0
    for _ in range(critic.rollouts):
        current[:] = state
        fresh(model, current)
        gained, done = simulate(critic, model, current, critic.steps, rng)
        total += gained
        cost[TRANSITIONS] += done
        if done <= within and done < critic.steps and not goal(model, current):
            ends += 1
    return total / critic.rollouts, ends / critic.rollouts


prospect.of(Critic)(_prospect)


@value.of(Critic)
def _value(critic, model, state, rng, cost):
    return prospect(critic, model, state, 0, rng, cost)[0]


@embedded
def set_stream(rng, seed, number):
    """Make `rng` the stream of `number` among those of `seed` (uint64)."""
    word = mix(seed ^ mix(np.uint64(number)))
    for k in range(4):
        word = mix(word)
        rng[k] = word


@embedded
def rollout(critic, model, state, first, rng):
    """Turn `state` into the end of one rollout that begins with the action `first`, if any; return (return, steps done)."""
    steps, gained, factor, done = critic.steps, 0.0, 1.0, 0
    if first != NO_ACTION:
        before = state.copy() if critic.repeat_first else state
        gained = apply(model, state, first)
        draw(model, state, rng)
        if critic.repeat_first and (state == before).all():
            gained *= 2.0
        factor, done = critic.discount, 1
        steps -= critic_convention(model)[2]
    later, more = simulate(critic, model, state, steps, rng)
    return gained + factor * later, done + more


@njit
def fill_returns(critic, model, state, firsts, seed, begin, end, returns, lengths, losses):
    """Write the rollouts begin .. end-1, M for each of `firsts` in turn: their return, length, and whether they ended unsolved.

    Each has a stream of its own, so it does not matter which thread does which.
    """
    current, rng = np.empty_like(state), np.empty(4, np.uint64)
    for k in range(begin, end):
        set_stream(rng, seed, k)
        current[:] = state
        fresh(model, current)
        returns[k], lengths[k] = rollout(critic, model, current, firsts[k // critic.rollouts], rng)
        losses[k] = terminal(model, current) and not goal(model, current)


class Estimate(NamedTuple):
    """Monte-Carlo values, one for each of `actions` (one in all, `NO_ACTION`, for a state's value).

    `returns` (actions, M) are the discounted returns, `values` their mean (or greatest), `errors` the standard errors of the means,
    `spreads` the standard deviations of one rollout, `losses` the shares that ended without success within T; `steps` counts all
    transitions.
    """

    actions: np.ndarray
    values: np.ndarray
    errors: np.ndarray
    spreads: np.ndarray
    losses: np.ndarray
    steps: int
    returns: np.ndarray


def action_values(
    critic: Any,
    model: Any,
    state: np.ndarray,
    seed: int,
    *,
    actions: Sequence[int] | None = None,
    threads: int = 1,
    aggregate: str = "mean",
) -> Estimate:
    """Return Q(s, a) of all `actions` (default: what the world lists in `state`, impossible ones included, in its order).

    Parameters
    ----------
    critic : Critic or PolicyCritic
    seed : int
        Names the streams of the rollouts, one each; the result is the same, bit for bit, for every number of `threads`.
    aggregate : str
        "mean", or "max" for the greatest return (not an estimate of the mean; the standard errors remain those of the mean).
    """
    if actions is None:
        buffer = np.empty(model.actions, np.int64)
        actions = buffer[: suited(_listed, model)(model, state, buffer)].tolist()
    return _estimate(critic, model, state, np.array(actions, np.int64), seed, threads, aggregate)


def state_value(critic: Any, model: Any, state: np.ndarray, seed: int, *, threads: int = 1, aggregate: str = "mean") -> Estimate:
    """Return V(s), as the one entry of an `Estimate`; the parameters are those of `action_values`."""
    return _estimate(critic, model, state, np.array([NO_ACTION]), seed, threads, aggregate)


def critic_report(
    world: World,
    instance: Instance,
    state: np.ndarray,
    critic: Any,
    seed: int = 0,
    *,
    threads: int = 1,
    aggregate: str = "mean",
) -> dict[str, Any]:
    """Return Q of every action the world lists in `state`, and V, with standard errors, as one record for people and files.

    Parameters
    ----------
    critic : Critic, LearnedCritic or PolicyCritic
        From `make_critic` or `planners.critic.learned.critic_of`.
    seed, threads, aggregate
        As in `action_values`.

    Raises
    ------
    UsageError
        For an unknown `aggregate`.
    """
    if aggregate not in AGGREGATES:
        raise UsageError(f"aggregate={aggregate} is not possible; legal: {', '.join(AGGREGATES)}")
    q = action_values(critic, instance.model, state, seed, threads=threads, aggregate=aggregate)
    v = state_value(critic, instance.model, state, seed, threads=threads, aggregate=aggregate)
    buffer = np.empty(instance.model.actions, np.int64)
    useful = buffer[: suited(_useful, instance.model)(instance.model, state, buffer)].tolist()
    rows = [
        {
            "action": world.action_name(instance, state, int(action)),
            "legal": int(action) in useful,
            "value": float(q.values[k]),
            "standard_error": float(q.errors[k]),
            "standard_deviation": float(q.spreads[k]),
            "lost": float(q.losses[k]),
        }
        for k, action in enumerate(q.actions)
    ]
    return {
        "M": critic.rollouts,
        "T": critic.steps,
        "gamma": critic.discount,
        "policy": POLICIES[critic.policy] if isinstance(critic, Critic) else "learned",
        "aggregate": aggregate,
        "mode": "proact" if critic.repeat_first else "clean",
        "seed": seed,
        "q": rows,
        "best": rows[int(q.values.argmax())]["action"] if rows else None,
        "v": {"value": float(v.values[0]), "standard_error": float(v.errors[0]), "standard_deviation": float(v.spreads[0])},
        "rollouts": critic.rollouts * (len(rows) + 1),
        "steps": q.steps + v.steps,
    }


def make_critic(
    model: Any, rollouts: int, steps: int = 0, discount: float = 0.0, policy: str = "all", repeat_first: bool = False
) -> Critic:
    """Return a `Critic` for `model`; steps = 0 and discount = 0 stand for the world's own.

    Raises
    ------
    UsageError
        For a parameter that makes no sense.
    """
    own_discount, own_steps, _ = critic_convention(model)
    if policy not in POLICIES:
        raise UsageError(f"the rollout policy {policy!r} is not known; legal: {', '.join(POLICIES)}")
    if policy == "pushes" and not by_pushes(model):
        raise UsageError("rollouts by pushes are for Sokoban; legal here: all, legal")
    if rollouts < 1:
        raise UsageError(f"{rollouts} rollouts give no value; at least 1 is needed")
    if steps < 0:
        raise UsageError(f"rollouts of {steps} steps are not possible; 0 stands for the world's own length, here {own_steps}")
    if not 0.0 <= discount <= 1.0:
        raise UsageError(
            f"a discount of {discount} is not possible; it lies in 0..1, where 0 stands for the world's own, here {own_discount}"
        )
    return Critic(rollouts, steps or own_steps, discount or own_discount, POLICIES.index(policy), repeat_first)


def _estimate(critic: Any, model: Any, state: np.ndarray, actions: np.ndarray, seed: int, threads: int, aggregate: str) -> Estimate:
    total = len(actions) * critic.rollouts
    returns, lengths, losses = np.empty(total), np.empty(total, np.int64), np.empty(total, np.bool_)
    kernel, word = suited(fill_returns, model, critic), stream("critic", seed)[0]

    def fill(begin: int, end: int) -> None:
        kernel(critic, model, state, actions, word, begin, end, returns, lengths, losses)

    bounds = [total * k // threads for k in range(threads + 1)]
    if threads == 1:
        fill(0, total)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(fill, bounds[:-1], bounds[1:]))
    table = returns.reshape(len(actions), critic.rollouts)
    spreads = table.std(axis=1, ddof=1) if critic.rollouts > 1 else np.full(len(actions), np.nan)
    values = table.max(axis=1) if aggregate == "max" else table.mean(axis=1)
    shares = losses.reshape(table.shape).mean(axis=1)
    return Estimate(actions, values, spreads / critic.rollouts**0.5, spreads, shares, int(lengths.sum()), table)


@njit
def _listed(model, state, actions):
    return legal(model, state, actions)


@njit
def _useful(model, state, actions):
    return effective(model, state, actions)
