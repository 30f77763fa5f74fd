"""A task that costs nothing: a function of one number that should be like a curve."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from workbench.discovery.genome.canonical import canonical, split
from workbench.discovery.genome.check import problems
from workbench.discovery.genome.grammar import Grammar, Part, Template
from workbench.discovery.task import Answer, BadAnswer, Hurdle

FUNCTIONS = {"curve": ("x", "params")}
SEED = '''
PARAMS = {"a": 1.0}


def curve(x, params):
    """A line."""
    return params.a * x
'''
TARGETS = {"square": lambda x: x * x + 1.0, "wave": lambda x: np.abs(x) + 0.5 * x}
GRID = np.linspace(-2.0, 2.0, 9)


class Toy:
    name = "toy"
    train = ("square", "wave")
    held_out = ("square",)
    horizon = 9
    hurdle = Hurdle("square", 3, 0.9)
    measure = "mean square error"
    grammar = Grammar(
        functions={"curve": Part(numbers=("x",))},
        templates=(
            Template("{0} + {1}"),
            Template("{0} * {1}"),
            Template("{c} * {0}"),
            Template("{0} + {c}"),
            Template("max({0}, {1})"),
        ),
    )

    def seeds(self) -> Mapping[str, str]:
        return {"line": SEED}

    def known(self) -> Mapping[str, str]:
        return {"parabola": SEED.replace("params.a * x", "x * x + params.a")}

    def problems(self, source: str) -> list[str]:
        return problems(source, FUNCTIONS)

    def canonical(self, source: str) -> str:
        return canonical(source, FUNCTIONS)

    def split(self, source: str) -> tuple[str, dict[str, float]]:
        return split(source)

    def prepare(self, structure: str) -> Any:
        space: dict[str, Any] = {}
        exec(compile(structure, "<toy>", "exec"), space)
        return space["curve"], space["PARAMS"]

    def fingerprint(self, source: str, seed: int) -> np.ndarray:
        structure, constants = split(source)
        return self.run(self.prepare(structure), constants, "square", 9, 0)["y"]

    def run(self, program: Any, constants: Mapping[str, float], instance: str, horizon: int, seed: int) -> Answer:
        curve, defaults = program
        params = type("Params", (), {**defaults, **constants})
        return {"y": np.array([float(curve(float(x), params)) for x in GRID[:horizon]])}

    def score(self, instance: str, horizon: int, seed: int, answer: Answer) -> float:
        y = answer.get("y")
        if y is None or y.shape != (horizon,) or not np.isfinite(y).all():
            raise BadAnswer("no finite curve")
        return float(np.mean((y - TARGETS[instance](GRID[:horizon])) ** 2)) + 1e-9

    def warm(self, instances: Sequence[str]) -> None:
        pass


TASK = Toy()
