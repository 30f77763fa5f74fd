"""The families of algorithms: what holds for all of a kind, and how a program of the kind becomes a solver."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from games.params import Value
from games.sequence_form import SequenceGame


class Family(NamedTuple):
    """A kind of algorithm, with the defaults that `solve`, `compare` and `evolve` share.

    `iterations` is the length of a run and `every` how often it is evaluated (None: ten times a decade), unless somebody says
    otherwise; `parameters` says where an algorithm's parameters come from; `make` returns a solver for (program, parameters, game,
    alternating).
    """

    name: str
    iterations: int
    every: int | None
    parameters: str
    make: Callable[[Any, Mapping[str, Value], SequenceGame, bool], Any]


def _make_rule(program: Any, params: Mapping[str, Value], game: SequenceGame, alternating: bool) -> Any:
    from solvers.cfr.solver import CFRSolver

    return CFRSolver(game, program, dict(params), alternating=alternating)


def _make_class(program: Any, params: Mapping[str, Value], game: SequenceGame, alternating: bool) -> Any:
    from solvers.cfr.class_form import ClassProgramSolver

    return ClassProgramSolver(game, program, alternating=alternating)


def _make_psro(program: Any, params: Mapping[str, Value], game: SequenceGame, alternating: bool) -> Any:
    from solvers.psro.solver import PSROSolver

    return PSROSolver(game, program.train, program.eval)


def _make_exact(program: Any, params: Mapping[str, Value], game: SequenceGame, alternating: bool) -> Any:
    from solvers.lp import LPSolver  # SciPy takes a third of a second, and forks of candidates would carry it

    return LPSolver(game)


RULE = Family("rule", 1000, None, "PARAMS of the rule: --set NAME=VALUE", _make_rule)
CLASS_PROGRAM = Family("class program", 1000, None, "none: edit the file instead of using --set", _make_class)
PSRO = Family(  # an iteration grows the populations; a thousand would be a misunderstanding
    "psro", 100, None, "those of its two meta-strategy solvers: --set train.NAME=VALUE, --set eval.NAME=VALUE", _make_psro
)
EXACT = Family("exact", 1, None, "none", _make_exact)
FAMILIES = (RULE, CLASS_PROGRAM, PSRO, EXACT)
