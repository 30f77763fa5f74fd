"""Starting and checking rules of one's own."""

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
from workbench.runs.programs import is_marked, write_template
from workbench.solving.isolated import isolated_algorithm

TEMPLATE = '''"""My rule: CFR+ with a power for the average.

Parameters
----------
gamma : exponent of the weight t^gamma of iteration t in the average policy; at least 0
"""

# May import math, numpy, numba and solvers.rule. @njit (from solvers.rule or numba) compiles a function; without it the rule is
# plain NumPy and slower. All three functions should be of one kind.
from solvers.rule import add_to_average, njit, regret_matching

# Hyper-parameters with defaults: float, int, bool or str. Set on the command line with --set gamma=3. 'gameplan algos FILE'
# shows what the docstring says of each.
PARAMS = {"gamma": 2.0}

# Memory beyond R, S and sigma: name -> "action" (one float64 per infoset and action), "infoset" or "game" (one number for all
# players). Starts at zero; write into it with state.NAME[:] = ... (not state.NAME = ...). Memory kept anywhere else is lost when a
# run is resumed.
STATE = {}

# Each function works in place on one player's whole table. S (average), sigma (policy), R (regrets) and r (this iteration's
# regrets) are flat float64 arrays over (infoset, action); infoset i owns entries first[i] : first[i] + count[i] of them, with
# first, count = infosets.first, infosets.count. reach has the player's own reach of each infoset. t counts from 1.


@njit
def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state):
    """Add the policy that was played, sigma, to the average."""
    add_to_average(S, sigma, reach, infosets, ((t - 1.0) / t) ** params.gamma, 1.0)


@njit
def accumulate_regret(R, r, t, infosets, params, state):
    """Add this iteration's regrets."""
    for k in range(len(R)):
        R[k] = max(R[k] + r[k], 0.0)


@njit
def derive_policy(sigma, R, r, t, infosets, params, state):
    """Write the next policy to sigma: non-negative, and 1 in sum at every infoset. r may be overwritten here."""
    regret_matching(sigma, R, infosets)
'''


def write_new_rule(path: Path, *, force: bool = False) -> None:
    """Write a commented rule to `path`; errors are those of `workbench.runs.programs.write_template`."""
    write_template(path, TEMPLATE, "rule", force=force)


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
