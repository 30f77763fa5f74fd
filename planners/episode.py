"""One episode: a planner plays an instance, one decision after the other."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from games.dispatch import suited
from games.errors import GameplanError
from games.jit import njit
from games.process import apply, draw, goal, legal, unlisted
from games.random import stream
from games.world import Instance
from planners.budget import Budget, new_cost
from planners.planner import Decision, Planner
from planners.status import CUT, ENDED, SOLVED, STOPPED, TIME_LIMIT, UNSOLVABLE

LARGEST_REWARD = 1e100  # sums and squares of such are finite


@dataclass
class Episode:
    """What happened in an episode.

    `states` has one entry more than `actions` and `rewards`; `decisions` has one entry a call of the planner, which may cover
    several actions; `cost` sums their counters, `seconds` (wall) and `cpu_seconds` their time. `status` (`planners.status`) says
    why it ended, `note` more where a planner did not go on. `report` has what a planner with a method of this name counts of an
    episode beside `cost`.
    """

    instance: Instance
    states: list[np.ndarray]
    actions: list[int] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    cost: np.ndarray = field(default_factory=new_cost)
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    status: str = ENDED
    note: str = ""
    report: dict[str, int] = field(default_factory=dict)


@njit
def options(model, state, actions):
    """Write the legal actions to `actions`; return their number and whether `state` is a goal."""
    return legal(model, state, actions), goal(model, state)


@njit
def step(model, state, action, rng):
    """Turn `state` in place into what follows `action` and the chance event after it; return the reward."""
    reward = apply(model, state, action)
    draw(model, state, rng)
    return reward


def play(
    instance: Instance,
    planner: Planner,
    budget: Budget | Sequence[Budget],
    *,
    seed: int = 0,
    steps: int | None = None,
    keep_records: bool = False,
    time_limit: float | None = None,
    stop: Callable[[], bool] = lambda: False,
    on_decision: Callable[[Episode], None] = lambda episode: None,
) -> Episode:
    """Return the episode that `planner` plays on `instance`.

    Parameters
    ----------
    budget : Budget or sequence of Budget
        Of every decision, or of each in turn: to repeat an episode that was planned against the clock, which had no more.
    seed : int
        Names two streams, that of the world's chance, equal for all planners, and that of this planner.
    steps : int, optional
        Cuts the episode earlier than the instance's own horizon.
    keep_records : bool
        Keep what planners record beyond a decision, such as trees, which may be large; `on_decision` sees it in any case.
    time_limit : float, optional
        Seconds of planning after which no further decision is taken.
    stop : callable
        Asked before every decision.
    on_decision : callable
        Told the episode so far after every decision, before its actions are executed.

    Raises
    ------
    GameplanError
        If the planner chooses an illegal action, or the world pays a reward that is not finite.
    """
    model = instance.model
    look, move = suited(options, model), suited(step, model)
    chance = stream("chance", instance.name, seed)
    planner.begin(instance, stream("planner", planner.name, instance.name, seed))
    limits = [n for n in (instance.horizon, steps) if n is not None]
    horizon = min(limits) if limits else None
    state, actions = instance.start.copy(), np.empty(model.actions, np.int64)
    episode = Episode(instance, [state.copy()])
    count, solved = look(model, state, actions)
    if not count and not solved and getattr(planner, "solves", False):
        episode.status, episode.note = UNSOLVABLE, "nothing can be done"
    while count and not solved:
        done = len(episode.actions)
        if horizon is not None and done >= horizon:
            episode.status = CUT
            break
        if stop():
            episode.status = STOPPED
            break
        over = time_limit is not None and episode.seconds >= time_limit
        if over or (not isinstance(budget, Budget) and len(episode.decisions) == len(budget)):
            episode.status = TIME_LIMIT
            break
        now = budget if isinstance(budget, Budget) else budget[len(episode.decisions)]
        wall, cpu = time.perf_counter(), time.process_time()
        decision = planner.decide(state, None if horizon is None else horizon - done, now)
        episode.seconds += time.perf_counter() - wall
        episode.cpu_seconds += time.process_time() - cpu
        episode.decisions.append(decision)
        episode.cost += decision.cost
        if decision.action is None:
            episode.status, episode.note = decision.status, decision.note
            break
        on_decision(episode)
        if not keep_records and decision.record is not None:
            episode.decisions[-1] = replace(decision, record=None)
        planned = (decision.line or (decision.action,))[: max(1, decision.commit)]
        for k, action in enumerate(planned[: None if horizon is None else horizon - done]):
            if action not in actions[:count] and not unlisted(model, action):
                if k > 0 and model.outcomes:  # chance went another way than the line: plan again
                    break
                raise GameplanError(f"planner {planner.name} chose action {action} in {instance.name}, which is not legal there")
            reward = float(move(model, state, action, chance))
            if not abs(reward) <= LARGEST_REWARD:
                raise GameplanError(
                    f"step {len(episode.actions) + 1} in {instance.name} pays {reward:g}; rewards must be finite, at most "
                    f"{LARGEST_REWARD:g} in size"
                )
            episode.rewards.append(reward)
            episode.actions.append(int(action))
            episode.states.append(state.copy())
            count, solved = look(model, state, actions)
            if not count or solved:
                break
    if solved:
        episode.status = SOLVED
    if hasattr(planner, "report"):
        episode.report = planner.report()
    return episode
