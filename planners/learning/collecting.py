"""How a method's samples are played: turns of episodes that go on, groups of actions at them, or whole episodes from one start."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from games.dispatch import suited
from games.errors import GameplanError
from games.jit import njit
from games.params import Value
from games.process import goal
from games.random import stream
from games.world import Instance
from planners.learning import play
from planners.learning.batch import Batch
from planners.learning.seats import Seats

PIECE = 256  # turns of an episode that are played in one call
NOWHERE = "nothing can be done at the starts of this world's episodes, so nothing is learned there"


@njit
def _solved(model, state):
    return goal(model, state)


@dataclass
class Played:
    """Stretches of play, one after the other.

    `parts` are the arrays of `planners.learning.play.Course` of each, with the arrays ``sequence``, ``place``, ``cut`` and perhaps
    ``group`` of `planners.learning.batch.Batch`; `instances` where each was played; `lengths` and `solved` those of the sequences.
    """

    parts: list[dict[str, np.ndarray]]
    instances: list[Instance]
    lengths: np.ndarray
    solved: np.ndarray


def turns(seats: Seats, policy: Any, options: Mapping[str, Value]) -> Played:
    """Play the episodes under way on by some turns each, and return what was played; mutates `seats`."""
    wanted = int(options["turns"])
    parts: list[dict[str, np.ndarray]] = []
    instances: list[Instance] = []
    for k, rng in enumerate(seats.rngs):
        played, tries = 0, 0
        while played < wanted:
            instance = seats.instances[k]
            left = wanted - played
            if instance.horizon is not None:
                left = min(left, instance.horizon - int(seats.steps[k]))
            made = _follow(seats, policy, options, instance, seats.states[k], left, rng)
            done = len(made["gained"])
            seats.played(k, made["offered"][np.arange(done), made["chosen"]].tolist(), made["gained"].sum())
            if done:
                made["sequence"], made["place"] = np.full(done, k), played + np.arange(done)
                made["cut"] = np.arange(done) == done - 1
                parts.append(made)
                instances.append(instance)
            played, tries = played + done, 0 if done else tries + 1
            if tries > 100:
                raise GameplanError(NOWHERE)
            if done < left or made["over"][-1:].any() or seats.steps[k] == instance.horizon:
                seats.over(k)
    return Played(parts, instances, np.full(len(seats.states), wanted), np.zeros(len(seats.states), bool))


def episodes(seats: Seats, policy: Any, options: Mapping[str, Value]) -> Played:
    """Play whole episodes, several from each start, and return what was played; mutates `seats`."""
    parts: list[dict[str, np.ndarray]] = []
    instances: list[Instance] = []
    lengths: list[int] = []
    solved: list[bool] = []
    for start in range(int(options["starts"])):
        instance = seats.next(0)
        for _ in range(int(options["group"]) or 1):
            state, pieces, left = instance.start.copy(), [], instance.horizon
            while left is None or left > 0:
                size = PIECE if left is None else min(left, PIECE)
                pieces.append(_follow(seats, policy, options, instance, state, size, seats.rngs[0]))
                left = None if left is None else left - size
                if len(pieces[-1]["gained"]) < size or pieces[-1]["over"][-1]:
                    break
            made = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]} if pieces else {}
            done = len(made.get("gained", ()))
            seats.finished(float(made["gained"].sum()) if done else 0.0)
            if done:
                made["sequence"], made["place"] = np.full(done, len(lengths)), np.arange(done)
                made["cut"], made["group"] = np.arange(done) == done - 1, np.full(done, start)
                parts.append(made)
                instances.append(instance)
                lengths.append(done)
                solved.append(bool(suited(_solved, instance.model)(instance.model, state)))
    if not parts:
        raise GameplanError(NOWHERE)
    return Played(parts, instances, np.array(lengths), np.array(solved))


def grouped(batch: Batch, size: int, seed: int, update: int) -> Batch:
    """Return `batch` with rows for `size` drawn actions (0: all) at every turn that has a choice, in place of the one played."""
    choices = np.flatnonzero(batch.counts > 1)
    if size == 0:
        at, chosen = np.nonzero(np.isfinite(batch.old) & (batch.counts > 1)[:, None])
        weight = np.exp(batch.old[at, chosen])
    else:
        at = np.repeat(choices, size)
        draws = np.random.Generator(np.random.PCG64([seed, update])).random((len(choices), size, 1))
        edges = np.cumsum(np.exp(batch.old[choices]), axis=1)[:, None, :]
        chosen = np.minimum((draws * edges[:, :, -1:] >= edges).sum(axis=2).ravel(), batch.counts[at] - 1)
        weight = np.full(len(at), 1.0 / size)
    batch.at, batch.chosen, batch.group, batch.weight = at, chosen, at, weight
    batch.rewards = batch.ask.rewards(at, chosen, stream("rewards", seed, update))
    return batch


def _follow(
    seats: Seats, policy: Any, options: Mapping[str, Value], instance: Instance, state: np.ndarray, count: int, rng: np.ndarray
) -> dict[str, np.ndarray]:
    """Play up to `count` turns from `state`, in place, and return what was written (`planners.learning.play.Course`)."""
    model, width = instance.model, len(state)
    made = play.Course(
        np.zeros((count, width), np.int64), np.zeros((count + 1, model.actions), np.int64), np.zeros(count, np.int64),
        np.zeros(count, np.int64), np.zeros(count), np.zeros((count, width), np.int64), np.zeros(count, bool),
    )  # fmt: skip
    kernel = suited(play.follow, model, policy)
    done = int(kernel(policy, model, state, bool(options["listed"]), count, rng, tuple(made)))
    seats.environment_steps += done
    return {name: array[:done] for name, array in made._asdict().items()}
