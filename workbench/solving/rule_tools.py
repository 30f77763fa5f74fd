"""Checking rules of one's own."""

from pathlib import Path
from typing import Any

from games.compiler import MAX_HISTORIES
from games.errors import GameplanError, UsageError
from games.loader import load_game
from solvers.cfr.rule_file import Rule
from solvers.exploitability import Evaluator
from workbench.catalogue.algorithms import Algorithm, algorithm_of
from workbench.catalogue.families import PSRO, Request, family_of
from workbench.catalogue.sources import ALGORITHM, read_source
from workbench.runs.programs import is_marked
from workbench.solving.isolated import isolated_algorithm


def check_rule_file(path: Path, iterations: int = 100, *, sandbox: bool | None = None) -> dict[str, Any]:
    """Return ``ok``, ``form``, ``problems`` and the exploitability after some iterations of Kuhn poker.

    `sandbox` says whether the rule runs isolated; by default it does if a discovery wrote it.

    Raises
    ------
    UsageError
        If the file cannot be read.
    """
    record: dict[str, Any] = {"file": str(path), "ok": False, "form": None, "problems": [], "exploitability": None}
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
            solver.advance(iterations)
            value = Evaluator(game)(solver.average_policy()).exploitability
            if name == "kuhn_2p":
                record["exploitability"] = value
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
