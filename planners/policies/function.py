"""A function as a policy: a file of the user's own with ``logits(instance, state, actions)``, in Python, NumPy or JAX.

It returns a number for each of `actions`, those that have an effect in `state` (int64 words; the world says what they mean, such as
``instance.world.tiles(state)`` for 2048). It plays by itself: the greatest number, or a draw from the softmax at a temperature.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from games.errors import GameplanError
from games.makers import Maker, accepts, blamed
from games.modules import Program
from games.world import Instance
from planners.policies.catalogue import POLICY, Learned
from planners.policies.reactive import Reactive

NAME = "logits"


class Function:
    """A policy (`planners.policies.policy`) by a function; it runs uncompiled."""

    def __init__(self, function: Callable[..., Any], instance: Instance, program: Program) -> None:
        self._function, self._instance, self._program = function, instance, program

    def prefer(self, model: Any, state: np.ndarray, actions: np.ndarray, count: int, logits: np.ndarray) -> None:
        """Write the logits of ``actions[:count]`` to `logits`.

        Raises
        ------
        GameplanError
            If the function fails, or does not return a finite number for each of them.
        """
        with blamed(self._program, f"{NAME}()"):
            found = np.asarray(self._function(self._instance, state.copy(), actions[:count].copy()), np.float64)
        if found.shape != (count,):
            raise GameplanError(
                f"{self._program.name}: {NAME}() returns the shape {found.shape}; it must be {(count,)}, a number an action"
            )
        if not np.isfinite(found).all():
            raise GameplanError(f"{self._program.name}: {NAME}() returns {found[~np.isfinite(found)][0]}; logits must be finite")
        logits[:count] = found


class FunctionPlanner(Reactive):
    """The planner `policy` with a function in place of a file."""

    def __init__(self, name: str, program: Program, temperature: float) -> None:
        super().__init__(name, "", temperature)
        self._program = program

    def begin(self, instance: Instance, rng: np.ndarray) -> None:
        """See `planners.planner.Planner`."""
        function = Function(getattr(self._program.module, NAME), instance, self._program)
        self._given = Learned(POLICY, "function", {}, function)
        super().begin(instance, rng)


def function_maker(program: Program) -> Maker | None:
    """Return what makes the planner of a program that has such a function, None if it has none or is a planner itself.

    Raises
    ------
    GameplanError
        If it takes other arguments.
    """
    function = getattr(program.module, NAME, None)
    if function is None or (program.attribute != NAME and hasattr(program.module, program.attribute)):
        return None
    if not callable(function) or not accepts(function, ("",) * 3, {}):
        raise GameplanError(f"{program.name}: {NAME} must be a function of (instance, state, actions)")
    return Maker(lambda name, temperature: FunctionPlanner(name, program, temperature), {"temperature": 0.0}, {})
