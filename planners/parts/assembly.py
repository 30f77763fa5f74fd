"""The parts of a planner as its parameters name them, put together for an instance.

Parameters
----------
and those of planners.parts.proposals
and those of planners.parts.evaluators
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from games.params import Value
from games.world import Instance
from planners.parts import evaluators, proposals
from planners.parts.evaluators import make_evaluator
from planners.parts.problem import Problem
from planners.parts.proposals import make_proposal

# What planners that use both have among their PARAMS.
PARAMS: dict[str, Value] = {**proposals.PARAMS, **evaluators.PARAMS}


@dataclass(frozen=True)
class Parts:
    """Makers of the proposal and of the evaluator of an instance, records or Python objects."""

    proposal: Callable[[Instance], Any]
    evaluator: Callable[[Instance], Any]

    def problem(self, instance: Instance) -> Problem:
        """Return what is to be searched, for the kernels of a planner."""
        return Problem(instance.model, self.proposal(instance), self.evaluator(instance))


def parts_of(params: Mapping[str, Any]) -> Parts:
    """Return the parts that a planner's `params` name; those that it does not have take their defaults."""
    of_proposal = {name: params[name] for name in proposals.PARAMS if name in params}
    of_evaluator = {name: params[name] for name in evaluators.PARAMS if name in params}
    return Parts(lambda instance: make_proposal(instance, **of_proposal), lambda instance: make_evaluator(instance, **of_evaluator))
