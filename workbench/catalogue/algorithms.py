"""Algorithms ready to be run: a name is resolved once, into a program that makes solvers."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from games.errors import UsageError
from games.modules import is_file, located
from games.params import Value
from games.plugins import ALGORITHM, expanded
from games.sequence_form import SequenceGame
from solvers.cfr.class_form import ClassProgram
from solvers.cfr.rule_file import Rule
from workbench.catalogue.families import ALGORITHMS, EXACT, PSRO, Family, Request, Terms, family_of
from workbench.catalogue.sources import read_source


class Solver(Protocol):
    """What a run needs of a solver; families differ in everything else.

    `replays` says that `restore` recomputes from the start, because the memory of the algorithm is not known.
    """

    iteration: int
    replays: bool

    def advance(self, stop: int) -> None:
        """Run up to and including iteration `stop`; ``advance(iteration)`` only makes ready (compiles)."""

    def average_policy(self) -> np.ndarray:
        """Return the policy that is reported (pairs of all players)."""

    def remarks(self) -> dict[str, Any]:
        """Return what an evaluation's line in the metrics says beyond the policy's worth."""

    def artifacts(self) -> dict[str, dict[str, np.ndarray]]:
        """Return what a finished run keeps beyond the policy: name -> arrays of an npz file."""

    def state(self) -> dict[str, np.ndarray]:
        """Return the arrays of a checkpoint."""

    def restore(self, iteration: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Go on after `iteration` from the arrays of a checkpoint."""


class Algorithm(NamedTuple):
    """An algorithm ready to be run.

    Attributes
    ----------
    name : str
    family : Family
    program : object
        What the family made of the name; None where there is nothing to be made.
    params : dict
        A value for each parameter.
    chosen : mapping
        Role -> name of PSRO's meta-strategy solvers, where the algorithm is not a file with both.
    maker : callable or None
        Makes solvers in place of the family.
    """

    name: str
    family: Family
    program: Any
    params: dict[str, Value]
    chosen: Mapping[str, str] = {}
    maker: Callable[[Any, SequenceGame, bool], Any] | None = None

    @property
    def one_shot(self) -> bool:
        """Whether one iteration is the whole run."""
        return self.family is EXACT

    @property
    def isolated(self) -> bool:
        """Whether its solvers live in processes of their own."""
        return self.maker is not None

    @property
    def iterate(self) -> str:
        """Which of its policies is reported, unless somebody says otherwise."""
        return getattr(self.program, "iterate", "") or self.family.iterates[0]

    def make(self, game: SequenceGame, *, alternating: bool, seed: int = 0) -> Solver:
        """Return a fresh solver for `game`; `seed` is of what it draws, if it draws anything."""
        solver: Solver
        if self.maker is not None:
            solver = self.maker(self.program, game, alternating)
        else:
            solver = self.family.make(self.program, self.params, game, Terms(alternating, seed))
        return solver

    def told(self) -> dict[str, Any]:
        """Return what is told of it beyond its parameters."""
        return {"doc": "", "sentences": {}} if self.isolated else self.family.told(self.program)


def find_algorithm(
    algo: str, given: Mapping[str, Value], iterations: int = 0, *, train: str | None = None, evaluate: str | None = None
) -> Algorithm:
    """Return the algorithm called `algo`, a catalogue name, a file or ``module:attribute``, with `given` parameters.

    Rules that are told the planned number of iterations get `iterations`, or their family's own if that is 0.

    `train` and `evaluate` choose the meta-strategy solvers of a PSRO algorithm, names or files, in place of the preset's or of
    those in the file `algo`; without `evaluate` a preset's train solver is also the eval solver.

    Raises
    ------
    UsageError
        For an unknown name, parameter or value.
    GameplanError
        For a file that is no valid rule or program.
    """
    algo = located(expanded(ALGORITHM, algo, ALGORITHMS))
    sources = {"algo": read_source(algo, ALGORITHM)} if is_file(algo) else {}
    return algorithm_of(Request(algo, given, iterations, train, evaluate, sources))


def algorithm_of(request: Request) -> Algorithm:
    """Return the algorithm that is asked for; errors are those of `find_algorithm`."""
    family = family_of(request.algo, request.sources.get("algo"), execute=True)
    check_roles(request, family)
    program, params, chosen = family.find(request)
    return Algorithm(request.algo, family, program, params, chosen)


def check_roles(request: Request, family: Family) -> None:
    """Refuse meta-strategy solvers where there are none to choose.

    Raises
    ------
    UsageError
        If a `request` for an algorithm of another family than PSRO chooses some.
    """
    if (request.train or request.eval) and family is not PSRO:
        raise UsageError(
            f"{request.algo} has no meta-strategy solvers, so --train and --eval do not apply; use --algo psro or a PSRO preset"
        )


def load_program(path: Path) -> Rule | ClassProgram:
    """Return the rule file or class program at `path`, checked.

    Raises
    ------
    GameplanError
        If the file is neither, saying what is wrong with it.
    """
    program: Rule | ClassProgram = find_algorithm(str(path), {}).program
    return program
