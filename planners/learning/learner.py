"""What the loop around a training run sees of what learns: it advances, says what it measured, stores and restores its state."""

from typing import Protocol

import numpy as np

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


class Diverged(Exception):
    """What is learned is no longer a number; the message says which."""
