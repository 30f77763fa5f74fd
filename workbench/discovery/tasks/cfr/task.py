"""CFR update rules, scored by exact exploitability."""

import ast
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np

from games.catalogue import SUITES
from games.jitter import MARK, jittered, jittered_name
from games.loader import load_game, resolve
from games.params import Value
from games.sequence_form import SequenceGame
from solvers.cfr.class_form import METHODS, ClassProgram, ClassProgramSolver, make_class_program
from solvers.cfr.rule_file import FUNCTIONS, OPTIONAL, STATE_KINDS
from solvers.exploitability import Evaluator
from solvers.locked import lock_game
from workbench.catalogue.entries import PUBLISHED
from workbench.comparison.solvers import expand_games
from workbench.discovery.isolation.locking import lock_of
from workbench.discovery.isolation.source import load_source
from workbench.discovery.task import Answer, Hurdle
from workbench.discovery.tasks.cfr import behaviour, engine, vocabulary
from workbench.discovery.tasks.cfr.grammar import GRAMMAR
from workbench.discovery.tasks.cfr.seeds import shipped

TOLERANCE = 1e-9  # by how much an infoset's probabilities may miss 1
_WARM_CLASSES = """
class RegretAccumulator:
    def update_accumulate_regret(self, info_state_node, iteration_number, cfr_regrets):
        return cfr_regrets
class PolicyFromRegretAccumulator:
    def get_updated_current_policy(self, info_state_node, iteration_number, cfr_regrets, previous_policy):
        return previous_policy
class PolicyAccumulator:
    def update_accumulate_policy(self, info_state_node, iteration_number, info_state_policy, cfr_regrets, reach_prob,
                                 counterfactual_reach_prob):
        return info_state_policy
"""

JITTER = 1e-3  # relative: small beside what rules differ by, large beside what any of them has left of exploitability


class CFRTask:
    """Update rules in rule form or in the published class form, scored by the policy that they are reported by, average or last."""

    name = "cfr"
    train = SUITES["train4"]
    held_out = SUITES["test4"]
    horizon = 1000
    hurdle = Hurdle("kuhn_2p", 1000, 0.8)  # the full horizon: rules that average late have nothing to show before
    measure = "exploitability"
    grammar = GRAMMAR
    references = ("cfr", "dcfr")  # of the ranking capped-log
    yardstick = "cfr+"  # of CPU time an iteration

    def expand(self, names: Sequence[str]) -> list[str]:
        """Return the games that names of games and suites mean; UsageError for a game that there is not."""
        games = expand_games(names)
        for game in games:
            resolve(game)[1]()
        return games

    def jittered(self, instance: str, number: int) -> str:
        """Return the name of a game like `instance` with payoffs a thousandth off."""
        return jittered_name(instance, number)

    def seeds(self) -> Mapping[str, str]:
        """Return the shipped rules, CFR+ first."""
        return shipped()

    def known(self) -> Mapping[str, str]:
        """Return the shipped rules as they are; those that are told the planned iterations get the horizon."""
        return {
            name: (files("solvers.cfr.rules") / f"{e.module.rpartition('.')[2]}.py").read_text() for name, e in PUBLISHED.items()
        }

    def problems(self, source: str) -> list[str]:
        """Return what the static check finds."""
        from workbench.discovery.genome.check import problems

        found = problems(source, FUNCTIONS, optional=OPTIONAL, state_kinds=STATE_KINDS, classes=tuple(METHODS))
        if not found and (iterate := engine.iterate_of(source)) not in engine.SCORED:
            found = [f"line 1: ITERATE is {iterate!r}; a search scores {' or '.join(map(repr, engine.SCORED))}"]
        return found

    def canonical(self, source: str) -> str:
        """Return the source in normal form."""
        from workbench.discovery.genome.canonical import canonical

        return canonical(source, (*FUNCTIONS, *OPTIONAL))

    def split(self, source: str) -> tuple[str, dict[str, float]]:
        """Return the source with its parameters' numbers taken out, and these."""
        from workbench.discovery.genome.canonical import split

        return split(source)

    def prepare(self, structure: str) -> Any:
        """Compile a rule, or import a class program or a rule in plain NumPy."""
        if any(isinstance(node, ast.ClassDef) and node.name in METHODS for node in ast.parse(structure).body):
            return make_class_program("the program", load_source(structure), structure)
        return engine.make_program(structure)

    def fingerprint(self, source: str, seed: int = 0) -> np.ndarray:
        """Return the behaviour on inputs of the training games' sizes."""
        return behaviour.fingerprint(source, self.horizon, {name: _counts(name) for name in self.train}, seed)

    def run(self, program: Any, constants: Mapping[str, float], instance: str, horizon: int, seed: int) -> Answer:
        """Run the rule and return its average policy."""
        game = instance_of(instance).game
        if isinstance(program, ClassProgram):
            solver = ClassProgramSolver(game, program)
            solver.advance(horizon)
            return {"policy": solver.average_policy()}
        values: dict[str, Value] = {**program.params, **constants}
        if "planned_iterations" in values:
            values["planned_iterations"] = horizon
        return {"policy": engine.run(program, values, game, horizon)}

    def solver(self, order: Mapping[str, Any]) -> Any:
        """In a locked process: return a solver for the program and the game of a session's `order`."""
        game, alternating = played(order), order["updates"] == "alternating"
        if order["form"] == "class program":
            program = make_class_program(order["name"], load_source(order["algo"]), order["algo"])
            return ClassProgramSolver(game, program, alternating=alternating)
        rule = engine.make_program(order["algo"], order["params"])
        return engine.RuleSolver(game, rule, order["params"], alternating=alternating)

    def warm_session(self, order: Mapping[str, Any]) -> None:
        """Make the game, and compile for it if it has a lock: what that needs cannot be loaded later."""
        game = played(order)
        if order.get("lock"):
            _compile_for(game)

    def score(self, instance: str, horizon: int, seed: int, answer: Answer) -> float:
        """Return the exploitability of the policy in `answer`.

        Raises
        ------
        engine.BadPolicy
            If it is none.
        """
        game, evaluate = instance_of(instance)
        policy = answer.get("policy")
        if policy is None or policy.dtype != np.float64 or policy.shape != (sum(game.actions),):
            raise engine.BadPolicy(f"the answer is no policy: it must have {sum(game.actions)} numbers for {instance}")
        for player in range(game.players):
            infosets = game.player_infosets(player)
            own, first = policy[game.player_actions(player)], game.tree.first[infosets].astype(np.int64)
            good = (np.abs(np.add.reduceat(own, first) - 1.0) <= TOLERANCE) & (np.minimum.reduceat(own, first) >= 0.0)
            if not good.all():
                raise engine.BadPolicy(
                    f"no probability distribution for {engine.place(game, player, int(np.argmin(good)), policy)}"
                )
        return max(0.0, evaluate(policy).exploitability)  # rounding may take it below

    def warm(self, instances: Sequence[str]) -> None:
        """Load games, compile the loop and the vocabulary of rules."""
        for name in instances or (self.hurdle.instance,):
            game, evaluate = instance_of(name)
            _compile_for(game)
            evaluate(np.repeat(1.0 / game.tree.count, game.tree.count))
        vocabulary.warm()
        for source in (self.known()["cfr+"], _WARM_CLASSES):
            self.fingerprint(source)


class Instance(NamedTuple):
    """A training or held-out game, and what scores policies on it."""

    game: SequenceGame
    evaluate: Evaluator


@cache
def instance_of(name: str) -> Instance:
    """Return the instance called `name`; what `warm` has loaded is there for locked processes, which read no files."""
    base, _, number = name.partition(MARK)
    game = load_game(base)
    game = jittered(game, int(number), JITTER) if number else game
    return Instance(game, Evaluator(game))


def played(order: Mapping[str, Any]) -> SequenceGame:
    """Return the game of a session's `order`, with its payoffs and its lock; what was asked for before is there."""
    size, number = order.get("jitter", (0.0, 0))
    game = _off(order["game"], size, number) if size else instance_of(order["game"]).game
    return _locked(order["game"], size, number, order["lock"]) if order.get("lock") else game


@cache
def _off(name: str, size: float, number: int) -> SequenceGame:
    return jittered(instance_of(name).game, number, size)


@cache
def _locked(name: str, size: float, number: int, lock: str) -> SequenceGame:
    return lock_game(played({"game": name, "jitter": (size, number)}), lock_of(lock)).game


def _compile_for(game: SequenceGame) -> None:
    engine.compile_loop(game)
    module = load_source(_WARM_CLASSES)
    ClassProgramSolver(game, make_class_program("warm-up", module, _WARM_CLASSES)).advance(1)


@cache
def _counts(name: str) -> list[np.ndarray]:
    """Return the number of actions at every infoset of a game, by player."""
    game = instance_of(name).game
    return [game.tree.count[game.player_infosets(player)] for player in range(game.players)]


TASK = CFRTask()
