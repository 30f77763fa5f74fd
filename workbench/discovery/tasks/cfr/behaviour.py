"""The behaviour of a CFR rule on inputs drawn from the run's seed, by which programs that are probably equal are known.

The inputs have the sizes of the training games and are for all their players, so that a program that looks at sizes or t does not
pass for another; what becomes a member is measured itself all the same.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from solvers.cfr.class_form import METHODS, InfoStateNode, is_class_form
from solvers.cfr.records import record_class
from solvers.cfr.rule_file import OTHERS
from solvers.rule import Infosets
from workbench.discovery.genome.plain import plain_module
from workbench.discovery.tasks.cfr.engine import AVERAGE, LAST, BadPolicy

Counts = Sequence[np.ndarray]  # for every player, the number of actions at each of its infosets
MOMENTS = ((1, 1), (2, 3), (4, 20), (21, 200), (201, 500), (501, 700), (701, 1000))  # a t is drawn between, in turn
SHORT = ((501, 1000), (2, 500))  # of tables whose calls take long: late ones first, where mechanisms show
PAIRS = 3000  # pairs of all calls for a game, about: the more a table has, the fewer its calls
SCALES = (1.0, 0.03)  # of regrets
TOLERANCE = 1e-9


def fingerprint(source: str, horizon: int, games: Mapping[str, Counts], seed: int) -> np.ndarray:
    """Return average policy, policy and regrets after calls on inputs drawn from `seed`, about forty for four games.

    Parameters
    ----------
    games : mapping
        The sizes of the tables by the games' names.

    Raises
    ------
    BadPolicy
        If one of them is no policy.
    """
    module = plain_module(source)
    classes = is_class_form(module) and not hasattr(module, "PARAMS")
    last = getattr(module, "ITERATE", AVERAGE) == LAST
    parts = []
    with np.errstate(all="ignore"):
        for place, counts in enumerate(games.values()):
            tables = [_Table(player, count) for player, count in enumerate(counts)]
            act = _classes(module, tables) if classes else _rule(module, tables, horizon)
            inputs = np.random.Generator(np.random.PCG64([20260216, seed, place]))
            scale = SCALES[int(inputs.integers(len(SCALES)))]
            for t in times(max(len(table.r) for table in tables), inputs):
                for table in tables:
                    table.draw(inputs, scale)
                    act(table, t)
                    average, policy, regrets = table.outcome(t)
                    parts += [policy if last else average, policy, regrets]
    return np.concatenate(parts)


def times(pairs: int, inputs: np.random.Generator) -> list[int]:
    """Return increasing iterations, drawn from `inputs`: early, middle and late ones for small tables, one or two for large."""
    calls = max(1, PAIRS // pairs)
    moments = MOMENTS if calls >= len(MOMENTS) else SHORT[:calls]
    return sorted(int(inputs.integers(low, high + 1)) for low, high in moments)


class _Table:
    """One player's tables, and what they hold after a call."""

    def __init__(self, player: int, counts: np.ndarray) -> None:
        self.count = counts.astype(np.int64)
        self.first = np.cumsum(self.count) - self.count
        self.infosets = Infosets(self.first, self.count, player)
        pairs = int(self.count.sum())
        self.S, self.R, self.r = np.zeros(pairs), np.zeros(pairs), np.zeros(pairs)
        self.sigma = np.repeat(1.0 / self.count, self.count)
        self.reach, self.others = np.zeros(len(counts)), np.zeros(len(counts))

    def draw(self, inputs: np.random.Generator, scale: float) -> None:
        """Fill in the next regrets and reaches; a few are zero, as they are in games."""
        r = np.round(scale * inputs.normal(size=len(self.r)), 4)
        r[inputs.random(len(r)) < 0.1] = 0.0
        self.r[:] = r
        self.reach[:] = np.round(inputs.random(len(self.reach)), 2)
        self.others[:] = self.reach[::-1]

    def outcome(self, t: int) -> list[np.ndarray]:
        """Return average policy, policy and regrets."""
        policy, sums = np.add.reduceat(self.sigma, self.first), np.add.reduceat(self.S, self.first)
        good = (np.abs(policy - 1.0) <= TOLERANCE) & (np.minimum.reduceat(self.sigma, self.first) >= 0.0)
        if not good.all():
            own = self._infoset(int(np.argmin(good)))
            raise BadPolicy(f"no probability distribution for regrets {_words(self.R[own])} at t = {t}: {_words(self.sigma[own])}")
        good = (np.minimum.reduceat(self.S, self.first) >= 0.0) & (sums < np.inf)
        if not good.all():
            own = self._infoset(int(np.argmin(good)))
            raise BadPolicy(f"no average policy at t = {t}: the sums are {_words(self.S[own])}")
        total, count = np.repeat(sums, self.count), np.repeat(self.count, self.count)
        average = np.where(total > 0.0, self.S / np.where(total > 0.0, total, 1.0), 1.0 / count)
        return [average, self.sigma.copy(), self.R.copy()]

    def _infoset(self, place: int) -> slice:
        begin = int(self.first[place])
        return slice(begin, begin + int(self.count[place]))


def _words(values: np.ndarray) -> str:
    return f"[{', '.join(f'{value:.6g}' for value in values)}]"


def _rule(module: Any, tables: list[_Table], horizon: int) -> Any:
    numbers = {float: np.float64, int: np.int64}
    given = {**module.PARAMS, **({"planned_iterations": horizon} if "planned_iterations" in module.PARAMS else {})}
    params = record_class(tuple(given))(*(numbers.get(type(v), lambda x: x)(v) for v in given.values()))
    state = getattr(module, "STATE", {})
    shared = np.zeros((len(state), 1))
    memory = []
    for table in tables:
        sizes = {"action": len(table.r), "infoset": len(table.reach)}
        own = [shared[k] if kind == "game" else np.zeros(sizes.get(kind, 0)) for k, kind in enumerate(state.values())]
        arrays = [table.others if kind == OTHERS else array for kind, array in zip(state.values(), own, strict=True)]
        memory.append(record_class(tuple(state))(*arrays))

    regularised = hasattr(module, "regularise")

    def act(table: _Table, t: int) -> None:
        own = memory[table.infosets.player]
        n = np.int64(t)
        if regularised:  # what a rule adds to values shows in the regrets
            terms = np.zeros(len(table.r))
            module.regularise(terms, table.sigma, table.reach, n, table.infosets, params, own)
            table.r += terms
        module.accumulate_policy(table.S, table.sigma, table.reach, table.r, table.R, n, table.infosets, params, own)
        module.accumulate_regret(table.R, table.r, n, table.infosets, params, own)
        module.derive_policy(table.sigma, table.R, table.r, n, table.infosets, params, own)

    return act


def _classes(module: Any, tables: list[_Table]) -> Any:
    regret, derive, average = (getattr(module, name)() for name in METHODS)
    nodes = [[InfoStateNode(list(range(n)), i) for i, n in enumerate(table.count.tolist())] for table in tables]

    def act(table: _Table, t: int) -> None:
        cuts = zip(nodes[table.infosets.player], table.first.tolist(), table.count.tolist(), table.reach.tolist(), strict=True)
        for node, begin, n, reach in cuts:
            own, actions = slice(begin, begin + n), range(n)
            r, sigma = dict(enumerate(table.r[own].tolist())), dict(enumerate(table.sigma[own].tolist()))
            node.cumulative_regret = defaultdict(float, regret.update_accumulate_regret(node, t - 1, dict(r)))
            new = derive.get_updated_current_policy(node, t - 1, dict(r), dict(sigma))
            table.sigma[own] = [new.get(action, 0.0) for action in actions]
            new = average.update_accumulate_policy(node, t - 1, dict(sigma), dict(r), reach, 0.5)
            node.cumulative_policy = defaultdict(float, new)
            table.S[own] = [node.cumulative_policy[action] for action in actions]
            table.R[own] = [node.cumulative_regret[action] for action in actions]

    return act
