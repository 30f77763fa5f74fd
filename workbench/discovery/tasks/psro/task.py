"""PSRO meta-strategy solvers, scored by the exact exploitability of what they make of a population."""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import numba
import numpy as np

from games.catalogue import SUITES
from games.errors import GameplanError
from games.loader import resolve
from solvers.exploitability import uniform_policy
from solvers.plans import plan_of
from solvers.psro.catalogue import SOLVERS
from solvers.psro.meta_solver import CLASSES, FUNCTIONS, entry, make_meta_solver, shipped_module
from solvers.psro.payoffs import Payoffs
from solvers.psro.solver import PSROSolver, population_exploitability
from workbench.comparison.solvers import expand_games
from workbench.discovery.genome.canonical import canonical, split
from workbench.discovery.genome.check import literal, problems, table_nodes
from workbench.discovery.isolation.source import load_source
from workbench.discovery.task import Answer, BadAnswer, Hurdle
from workbench.discovery.tasks.cfr.task import TASK as CFR
from workbench.discovery.tasks.cfr.task import instance_of, played
from workbench.discovery.tasks.psro import programs
from workbench.discovery.tasks.psro.behaviour import fingerprint
from workbench.discovery.tasks.psro.grammar import GRAMMAR
from workbench.discovery.tasks.values import parameters

DESCRIPTION = """
PSRO (policy-space response oracles) grows a population of policies for every player of an imperfect-information game. In
iteration n = 1, 2, ... every player has n policies; `train` says with which probabilities they are mixed when the others' best
responses, the next policies, are computed. After the last iteration `evaluate` says how the population is mixed into the policy
that is scored by its exploitability. `train` should make populations that cover the game, `evaluate` should find a mixture that
is hard to exploit.

Both functions are compiled by numba and return one float64 vector with the non-negative weights of all players' policies, player
p's at meta.start[p] : meta.start[p + 1]; weights are scaled to sum 1 for each player. `meta.sizes` has the players' numbers of
policies, `iteration` is n, `params` has the numbers of TRAIN (in `train`) or EVAL (in `evaluate`): whole numbers count steps,
floats are tuned. Nothing is remembered from one call to the next. Games have two to four players and are zero-sum.

From solvers.rule: uniform(meta) is the vector of uniform strategies; all_payoffs(strategies, meta, out) writes every policy's
payoff against the others' strategies to out; or, for players in turn, refresh(player, strategies, meta) takes over one player's
strategy and payoff_vector(player, meta, out) writes that player's payoffs; scale_to_one(weights, out) normalises, uniform if all
are zero; exponentiate(x) in place; sum_of, max_of, min_of, dot. A call costs time in proportion to steps times payoffs: a few
thousand steps.
""".strip()


class Program(NamedTuple):
    """A program ready to run. One that may remember things is loaded anew for every run, so that no run depends on another."""

    source: str
    module: Any


class PSROTask:
    """Pairs of solvers: functions on the compiled meta-game, functions on payoffs, or the published classes."""

    name = "psro"
    train = SUITES["train4"]
    held_out = SUITES["test4"]
    horizon = 100
    hurdle = Hurdle("kuhn_2p", 10, 0.8)
    measure = "exploitability"
    description = DESCRIPTION
    grammar = GRAMMAR

    def expand(self, names: Sequence[str]) -> list[str]:
        """Return the games that names of games and suites mean; UsageError for a game that there is not."""
        games = expand_games(names)
        for game in games:
            resolve(game)[1]()
        return games

    def jittered(self, instance: str, number: int) -> str:
        """Return the name of a game like `instance` with payoffs a thousandth off."""
        return CFR.jittered(instance, number)

    def seeds(self) -> Mapping[str, str]:
        """Return the shipped solvers and a skeleton, uniform first."""
        return programs.seeds()

    def known(self) -> Mapping[str, str]:
        """Return the shipped solvers that play all games."""
        return programs.known()

    def problems(self, source: str) -> list[str]:
        """Return what the static check finds."""
        functions = {name: _arguments(source, name) or given for name, given in programs.FUNCTIONS.items()}
        found = problems(source, functions, tables=("TRAIN", "EVAL"), classes=tuple(CLASSES.values()))
        if not found and not _is_class_form(source):
            state = table_nodes(ast.parse(source), ("STATE",)).get("STATE")
            if state is None or literal(state) != {}:
                found.append("line 1: a solver must declare that it remembers nothing: write STATE = {}")
        return found

    def canonical(self, source: str) -> str:
        """Return the source in normal form."""
        return canonical(source, None if _is_class_form(source) else programs.FUNCTIONS)

    def split(self, source: str) -> tuple[str, dict[str, float]]:
        """Return the source with the floats of TRAIN and EVAL taken out, and these."""
        return split(source)

    def prepare(self, structure: str) -> Program:
        """Import a program and compile what is compiled of it; nothing of it runs."""
        module = load_source(structure)
        for role, name in FUNCTIONS.items():
            function = getattr(module, name, None)
            if hasattr(function, "py_func"):
                params = parameters(getattr(module, role.upper(), {}))
                compiled: Any = entry(function)
                compiled.compile((numba.typeof(_payoffs().meta), numba.int64, numba.typeof(params)))
        return Program(structure, module)

    def fingerprint(self, source: str, seed: int = 0) -> np.ndarray:
        """Return the strategies for small meta-games."""
        try:
            return fingerprint(source, seed)
        except GameplanError as error:
            raise _cause(error) from None

    def run(self, program: Program, constants: Mapping[str, float], instance: str, horizon: int, seed: int) -> Answer:
        """Run PSRO for `horizon` iterations and return the policy of the eval mixture."""
        module = program.module if getattr(program.module, "STATE", None) == {} else load_source(program.source)
        given: dict[str, dict[str, float]] = {role: {} for role in FUNCTIONS}
        for name, value in constants.items():
            role, _, key = name.partition(".")
            given[role][key] = value
        try:
            solvers = [make_meta_solver("the program", role, module, given[role], program.source) for role in FUNCTIONS]
            train, evaluate = (replace(solver, answers=None) for solver in solvers)  # what is evolved mixes; the oracle answers
            solver = PSROSolver(instance_of(instance).game, train, evaluate)
            solver.advance(horizon)
            return {"policy": solver.average_policy()}
        except GameplanError as error:
            raise _cause(error) from None

    def solver(self, order: Mapping[str, Any]) -> PSROSolver:
        """In a locked process: return a solver with the two meta-strategy solvers, names or texts, of a session's `order`."""
        made = []
        for role in FUNCTIONS:
            name, text, given = order[role]
            module = shipped_module(SOLVERS[name][0]) if text is None else load_source(text)
            made.append(make_meta_solver(name, role, module, given, text))
        return PSROSolver(played(order), made[0], made[1], order.get("options", {}))

    def warm_session(self, order: Mapping[str, Any]) -> None:
        """Make the game, compile the shipped solvers among the two, and for one with a lock, and load linear programming.

        A locked process reads neither kernels nor modules from the disk.
        """
        played(order)
        population_exploitability(_payoffs())
        if order.get("lock"):
            uniform: list[Any] = ["uniform", None, {}]
            solver = self.solver({**order, **dict.fromkeys(FUNCTIONS, uniform)})
            solver.advance(2)
            solver.average_policy()
        for role in FUNCTIONS:
            name, text, given = order[role]
            if text is None:
                pair = {other: [name, None, given if other == role else {}] for other in FUNCTIONS}
                self.solver({**order, **pair}).advance(2)

    def score(self, instance: str, horizon: int, seed: int, answer: Answer) -> float:
        """Return the exploitability of the policy in `answer`; see `workbench.discovery.task.Task`."""
        return CFR.score(instance, horizon, seed, answer)

    def warm(self, instances: Sequence[str]) -> None:
        """Load games, compile the loop of PSRO and the vocabulary of solvers."""
        program = self.prepare(_VOCABULARY)
        for name in dict.fromkeys([self.hurdle.instance, "kuhn_3p", *instances]):
            self.score(name, 3, 0, self.run(program, {}, name, 3, 0))
        for source in (self.known()["shor"], _CLASSES):
            self.fingerprint(source)


def _is_class_form(source: str) -> bool:
    return any(isinstance(node, ast.ClassDef) and node.name in CLASSES.values() for node in ast.parse(source).body)


def _arguments(source: str, name: str) -> tuple[str, ...] | None:
    """Return the arguments for payoffs in Python if the function `name` takes them."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    legal = [("payoffs", "iteration"), ("payoffs", "iteration", "params")]
    found = [tuple(a.arg for a in node.args.args) for node in body if isinstance(node, ast.FunctionDef) and node.name == name]
    return found[0] if found and found[0] in legal else None


def _cause(error: GameplanError) -> BaseException:
    """Return what the program itself raised, or that it answered badly."""
    return error.__cause__ or BadAnswer(str(error))


@cache
def _payoffs() -> Payoffs:
    game = instance_of("kuhn_2p").game
    policy, payoffs = uniform_policy(game), Payoffs(game)
    payoffs.extend([plan_of(game, p, policy[game.player_actions(p)]) for p in range(game.players)])
    return payoffs


_VOCABULARY = """
import numpy as np
from solvers.rule import (
    all_payoffs, dot, exponentiate, max_of, min_of, njit, payoff_vector, refresh, safe_divide, safe_exp, safe_log1p, safe_power,
    safe_sqrt, scale_to_one, sum_of, uniform,
)
TRAIN = {"a": 1.0}
EVAL = {"a": 1.0}
STATE = {}

@njit
def train(meta, iteration, params):
    strategies = uniform(meta)
    values = np.zeros(len(strategies))
    all_payoffs(strategies, meta, values)
    for player in range(len(meta.sizes)):
        a, b = meta.start[player], meta.start[player + 1]
        refresh(player, strategies, meta)
        payoff_vector(player, meta, values[a:b])
        x = dot(strategies[a:b], values[a:b]) + max_of(values[a:b]) + min_of(values[a:b]) + sum_of(values[a:b])
        values[a] = safe_divide(x, params.a) + safe_exp(x) + safe_log1p(x) + safe_power(x, params.a) + safe_sqrt(x)
        exponentiate(values[a:b])
        scale_to_one(values[a:b], strategies[a:b])
    return strategies

@njit
def evaluate(meta, iteration, params):
    return uniform(meta)
"""
_CLASSES = """
import numpy as np
class TrainMetaStrategySolver:
    def get_meta_strategy(self, game, policy_sets, meta_games):
        return [np.ones(len(policies)) for policies in policy_sets]
class EvalMetaStrategySolver(TrainMetaStrategySolver):
    pass
"""

TASK = PSROTask()
