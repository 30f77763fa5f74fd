"""The behaviour of a CFR rule on fixed small inputs, by which equal programs are known."""

from collections import defaultdict
from typing import Any

import numpy as np

from solvers.cfr.class_form import METHODS, InfoStateNode, is_class_form
from solvers.cfr.records import record_class
from solvers.rule import Infosets
from workbench.discovery.plain import plain_module
from workbench.discovery.tasks.cfr.engine import BadPolicy

COUNTS = ((2, 3, 2), (3, 2))  # actions of the players' infosets
TIMES = (1, 2, 3, 10, 11, 100, 500, 501, 700, 1000)
SCALES = (1.0, 0.03)  # of regrets; each a sequence of its own
TOLERANCE = 1e-9


def fingerprint(source: str, horizon: int) -> np.ndarray:
    """Return average policy, policy and regrets after every call on the fixed inputs.

    Raises
    ------
    BadPolicy
        If one of them is no policy.
    """
    module = plain_module(source)
    parts = []
    with np.errstate(all="ignore"):
        for scale in SCALES:
            tables = [_Table(player, counts) for player, counts in enumerate(COUNTS)]
            act = (
                _classes(module, tables)
                if is_class_form(module) and not hasattr(module, "PARAMS")
                else _rule(module, tables, horizon)
            )
            inputs = np.random.Generator(np.random.PCG64(20260216))
            for t in TIMES:
                for table in tables:
                    table.draw(inputs, scale)
                    act(table, t)
                    parts += table.outcome(t)
    return np.concatenate(parts)


class _Table:
    """One player's tables, and what they hold after a call."""

    def __init__(self, player: int, counts: tuple[int, ...]) -> None:
        self.count = np.array(counts)
        self.first = np.cumsum(self.count) - self.count
        self.infosets = Infosets(self.first, self.count, player)
        pairs = int(self.count.sum())
        self.S, self.R, self.r = np.zeros(pairs), np.zeros(pairs), np.zeros(pairs)
        self.sigma = np.repeat(1.0 / self.count, self.count)
        self.reach = np.zeros(len(counts))

    def draw(self, inputs: np.random.Generator, scale: float) -> None:
        """Fill in the next regrets and reaches; a few are zero, as they are in games."""
        r = np.round(scale * inputs.normal(size=len(self.r)), 4)
        r[inputs.random(len(r)) < 0.1] = 0.0
        self.r[:] = r
        self.reach[:] = np.round(inputs.random(len(self.reach)), 2)

    def outcome(self, t: int) -> list[np.ndarray]:
        """Return average policy, policy and regrets."""
        average = np.empty_like(self.S)
        for begin, n in zip(self.first.tolist(), self.count.tolist(), strict=True):
            S, sigma = self.S[begin : begin + n], self.sigma[begin : begin + n]
            if not (abs(sigma.sum() - 1.0) <= TOLERANCE and sigma.min() >= 0.0):
                raise BadPolicy(
                    f"no probability distribution for regrets {_words(self.R[begin : begin + n])} at t = {t}: {_words(sigma)}"
                )
            if not (S.min() >= 0.0 and S.sum() < np.inf):
                raise BadPolicy(f"no average policy at t = {t}: the sums are {_words(S)}")
            average[begin : begin + n] = S / S.sum() if S.sum() > 0.0 else 1.0 / n
        return [average, self.sigma.copy(), self.R.copy()]


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
        arrays = [shared[k] if kind == "game" else np.zeros(sizes[kind]) for k, kind in enumerate(state.values())]
        memory.append(record_class(tuple(state))(*arrays))

    def act(table: _Table, t: int) -> None:
        own = memory[table.infosets.player]
        n = np.int64(t)
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
