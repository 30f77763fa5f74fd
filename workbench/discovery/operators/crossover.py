"""Crossover by part: a function, or an expression, of a second parent."""

from collections.abc import Mapping

from workbench.discovery.operators.symbolic import Symbolic

CROSSOVER: Mapping[str, float] = {"part": 1.0, "expression": 0.5}


class Crossover(Symbolic):
    """Takes parts of other programs and changes nothing else."""

    name = "crossover"

    def __init__(self) -> None:
        super().__init__(CROSSOVER, 0.0, 1)
