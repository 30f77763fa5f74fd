"""What a planner is: it is told when an episode begins, and asked for one decision after the other."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np

from games.world import Instance
from planners.budget import Budget
from planners.status import GIVEN_UP


class ActionValue(NamedTuple):
    """What a planner knows of one action at the root; NaN or 0 where it does not know."""

    action: int
    value: float
    visits: int = 0
    spread: float = float("nan")  # standard deviation of the returns behind `value`
    risk: float = float("nan")  # share of the simulations in which the episode was lost


@dataclass(frozen=True)
class Decision:
    """One decision: the action, and what was known when it was taken.

    `cost` counts the planning behind it (`planners.budget.COUNTERS`); `units` repeats it (see `Budget`); `line` is the best line
    found, beginning with `action`; of it, the first `commit` actions are to be executed before planning again, as far as chance
    lets them; `fallback` says that the planner could not plan and took the first action it had. Without an `action` the episode
    ends: `status` (`planners.status`) says how, which tells a proof that nothing can be done from a limit, and `note` why. Of a
    whole plan to a goal, `optimal` says whether it is proven to be a cheapest one, and `member` which search of several found it.
    `record` is what a planner keeps beyond this, such as its tree.
    """

    action: int | None
    cost: np.ndarray
    units: int = 0
    values: tuple[ActionValue, ...] = ()
    line: tuple[int, ...] = ()
    commit: int = 1
    fallback: bool = False
    note: str = ""
    status: str = GIVEN_UP
    optimal: bool | None = None
    member: str = ""
    record: Any = field(default=None, repr=False)


class Planner(Protocol):
    """A planner with its settings. It may keep a memory over the decisions of an episode, never over episodes.

    One that is asked for a whole plan to a goal, or for the reason why there is none, says so by an attribute ``solves``.
    `workbench.testing.PlannerSuite` tests what is promised here.
    """

    name: str

    def begin(self, instance: Instance, rng: np.ndarray) -> None:
        """Start an episode; `rng` (`games.random.stream`) is the planner's own and is advanced by its decisions."""

    def decide(self, state: np.ndarray, steps_left: int | None, budget: Budget) -> Decision:
        """Return the decision in `state`, which is not mutated; `steps_left` is None without a limit, else at least 1.

        The action is a legal one. In a terminal state, and where a planner can say nothing of a state that is proven lost, there is
        none to return: the decision is one without an action. Counted limits are kept, but one unit is always done.
        """
