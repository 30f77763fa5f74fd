"""What a search by local scores and trajectories is about, as one record for its kernels."""

from typing import Any, NamedTuple


class Problem(NamedTuple):
    """A world and the two parts with which a planner looks at it; all three are records, or some of them Python objects.

    Attributes
    ----------
    model : record
        The rules (`games.process`).
    proposal : record
        Which actions are considered in a state, with local scores (`planners.parts.proposals.propose`).
    evaluator : record
        What a trajectory is worth (`planners.evaluator`).
    """

    model: Any
    proposal: Any
    evaluator: Any
