"""The behaviour of meta-strategy solvers on small meta-games drawn from the run's seed, by which probably equal programs are known.

The games' policies are random and few. Long loops are cut to some of their rounds, early ones, late ones and some between, and how
long they would have been belongs to the behaviour: without compiling, thousands of rounds would take minutes.
"""

from collections.abc import Callable, Iterable
from functools import cache
from types import ModuleType

import numpy as np

from solvers.exploitability import uniform_policy
from solvers.plans import plan_of
from solvers.psro.meta_solver import CLASSES, FUNCTIONS, MetaSolver, bound, checked_strategies, make_meta_solver
from solvers.psro.payoffs import Payoffs
from workbench.discovery.genome.plain import plain_module
from workbench.discovery.tasks.cfr.task import instance_of
from workbench.discovery.tasks.values import parameters

CASES = (  # game, policies of every player (from, to), iteration of PSRO (from, to)
    ("kuhn_2p", (1, 1), (1, 1)), ("kuhn_2p", (2, 2), (2, 4)), ("kuhn_2p", (3, 4), (5, 20)), ("kuhn_2p", (4, 6), (21, 50)),
    ("kuhn_2p", (5, 7), (51, 90)), ("kuhn_2p", (3, 8), (91, 100)), ("kuhn_3p", (1, 1), (1, 1)), ("kuhn_3p", (2, 2), (2, 9)),
    ("kuhn_3p", (3, 3), (10, 49)), ("kuhn_3p", (2, 3), (50, 100)),
)  # fmt: skip
LONG = 24  # rounds of a loop that are not cut
_EARLY, _LATE = 5, 3
_BETWEEN = (0.002, 0.02, 0.1, 0.2, 0.3, 0.45, 0.6, 0.7, 0.9)  # of the loop's length


def fingerprint(source: str, seed: int) -> np.ndarray:
    """Return both solvers' strategies on meta-games drawn from `seed`, and the lengths of their loops.

    Raises
    ------
    GameplanError
        If an answer has the wrong shape or is no strategy.
    """
    module = plain_module(source)
    lengths: list[int] = []
    module.range = shortened(lengths)  # type: ignore[attr-defined]
    parts = []
    with np.errstate(all="ignore"):
        for role in ("train", "eval"):
            solver = _solver(module, role, source)
            for payoffs, iteration in _cases(seed):
                lengths.clear()
                parts += checked_strategies(solver, payoffs, iteration)
                parts.append(np.array([float(sum(lengths)), float(len(lengths))]))
    return np.concatenate(parts)


def shortened(lengths: list[int]) -> Callable[..., Iterable[int]]:
    """Return a ``range`` that leaves out most rounds of long loops and notes their lengths."""

    def short(*arguments: int) -> Iterable[int]:
        whole = range(*(int(a) for a in arguments))
        n = len(whole)
        if n <= LONG:
            return whole
        lengths.append(n)
        between = (int(share * n) for share in _BETWEEN)
        return [whole[k] for k in sorted({*range(_EARLY), *between, *range(n - _LATE, n)})]

    return short


def _solver(module: ModuleType, role: str, source: str) -> MetaSolver:
    if isinstance(getattr(module, CLASSES[role], None), type):
        return make_meta_solver("the program", role, module, {}, source)
    params = parameters(getattr(module, role.upper(), {}))
    function = getattr(module, FUNCTIONS[role])
    call = bound(f"the program: {FUNCTIONS[role]}", function, params)
    return MetaSolver("the program", role, lambda payoffs, n: call(payoffs, np.int64(n)), {}, False, None)  # type: ignore[arg-type]


@cache
def _cases(seed: int) -> list[tuple[Payoffs, int]]:
    """Return meta-games with the iteration at which they come."""
    rng = np.random.Generator(np.random.PCG64([20260216, seed]))
    return [
        (_payoffs(game, int(rng.integers(policies[0], policies[1] + 1)), rng), int(rng.integers(iteration[0], iteration[1] + 1)))
        for game, policies, iteration in CASES
    ]


def _payoffs(name: str, policies: int, rng: np.random.Generator) -> Payoffs:
    """Return the meta-game of so many random policies a player, the first of them uniform."""
    game = instance_of(name).game
    payoffs, policy = Payoffs(game), uniform_policy(game)
    for _ in range(policies):
        payoffs.extend([plan_of(game, p, policy[game.player_actions(p)]) for p in range(game.players)])
        weights = np.round(rng.random(len(policy)) ** 4, 3) + 1e-3
        start = np.concatenate(
            [game.tree.first[game.player_infosets(p)] + game.player_actions(p).start for p in range(game.players)]
        )
        policy = weights / np.repeat(np.add.reduceat(weights, start.astype(np.int64)), game.tree.count)
    return payoffs
