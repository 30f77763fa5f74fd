"""Evaluations of 2048 boards, scored by the games that expectimax plays with them."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import numba
import numpy as np

from games.game2048.heuristic import LINES
from games.random import stream
from games.worlds import load_world
from planners.search.expectimax_2048 import NO_LIMIT, new_memory, play_game, reach_of
from workbench.discovery.genome.canonical import canonical, split, with_constants
from workbench.discovery.genome.check import problems
from workbench.discovery.genome.grammar import Grammar, Part, Template
from workbench.discovery.genome.plain import plain_module, plain_rule
from workbench.discovery.isolation.source import load_source
from workbench.discovery.task import Answer, BadAnswer, Hurdle
from workbench.discovery.tasks.values import parameters

FUNCTIONS = {"row_value": ("cells", "params")}
WEIGHTS_OF_2014 = {
    "base": 200000.0,
    "empty": 270.0,
    "merge": 700.0,
    "disorder": 47.0,
    "disorder_power": 4.0,
    "clutter": 11.0,
    "clutter_power": 3.5,
}
LARGEST = 1e12  # of a worth; sums of eight in float32 then stay finite
CELLS = np.stack([np.arange(1 << 16) >> 4 * c & 15 for c in range(4)], axis=1).astype(np.float64)
_COMMON = 10  # cells that most of the sampled rows stay below: larger ones are rare in games
_LIMITS = np.full(3, NO_LIMIT, np.uint64)
DESCRIPTION = """
2048 is played on a 4x4 board by expectimax search of a small fixed depth: the best move is the one with the best mean value over
the random tiles that may follow, and at the horizon a board is worth the sum of `row_value` over its four rows and four columns.
The values of all 65,536 rows are computed once, so the function's own speed does not matter.

`row_value(cells, params)` is compiled by numba and returns a number, larger for better rows. `cells` has the exponents of the
row's four tiles as floats: 0.0 for an empty cell, 1.0 for a tile 2, 2.0 for 4 ... 15.0 for 32768. Columns are read from the top,
rows from the left, and boards get turned over, so a row and its mirror image should be worth the same. A lost game counts as a
board worth 0, and values below 0 count as 0: all rows should be worth more than 0, and how much more says how much is risked.
`params` has the numbers of PARAMS. From solvers.rule: safe_divide, safe_power, safe_exp, safe_log1p, safe_sqrt.
""".strip()


class _Play(NamedTuple):
    """What an instance is: how deep is searched, which games are played, and the share of the horizon's number that are."""

    depth: int
    games: str
    share: float = 1.0


INSTANCES = {
    "1-ply": _Play(1, "train"), "2-ply": _Play(2, "train"),
    "1-ply-new": _Play(1, "new"), "2-ply-new": _Play(2, "new"), "3-ply-new": _Play(3, "new", 1 / 8),
}  # fmt: skip

GRAMMAR = Grammar(
    functions={"row_value": Part({"cells": "cell"})},
    templates=(
        Template("{0} + {1}", 2.0), Template("{0} - {1}", 2.0), Template("{0} * {1}", 1.0), Template("{c} * {0}", 2.0),
        Template("safe_divide({0}, {1})", 0.3), Template("safe_power({0}, {c})", 1.5, 3.0), Template("safe_exp({0})", 0.2),
        Template("safe_log1p({0})", 0.3), Template("safe_sqrt({0})", 0.3), Template("max({0}, {1})", 0.7),
        Template("min({0}, {1})", 0.7), Template("abs({0})", 0.7), Template("{0} if {?} else {1}", 1.0),
    ),
    conditions=(
        Template("{0} == 0.0", 1.0), Template("{0} == {1}", 1.5), Template("{0} > {1}", 1.5), Template("{0} > {c}", 1.0, 5.0),
    ),
    arguments={"safe_divide": (0, 1), "safe_power": (0, 1), "safe_exp": (0,), "safe_log1p": (0,), "safe_sqrt": (0,)},
    inner="cell",
    constants=(0.5, 1.0, 2.0, 10.0, 100.0),
)  # fmt: skip


class Program(NamedTuple):
    """A program ready to run: what fills the table, and the defaults of its parameters."""

    fill: Any
    params: dict[str, Any]


class Task2048:
    """Functions from a row's four cells to its worth; the horizon is a number of games."""

    name = "h2048"
    train = ("1-ply", "2-ply")
    held_out = ("1-ply-new", "2-ply-new", "3-ply-new")
    horizon = 200
    hurdle = Hurdle("1-ply", 40, 0.8)
    measure = "100,000 / mean score"
    description = DESCRIPTION
    grammar = GRAMMAR

    def seeds(self) -> Mapping[str, str]:
        """Return the count of empty cells, a skeleton, and the known evaluations."""
        return {"empty": _seed("empty"), "pairs": _seed("pairs"), **self.known()}

    def known(self) -> Mapping[str, str]:
        """Return the evaluation that ships, with its weights and with those in common use since 2014."""
        return {"built-in": _seed("built_in"), "weights-2014": with_constants(_seed("built_in"), WEIGHTS_OF_2014)}

    def problems(self, source: str) -> list[str]:
        """Return what the static check finds."""
        return problems(source, FUNCTIONS)

    def canonical(self, source: str) -> str:
        """Return the source in normal form."""
        return canonical(source, FUNCTIONS)

    def split(self, source: str) -> tuple[str, dict[str, float]]:
        """Return the source with its parameters' numbers taken out, and these."""
        return split(source)

    def prepare(self, structure: str) -> Program:
        """Compile what fills a table with the program's values; nothing of it runs."""
        module = load_source(structure)
        value, params = module.row_value, dict(module.PARAMS)
        if not hasattr(value, "py_func"):
            return Program(lambda cells, record, table: _filled(value, cells, record, table), params)

        @numba.njit(error_model="numpy")
        def fill(cells: Any, params: Any, table: Any) -> None:
            for row in range(len(cells)):
                table[row] = value(cells[row], params)

        fill.compile((numba.typeof(CELLS), numba.typeof(parameters(params)), numba.float64[::1]))
        return Program(fill, params)

    def fingerprint(self, source: str, seed: int = 0) -> np.ndarray:
        """Return the values of some rows, most of them such as games have."""
        module, draws = plain_module(source), np.random.Generator(np.random.PCG64([20260216, seed]))
        common = draws.integers(0, _COMMON, (400, 4)) * (draws.random((400, 4)) < 0.7)
        rows = np.concatenate([common @ (1, 16, 256, 4096), draws.integers(0, 1 << 16, 100)])
        table = np.empty(len(rows))
        with np.errstate(all="ignore"):
            _filled(module.row_value, CELLS[rows].copy(), parameters(module.PARAMS), table)
        return table

    def run(self, program: Program, constants: Mapping[str, float], instance: str, horizon: int, seed: int) -> Answer:
        """Return the values of all rows: {"table": float64[65536]}."""
        table = np.empty(len(CELLS))
        with np.errstate(all="ignore"):
            program.fill(CELLS.copy(), parameters({**program.params, **constants}), table)
        return {"table": table}

    def score(self, instance: str, horizon: int, seed: int, answer: Answer) -> float:
        """Return 100,000 over the mean score of games with the table in `answer`; see `workbench.discovery.task.Task`."""
        table = answer.get("table")
        if table is None or table.dtype != np.float64 or table.shape != LINES.shape:
            raise BadAnswer(f"the answer is no table of {len(LINES):,} numbers")
        if not (np.abs(table) <= LARGEST).all():
            row = int(np.argmin(np.abs(table) <= LARGEST))
            raise BadAnswer(
                f"the row {CELLS[row].astype(int).tolist()} is worth {table[row]:.6g}; legal are {-LARGEST:g} to {LARGEST:g}"
            )
        play, lines, memory = INSTANCES[instance], table.astype(np.float32), new_memory(10)
        games = max(1, round(play.share * horizon))
        total = 0
        for game in range(games):
            start, spawns = _start(play.games, game), stream("discovery 2048", play.games, seed, game)
            total += int(play_game(start, play.depth, reach_of(1.0), _LIMITS, memory, spawns, lines)[0])
        return 1e5 * games / max(1, total)

    def warm(self, instances: Sequence[str]) -> None:
        """Compile the games, and the vocabulary that programs use."""
        self.run(self.prepare(_VOCABULARY), {}, "1-ply", 1, 0)
        plain_rule()
        self.fingerprint(_seed("empty"))
        self.score("1-ply", 1, 0, {"table": LINES.astype(np.float64)})


def _seed(name: str) -> str:
    return (files("workbench.discovery.tasks.h2048.seeds") / f"{name}.py").read_text()


def _filled(value: Any, cells: np.ndarray, params: Any, table: np.ndarray) -> None:
    for row in range(len(cells)):
        table[row] = value(cells[row], params)


@cache
def _start(games: str, game: int) -> np.uint64:
    start: np.uint64 = load_world("2048").instance(game if games == "train" else 1_000_000 + game).start.view(np.uint64)[0]
    return start


_VOCABULARY = """
from solvers.rule import njit, safe_divide, safe_exp, safe_log1p, safe_power, safe_sqrt
PARAMS = {"a": 1.0}

@njit
def row_value(cells, params):
    x = safe_divide(cells[0], params.a) + safe_exp(cells[1]) + safe_log1p(cells[2]) + safe_power(cells[3], params.a)
    return x + safe_sqrt(cells[0]) + abs(x) + max(cells[0], cells[1]) + min(cells[2], params.a) + cells[0] ** params.a
"""

TASK = Task2048()
