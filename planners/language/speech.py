"""How the states and actions of a world are put into words, and words turned back into actions."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from games.dispatch import suited
from games.errors import GameplanError, UsageError
from games.jit import njit
from games.process import effective
from games.world import Instance
from planners.episode import options as look
from planners.language.prompts import PUSHES, WALKS, Prompt, plain_board

TASKS = {
    "2048": "You play 2048: slide all tiles in one direction; equal tiles that meet merge; the aim is a high score.",
    "sokoban": "You solve Sokoban puzzles: push every box to a target.",
    "": "You plan step by step and want to reach the goal.",
}


@njit
def with_effect(model, state, actions):
    """Write the actions that can change `state` to `actions`; return how many."""
    return effective(model, state, actions)


class Speech:
    """Speaks about one instance, in the words of its world.

    Worlds of board games bring ``action(name)``, which raises `UsageError` for a name that is none, and either ``variant``, the
    name of ProAct's prompt (Sokoban), or ``tiles`` and ``observation(state)``, the board as ProAct shows it (2048). Any world may
    bring ``question(instance)``, the task in words.
    """

    def __init__(self, instance: Instance) -> None:
        world: Any = instance.world
        if world is None:
            raise GameplanError(f"instance {instance.name} names no world, so it cannot be put into words for a language model")
        self.instance, self.world = instance, world
        self._look, self._with_effect = suited(look, instance.model), suited(with_effect, instance.model)
        self.task = self._task()

    def _task(self) -> str:
        if hasattr(self.world, "question"):
            return str(self.world.question(self.instance))
        return TASKS["2048" if hasattr(self.world, "tiles") else "sokoban" if self.variant else ""]

    @property
    def variant(self) -> str:
        """The name of the world's prompt, such as 2048_4x4 or origin; empty if its states are shown as in `text`."""
        if hasattr(self.world, "tiles"):
            return f"{1024 * self.world.base}_{self.world.rows}x{self.world.columns}"
        return str(getattr(self.world, "variant", ""))

    def prompt(self, prompts: Mapping[str, Prompt]) -> Prompt | None:
        """Return the prompt of the world's variant; that of 4x4 cells does for 2048 on any board; None if there is none."""
        return prompts.get(self.variant) or prompts.get(self.variant.partition("_")[0] + "_4x4")

    def observation(self, state: np.ndarray, plain: bool) -> str:
        """Return the board as ProAct shows it; with `plain` 2048 has line breaks where ProAct has a backslash and an n."""
        if not hasattr(self.world, "observation"):
            return str(self.world.text(self.instance, state))
        shown = str(self.world.observation(state))
        return plain_board(shown) if plain else shown

    def words(self) -> tuple[str, ...]:
        """Return the words for moves on the board."""
        return WALKS + PUSHES if self.variant in ("origin", "symbol") else WALKS

    def move(self, word: str) -> int | None:
        """Return the action called `word`; None if the world knows no such action, not even as an error."""
        try:
            return int(self.world.action(word))
        except UsageError:
            return None

    def text(self, state: np.ndarray) -> str:
        """Return the state for menus and trajectories: the board, or what the world shows to people."""
        return self.observation(state, plain=True)

    def options(self, state: np.ndarray) -> tuple[list[int], list[str]]:
        """Return the legal actions and their names."""
        actions = np.empty(self.instance.model.actions, np.int64)
        count, _ = self._look(self.instance.model, state, actions)
        found = [int(action) for action in actions[:count]]
        return found, self.names(state, found)

    def effective(self, state: np.ndarray) -> list[int]:
        """Return the legal actions that can change `state`."""
        actions = np.empty(self.instance.model.actions, np.int64)
        return [int(action) for action in actions[: self._with_effect(self.instance.model, state, actions)]]

    def names(self, state: np.ndarray, actions: Sequence[int]) -> list[str]:
        """Return the names of `actions` in `state`."""
        return [str(self.world.action_name(self.instance, state, action)) for action in actions]
