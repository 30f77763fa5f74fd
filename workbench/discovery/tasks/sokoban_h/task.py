"""Sokoban heuristics, scored by how many states best-first search expands with them."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np

from games.sokoban.weighed import weighed
from planners.budget import EXPANSIONS, Budget, new_cost
from planners.search.best_first_search import SOLVED, Search, Way
from workbench.discovery.genome.canonical import canonical, split, with_constants
from workbench.discovery.genome.check import problems
from workbench.discovery.genome.grammar import Grammar, Part, Template
from workbench.discovery.genome.plain import plain_module, plain_rule
from workbench.discovery.task import Answer, BadAnswer, Hurdle
from workbench.discovery.tasks.sokoban_h import levels
from workbench.discovery.tasks.values import parameters

FUNCTIONS = {"square_value": (*levels.FEATURES, "params"), "bound_weight": ("boxes", "squares", "params")}
LARGEST = 1e9  # of a weight
UNSOLVED = 10  # a level that is not solved counts as so many times the limit
MEMORY = 1 << 30
DESCRIPTION = """
Sokoban levels are solved by best-first search over pushes: the state with the least g + h is expanded next, g being the pushes
made and h the estimate of those still needed. h is the sum of `square_value` over the squares of all boxes, plus `bound_weight`
times a lower bound on the pushes (the cheapest assignment of boxes to different goals), and at least 0. h may be too large: any
solution counts, and what is scored is how few states are expanded. Squares from which a box can reach no goal are never entered.

`square_value` returns the weight of a box on a square, which is computed once a level. All its arguments are floats: nearest,
mean and furthest are the pushes from the square to goals (of those it can reach), walls the number of walls around it (0 to 4),
corridor 1.0 if there are walls on two opposite sides, goal 1.0 on goals, goals_beside the number of neighbouring goals, steps the
player's walk to it from the start if no box were in the way, boxes the number of boxes in the level. `bound_weight` sees boxes,
and squares, the number of squares from which goals can be reached. `params` has the numbers of PARAMS. Both functions are under
@njit and return a number. From solvers.rule: safe_divide, safe_power, safe_exp, safe_log1p, safe_sqrt.
""".strip()

GRAMMAR = Grammar(
    functions={
        "square_value": Part(numbers=levels.FEATURES, weight=1.0),
        "bound_weight": Part(numbers=("boxes", "squares"), weight=0.25),
    },
    templates=(
        Template("{0} + {1}", 2.0), Template("{0} - {1}", 2.0), Template("{0} * {1}", 1.5), Template("{c} * {0}", 2.5),
        Template("safe_divide({0}, {1})", 0.7), Template("safe_power({0}, {c})", 0.7, 1.5), Template("safe_exp({0})", 0.2),
        Template("safe_log1p({0})", 0.4), Template("safe_sqrt({0})", 0.4), Template("max({0}, {1})", 0.5),
        Template("min({0}, {1})", 0.5), Template("{0} if {?} else {1}", 1.0),
    ),
    conditions=(Template("{0} > 0.0", 1.5), Template("{0} > {1}", 1.0), Template("{0} > {c}", 1.0, 3.0)),
    arguments={"safe_divide": (0, 1), "safe_power": (0, 1), "safe_exp": (0,), "safe_log1p": (0,), "safe_sqrt": (0,)},
)  # fmt: skip


class SokobanTask:
    """Functions from a square's features to the weight of a box on it; the horizon is the limit of expansions a level."""

    name = "sokoban-h"
    train = ("small", "medium", "large")
    held_out = ("small-new", "medium-new", "large-new", "crowded-new")
    horizon = 5000
    hurdle = Hurdle("small", 1000, 0.8)
    measure = "expansions (geometric mean)"
    description = DESCRIPTION
    grammar = GRAMMAR

    def seeds(self) -> Mapping[str, str]:
        """Return the distance to the nearest goal, and the known estimates."""
        return {"nearest": _seed("nearest"), **self.known()}

    def known(self) -> Mapping[str, str]:
        """Return the bound that ships and the simple one, as they are and three times (weighted A*)."""
        simple, bound = _seed("nearest"), _seed("built_in")
        return {
            "nearest": simple,
            "nearest-x3": with_constants(simple, {"weight": 3.0}),
            "matching": bound,
            "matching-x3": with_constants(bound, {"weight": 3.0}),
        }

    def problems(self, source: str) -> list[str]:
        """Return what the static check finds."""
        return problems(source, FUNCTIONS)

    def canonical(self, source: str) -> str:
        """Return the source in normal form."""
        return canonical(source, FUNCTIONS)

    def split(self, source: str) -> tuple[str, dict[str, float]]:
        """Return the source with its parameters' numbers taken out, and these."""
        return split(source)

    def prepare(self, structure: str) -> Any:
        """Import a program. It is called a few thousand times only, which is done before it would be compiled."""
        return plain_module(structure)

    def fingerprint(self, source: str, seed: int = 0) -> np.ndarray:
        """Return the weights of some squares and of the bound."""
        module, draws = plain_module(source), np.random.Generator(np.random.PCG64([20260216, seed]))
        params, values = parameters(module.PARAMS), []
        with np.errstate(all="ignore"):
            for _ in range(60):
                a, b, c = np.sort(draws.integers(0, 25, 3)).astype(float)
                small = [draws.integers(0, n) for n in (4, 2, 2, 4, 25)]
                values.append(module.square_value(*map(np.float64, (a, np.round(b, 1), c, *small, draws.integers(1, 12))), params))
            for boxes, squares in draws.integers((1, 8), (12, 80), (8, 2)):
                values.append(module.bound_weight(np.float64(boxes), np.float64(squares), params))
        return np.array(values, np.float64)

    def run(self, program: Any, constants: Mapping[str, float], instance: str, horizon: int, seed: int) -> Answer:
        """Return {"table": weights (levels, squares), "bound": multiples of the lower bound (levels)}, both float64."""
        params, given = parameters({**program.PARAMS, **constants}), levels.problems(instance)
        table, bound = np.zeros((len(given), levels.width(instance))), np.zeros(len(given))
        with np.errstate(all="ignore"):
            for n, problem in enumerate(given):
                for square, values in zip(problem.squares, problem.features, strict=True):
                    table[n, square] = program.square_value(*values, params)
                bound[n] = program.bound_weight(np.float64(problem.model.board.boxes), np.float64(len(problem.squares)), params)
        return {"table": table, "bound": bound}

    def score(self, instance: str, horizon: int, seed: int, answer: Answer) -> float:
        """Return the geometric mean of expansions over the levels; see `workbench.discovery.task.Task`."""
        given = levels.problems(instance)
        table = _checked(answer, "table", (len(given), levels.width(instance)))
        bound = _checked(answer, "bound", (len(given),))
        limit, logarithms = Budget(expansions=horizon).limits(), 0.0
        for n, problem in enumerate(given):
            weights = table[n, : problem.model.board.cells].copy()
            search = Search(weighed(problem.model, weights, float(bound[n])), problem.start, Way(1.0, 1.0), MEMORY)
            cost = new_cost()
            search.advance(horizon, cost, limit)
            logarithms += np.log(max(1, cost[EXPANSIONS]) if search.status == SOLVED else UNSOLVED * horizon)
        return float(np.exp(logarithms / len(given)))

    def warm(self, instances: Sequence[str]) -> None:
        """Generate levels and compile the search."""
        for name in instances or (self.hurdle.instance,):
            given = levels.problems(name)
            self.score(name, 1, 0, {"table": np.zeros((len(given), levels.width(name))), "bound": np.zeros(len(given))})
        plain_rule()
        self.fingerprint(_seed("nearest"))


def _checked(answer: Answer, name: str, shape: tuple[int, ...]) -> np.ndarray:
    values = answer.get(name)
    if values is None or values.dtype != np.float64 or values.shape != shape:
        raise BadAnswer(f"the answer has no {name!r} of shape {shape} in float64")
    if not (np.abs(values) <= LARGEST).all():
        raise BadAnswer(
            f"{name!r} has the value {values[~(np.abs(values) <= LARGEST)][0]:.6g}; legal are {-LARGEST:g} to {LARGEST:g}"
        )
    return values


def _seed(name: str) -> str:
    return (files("workbench.discovery.tasks.sokoban_h.seeds") / f"{name}.py").read_text()


TASK = SokobanTask()
