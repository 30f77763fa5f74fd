"""What every CFR rule keeps to: a complete file, convergence, and the same bits however a run is cut."""

import ast
import inspect
from collections.abc import Mapping
from functools import cache

import numpy as np

from games.loader import load_game
from games.params import Value
from games.sentences import unsaid
from games.sequence_form import SequenceGame
from solvers.cfr.rule_file import FUNCTIONS, Rule, foreign_imports
from solvers.cfr.solver import CFRSolver
from solvers.exploitability import Evaluator, uniform_policy
from workbench.catalogue.algorithms import find_algorithm


class RuleSuite:
    """Suite of one CFR rule.

    Attributes
    ----------
    algo : str
        Catalogue name or path of a rule file.
    bound : float
        Exploitability of the reported policy on two-player Kuhn poker after 1000 alternating iterations.
    share : float
        The same with simultaneous updates, which are slow, as a share of the uniform policy's; below 1.
    params : mapping
        Values for parameters in runs of some dozens of iterations, such as a shorter warm-up.
    """

    algo: str
    bound: float
    share = 0.1
    params: Mapping[str, Value] = {}

    def fresh(self, game: str, iterations: int = 40, *, alternating: bool = True) -> CFRSolver:
        """Return a solver that has not begun."""
        solver = find_algorithm(self.algo, self.params, iterations).make(load(game), alternating=alternating)
        assert isinstance(solver, CFRSolver), f"{self.algo} is no CFR rule"
        return solver

    def rule(self) -> Rule:
        """Return the checked rule."""
        return self.fresh("kuhn_2p").rule

    def test_file_is_complete(self) -> None:
        """The file says what it does and what its parameters are, uses what it declares, and imports the vocabulary alone."""
        rule = self.rule()
        missing = unsaid(rule.module.__doc__, rule.params, rule.choices)
        assert not missing, f"{self.algo}: {missing[0]}"
        source = inspect.getsource(rule.module)
        tree = ast.parse(source)
        functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert ast.get_docstring(tree), f"{self.algo} has no docstring"
        assert set(FUNCTIONS) <= set(functions), f"{self.algo} lacks functions; a rule has {', '.join(FUNCTIONS)}"
        silent = [name for name, node in functions.items() if not ast.get_docstring(node)]
        assert not silent, f"{self.algo}: functions without a docstring: {', '.join(silent)}"
        named = {(n.value.id, n.attr) for n in ast.walk(tree) if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)}
        for table, declared in (("params", rule.params), ("state", rule.state)):
            assert {attribute for name, attribute in named if name == table} == set(declared), f"{self.algo}: {table}"
        assert not foreign_imports(source), (
            f"{self.algo} imports {foreign_imports(source)}; of the project a rule needs solvers.rule alone"
        )

    def test_converges(self) -> None:
        """Kuhn poker, within the bound; simultaneous updates within their share of the uniform policy's exploitability."""
        evaluate = Evaluator(load("kuhn_2p"))
        start = evaluate(uniform_policy(load("kuhn_2p"))).exploitability
        assert self.bound < start / 10 and self.share < 1.0, f"{self.algo}: bounds that the uniform policy nearly keeps to"
        for alternating, bound in ((True, self.bound), (False, self.share * start)):
            solver = find_algorithm(self.algo, {}, 1000).make(load("kuhn_2p"), alternating=alternating)
            assert isinstance(solver, CFRSolver), f"{self.algo} is no CFR rule"
            solver.advance(1000)
            last = solver.rule.iterate == "last"
            found = evaluate(solver.current_policy() if last else solver.average_policy()).exploitability
            how = "alternating" if alternating else "simultaneous"
            assert -1e-12 <= found <= bound, (
                f"{self.algo} ({how}) has exploitability {found:.3g} after 1000 iterations, not {bound:.3g}"
            )

    def test_checkpoint_continues_with_the_same_bits(self) -> None:
        """A run saved after 13 of 40 iterations, continued by another solver."""
        for alternating in (True, False):
            whole, first, second = (self.fresh("kuhn_3p", alternating=alternating) for _ in range(3))
            whole.advance(40)
            first.advance(13)
            saved = {name: array.copy() for name, array in first.state().items()}
            second.restore(13, saved)
            assert second.iteration == 13, f"{self.algo} is restored at iteration {second.iteration}, not 13"
            second.advance(40)
            assert bits(second) == bits(whole), (
                f"{self.algo} goes on with other bits from a checkpoint: what it remembers belongs in STATE"
            )
            assert second.average_policy().tobytes() == whole.average_policy().tobytes(), (
                f"{self.algo} ends with another policy from a checkpoint"
            )

    def test_runs_repeat_bit_for_bit_however_they_are_cut(self) -> None:
        """Thirty iterations in one piece and in five."""
        whole, pieces = self.fresh("goofspiel_4"), self.fresh("goofspiel_4")
        whole.advance(30)
        for stop in (0, 1, 2, 2, 11, 30):
            pieces.advance(stop)
        assert pieces.iteration == 30, f"{self.algo} ends at iteration {pieces.iteration}, not 30"
        assert bits(pieces) == bits(whole), f"{self.algo} depends on how its run is cut: what it remembers belongs in STATE"
        assert not np.array_equal(whole.average_policy(), uniform_policy(load("goofspiel_4"))), f"{self.algo} plays uniformly"


def bits(solver: CFRSolver) -> dict[str, bytes]:
    """Return the solver's tables as bytes."""
    return {name: array.tobytes() for name, array in solver.state().items()}


@cache
def load(game: str) -> SequenceGame:
    """Return the compiled game; each is loaded once a process."""
    return load_game(game)
