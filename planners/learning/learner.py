"""What the loop around a training run sees of what learns: it advances, says what it measured, stores and restores its state."""

from typing import Any, Protocol

import numpy as np

from games.errors import GameplanError, with_article
from planners.policies.catalogue import Learned


class Learner(Protocol):
    """Something that learns in pieces. Its random numbers come from streams of its own, which are part of its state.

    Attributes
    ----------
    updates : int
        Pieces of learning done: batches of policy optimisation, thousands of moves of TD learning; `unit` names one.
    environment_steps, expansions : int
        Transitions of the world taken to act and, apart from them, to plan and to roll out.
    """

    updates: int
    unit: str

    @property
    def environment_steps(self) -> int:
        """Steps that were acted."""

    @property
    def expansions(self) -> int:
        """Steps that were planned or rolled out."""

    def advance(self) -> None:
        """Do the next update, which takes a fraction of a second.

        Raises
        ------
        Diverged
            If numbers are no longer finite; then the state is that before this update.
        """

    def figures(self) -> dict[str, float]:
        """Return what the last update measured, such as score, entropy and divergence; no clock among it."""

    def state(self) -> dict[str, np.ndarray]:
        """Return all that decides how it goes on, by name."""

    def restore(self, updates: int, arrays: dict[str, np.ndarray]) -> None:
        """Go on where `state` was taken, after so many updates, to the same bits."""

    def learned(self) -> tuple[Learned, ...]:
        """Return what is to be kept: a policy, a value, or both; the first is the one that is evaluated."""


def checked_learner(name: str, found: Any) -> Learner:
    """Return what the method `name` made, if it is a learner.

    Raises
    ------
    GameplanError
        If it is none, saying what it lacks.
    """
    parts = ("updates", "unit", "environment_steps", "expansions", "advance", "figures", "state", "restore", "learned")
    missing = [part for part in parts if not hasattr(found, part)]
    if missing:
        raise GameplanError(
            f"{name}: learner() makes {with_article(type(found).__name__)}, which is no learner: it has no {missing[0]}; "
            "planners/learning/learner.py says what one has"
        )
    learned, state = found.learned(), found.state()
    if not isinstance(learned, tuple) or not learned or not all(isinstance(each, Learned) for each in learned):
        raise GameplanError(f"{name}: learned() must return a tuple of what was learned, planners.policies.catalogue.Learned")
    if not isinstance(state, dict) or not all(isinstance(k, str) and isinstance(v, np.ndarray) for k, v in state.items()):
        raise GameplanError(f"{name}: state() must return a dictionary of arrays by name")
    made: Learner = found
    return made


class Diverged(Exception):
    """What is learned is no longer a number; the message says which."""
