"""The operators by name."""

from collections.abc import Callable, Sequence

import numpy as np

from games.errors import UsageError, did_you_mean
from workbench.discovery.books.records import Proposal
from workbench.discovery.operators.baselines import Independent, RandomSearch, Sequential
from workbench.discovery.operators.constants import Constants
from workbench.discovery.operators.crossover import Crossover
from workbench.discovery.operators.symbolic import Symbolic
from workbench.discovery.population.view import Operator, View


class Mixed:
    """Asks one of several operators, drawn by weight; proposals carry the name of the one that made them."""

    name = "mixed"
    slow = False

    def __init__(self, parts: Sequence[tuple[Operator, float]]) -> None:
        self.parts = parts

    def propose(self, view: View, rng: np.random.Generator) -> Proposal:
        """Return a proposal of the operator drawn; of the first if that has nothing to offer."""
        shares = np.array([weight for _, weight in self.parts])
        drawn = self.parts[int(rng.choice(len(self.parts), p=shares / shares.sum()))][0]
        made = drawn.propose(view, rng)
        return made if made.source or drawn is self.parts[0][0] else self.parts[0][0].propose(view, rng)


OPERATORS: dict[str, Callable[[], Operator]] = {
    "mixed": lambda: Mixed([(Symbolic(), 0.65), (Constants(), 0.25), (Crossover(), 0.1)]),
    "symbolic": Symbolic,
    "crossover": Crossover,
    "constants": Constants,
    "random": RandomSearch,
    "iid": Independent,
    "sequential": Sequential,
    "constants-only": lambda: Constants(seeds_only=True),
}


def make_operator(name: str) -> Operator:
    """Return a new operator.

    Raises
    ------
    UsageError
        If there is none of the name.
    """
    if name not in OPERATORS:
        raise UsageError(f"unknown operator {name!r}{did_you_mean(name, list(OPERATORS))}; legal are {', '.join(OPERATORS)}")
    return OPERATORS[name]()
