"""The Monte-Carlo critic asked of one position, by its name and what a person says of it."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from games.errors import UsageError, did_you_mean
from games.modules import is_program, short_name
from games.params import Value
from games.world import Instance, World
from games.worlds import load_world, rollout_options, world_options
from planners.critic.learned import critic_of
from planners.critic.monte_carlo import POLICIES, critic_report
from workbench.runs.programs import explained
from workbench.terminal.interrupts import patience


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes
    ----------
    env : str
        The world.
    board : str, optional
        The position, as the world reads it; None: the start of the instance `seed`.
    seed : int
        Also of the rollouts.
    rollouts, length, gamma : int, int, float
        M, T and the discount; 0 for the world's own length and discount.
    policy : str
        Of the rollouts: one of `POLICIES`, or a learned one, by its run or file.
    world : mapping
        Options of the world.
    """

    env: str
    board: str | None = None
    seed: int = 0
    rollouts: int = 1000
    length: int = 0
    gamma: float = 0.0
    policy: str = "all"
    world: Mapping[str, Value] = field(default_factory=dict)

    @property
    def learned(self) -> str:
        """The learned policy, "" if the rollouts are random."""
        return "" if self.policy in POLICIES else self.policy


class Answer(NamedTuple):
    """What was found: the record for people and files, and the position that it is of."""

    record: dict[str, Any]
    world: World
    instance: Instance
    state: np.ndarray


def ask_critic(question: Question, jobs: int | None = None, say: Callable[[str], None] = lambda text: None) -> Answer:
    """Return V and Q of a position, mean discounted returns of rollouts with standard errors (ProAct's critic).

    Parameters
    ----------
    question : Question
    jobs : int, optional
        Threads, one a core unless given; the answer does not depend on it.
    say : callable
        Told what a user should know.

    Raises
    ------
    UsageError
        For an unknown world, policy or option, or a position that cannot be read.
    """
    env, learned = question.env, question.learned
    if learned and not Path(learned).exists():
        legal = f"{', '.join(POLICIES)}, or a run of 'gameplan train'"
        raise UsageError(f"--policy {learned} is not possible{did_you_mean(learned, POLICIES)}; legal: {legal}")
    own = {"env": env} if is_program(env) else {}
    with explained(own):
        return _answer(question, jobs or os.cpu_count() or 1, say)


def _answer(question: Question, threads: int, say: Callable[[str], None]) -> Answer:
    env, learned = question.env, question.learned
    options = {**rollout_options(env, question.policy), **question.world}
    world = load_world(env, options)
    instance = world.instance(question.seed)
    state = instance.start
    if question.board is not None:
        read = getattr(world, "read", None)
        if read is None:
            raise UsageError(f"{env} reads no --board; choose a position by --seed")
        state = read(question.board)
    rollouts, length, gamma, seed = question.rollouts, question.length, question.gamma, question.seed
    among = "all" if question.policy == "all" else "legal"
    critic = critic_of(instance, rollouts, length, gamma, among, learned)
    with patience(say, f"compiling the critic for {short_name(env)}", own=is_program(env)):
        record = critic_report(world, instance, state, critic, seed, threads=threads)
    return Answer(record | {"policy": question.policy, "world": world_options(env, options)}, world, instance, state)
