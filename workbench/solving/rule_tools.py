"""Checking rules of one's own."""

from pathlib import Path
from typing import Any

import numpy as np

from games.compiler import MAX_HISTORIES
from games.errors import GameplanError, NotForGame, UsageError
from games.loader import load_game
from games.sentences import unsaid
from solvers.cfr.rule_file import Rule
from solvers.exploitability import Evaluator, uniform_policy
from workbench.catalogue.algorithms import Algorithm, algorithm_of
from workbench.catalogue.families import LAST, PSRO, Request, family_of
from workbench.catalogue.sources import ALGORITHM, read_source
from workbench.runs.programs import is_marked
from workbench.solving.isolated import isolated_algorithm


def check_rule_file(path: Path, iterations: int = 100, *, sandbox: bool | None = None) -> dict[str, Any]:
    """Return ``ok``, ``form``, ``problems``, ``warnings`` and the exploitability after some iterations of Kuhn poker.

    A warning is a parameter of which nothing is told, a policy that is not better than the uniform one, or a game that the rule is
    not made for.

    `sandbox` says whether the rule runs isolated; by default it does if a discovery wrote it.

    Raises
    ------
    UsageError
        If the file cannot be read.
    """
    record: dict[str, Any] = {"file": str(path), "ok": False, "form": None, "problems": [], "warnings": [], "exploitability": None}
    try:
        source = read_source(str(path), ALGORITHM)
        request = Request(path.name, {}, iterations, sources={"algo": source})
        isolated = is_marked(source.text) if sandbox is None else sandbox
        if isolated and family_of(path.name, source) is PSRO:
            raise GameplanError(
                f"{path.name} has meta-strategy solvers: try it with gameplan solve kuhn_2p --algo {path} --sandbox"
            )
        for name in ("kuhn_2p", "kuhn_3p"):  # three players: infosets with other numbers of rows, and a game state shared by more
            algorithm = isolated_algorithm(request, game=name, max_histories=MAX_HISTORIES) if isolated else algorithm_of(request)
            record["form"] = _form(algorithm)
            game = load_game(name)
            solver = algorithm.make(game, alternating=True)
            try:
                solver.advance(iterations)
            except NotForGame as error:
                if name == "kuhn_2p":
                    raise
                record["warnings"].append(f"not tried in {name}: {error}")
                continue
            evaluate = Evaluator(game)
            value = evaluate(_reported(algorithm, solver)).exploitability
            if name == "kuhn_2p":
                record["exploitability"] = value
                record["warnings"] = _untold(algorithm)
                uniform = evaluate(uniform_policy(game)).exploitability
                if value >= uniform * (1.0 - 1e-9):
                    record["warnings"].append(
                        f"after {iterations} iterations the policy is no better than the uniform one, whose exploitability in "
                        f"{name} is {uniform:.3g}: that is right only for a rule that averages nothing so early"
                    )
    except UsageError:
        raise
    except GameplanError as error:
        record["problems"].append(str(error))
        return record
    record["ok"] = True
    return record


def _form(algorithm: Algorithm) -> str:
    if algorithm.isolated:
        return f"{algorithm.family.name}, isolated"
    if isinstance(algorithm.program, Rule):
        return "compiled rule" if algorithm.program.compiled else "NumPy rule"
    return algorithm.family.name


def _reported(algorithm: Algorithm, solver: Any) -> np.ndarray:
    """Return the policy that a run would report: of a rule that reports its last iterate, that one."""
    policy: np.ndarray = solver.current_policy() if algorithm.iterate == LAST else solver.average_policy()
    return policy


def _untold(algorithm: Algorithm) -> list[str]:
    """Return what the docstring leaves out about parameters, a line each; nothing of programs that cannot be looked into."""
    if algorithm.isolated:
        return []
    program = algorithm.program
    if isinstance(program, Rule):
        return unsaid(program.module.__doc__, program.params, program.choices)
    if algorithm.family is PSRO:
        return unsaid(program.train.doc, {**program.train.params, **program.eval.params}, {})
    return []
