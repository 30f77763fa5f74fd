"""Metrics of every rule and meta-strategy solver on three games: what refactoring must not change.

    make regression                # computes them anew and writes tests/data/regression.json; commit it with the reason
    make regression ONLY=my-rule   # the same for a new rule or solver alone

Runs are short and payoffs irregular, so that rounding, which differs from machine to machine, decides no tie between actions and is
not amplified beyond 1e-12: perturbing all tables by 4e-16 at every step moves no metric by more.
"""

import json
import platform
import sys
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import llvmlite.binding as llvm
import pyspiel
from random_games import random_card_game, random_game

from games.compiler import compile_game
from games.loader import load_game
from games.sequence_form import SequenceGame
from solvers.exploitability import Evaluator
from solvers.psro.catalogue import CONSTANT_SUM, SOLVERS
from workbench.catalogue.algorithms import find_algorithm
from workbench.catalogue.entries import CFR

FILE = Path(__file__).with_name("data") / "regression.json"
GAMES = {
    "leduc_2p": lambda: load_game("leduc_2p"),
    "cards": lambda: made(random_card_game(seed=5, players=3, zero_sum=False, depth=4)),
    "shape": lambda: made(random_game(seed=2, depth=7)),
}
SIMULTANEOUS = "cards"  # all players move at once there
ITERATIONS = (1, 2, 3, 4, 5, 6)
POPULATIONS = (1, 2, 3, 4)
SHORT = {  # some averages begin late, some solvers take thousands of steps
    "vad-cfr": {"warmup_iterations": 2},
    **{name: {"steps": 60} for name in ("rm", "rm+", "orm", "fp", "hedge")},
    "prd": {"dt": 1e-2, "steps": 60},
    "rrd": {"dt": 1e-2, "first": 20, "steps": 60},
    "shor": {},
}


def machine() -> dict[str, str]:
    """Return what decides the last bits: processor, compiler, libraries."""
    return {
        "cpu": llvm.get_host_cpu_name(),
        "features": sha256(repr(sorted(name for name, on in llvm.get_host_cpu_features().items() if on)).encode()).hexdigest()[:16],
        "libc": " ".join(platform.libc_ver()),
        **{package: version(package) for package in ("numba", "llvmlite", "numpy", "scipy")},
    }


def machine_id() -> str:
    """Return what `machine` is called in the file."""
    return sha256(json.dumps(machine(), sort_keys=True).encode()).hexdigest()[:16]


def made(efg: str) -> SequenceGame:
    """Return a random game given as text."""
    return compile_game(pyspiel.load_efg_game(efg), "random", "random")


@cache
def game_called(name: str) -> SequenceGame:
    """Return one of `GAMES`, compiled."""
    return GAMES[name]()


def rule_metrics(name: str, game: str) -> list[float]:
    """Return a rule's exploitability and the players' values after each of `ITERATIONS`."""
    compiled = game_called(game)
    evaluate = Evaluator(compiled)
    solver = find_algorithm(name, SHORT.get(name, {}), ITERATIONS[-1]).make(compiled, alternating=game != SIMULTANEOUS)
    found = []
    for t in ITERATIONS:
        solver.advance(t)
        evaluation = evaluate(solver.average_policy())
        found += [evaluation.exploitability, *evaluation.values]
    return found


def meta_solver_metrics(name: str, game: str) -> list[float]:
    """Return the exploitability of PSRO's mixture for each of `POPULATIONS`; nothing where the solver does not apply."""
    compiled = game_called(game)
    if name in CONSTANT_SUM and (compiled.players > 2 or compiled.constant_sum is None):
        return []
    evaluate = Evaluator(compiled)
    given = {f"{role}.{key}": value for role in ("train", "eval") for key, value in SHORT.get(name, {}).items()}
    solver = find_algorithm("psro", given, POPULATIONS[-1], train=name, evaluate=name).make(compiled, alternating=True)
    found = []
    for n in POPULATIONS:
        solver.advance(n)
        found.append(evaluate(solver.average_policy()).exploitability)
    return found


METRICS = {"rules": (CFR, rule_metrics), "meta-solvers": (SOLVERS, meta_solver_metrics)}


def write(only: Sequence[str] = ()) -> None:
    """Compute the metrics of all, or of `only` some, and write them to `FILE`, each with the machine that they are from."""
    recorded = json.loads(FILE.read_text()) if only else {"machines": {}, **{kind: {} for kind in METRICS}}
    recorded["machines"][machine_id()] = machine()
    for kind, (names, metrics) in METRICS.items():
        for name in [name for name in names if not only or name in only]:
            recorded[kind][name] = {"machine": machine_id(), **{game: metrics(name, game) for game in GAMES}}
            print(f"recorded {name}")
    FILE.write_text(json.dumps(recorded, indent=1) + "\n")


if __name__ == "__main__":
    write(sys.argv[1:])
