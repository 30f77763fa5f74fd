"""Twins of the meta-strategy solvers: any number of players, payoffs by contraction of whole tensors, one line of the papers a line.

A twin takes the players' payoff tensors, the iteration of PSRO and its role's parameters, and returns one strategy a player.
"""

from itertools import combinations, product

import numpy as np
from matrix_games import naive_hybrid, naive_vector


def uniform(tensors, iteration, p):
    return [np.full(n, 1 / n) for n in tensors[0].shape]


def nash(tensors, iteration, p):
    """The equilibrium of a generic zero-sum game: the pair of supports of equal size on which all policies are equally good."""
    A = tensors[0]
    rows, columns = A.shape
    for size in range(1, min(A.shape) + 1):
        for mine, theirs in product(combinations(range(rows), size), combinations(range(columns), size)):
            square = A[np.ix_(mine, theirs)]
            border = np.block([[square, -np.ones((size, 1))], [np.ones((1, size)), 0.0]])
            if abs(np.linalg.det(border)) < 1e-12:
                continue
            end = np.append(np.zeros(size), 1.0)
            x, y = np.zeros(rows), np.zeros(columns)
            border_of_x = np.block([[square.T, -np.ones((size, 1))], [np.ones((1, size)), 0.0]])
            x[list(mine)], y[list(theirs)] = np.linalg.solve(border_of_x, end)[:-1], np.linalg.solve(border, end)[:-1]
            value = x @ A @ y
            if min(x.min(), y.min()) >= 0 and (A @ y).max() <= value + 1e-9 and (x @ A).min() >= value - 1e-9:
                return [x, y]
    raise AssertionError("no equilibrium with supports of equal size")


def values(tensors, s):
    return [naive_vector(p, s, tensor) for p, tensor in enumerate(tensors)]


def matched(regrets):
    positive = np.maximum(regrets, 0)
    return positive / positive.sum() if positive.sum() > 1e-12 else np.full(len(regrets), 1 / len(regrets))


def regret_matching(tensors, steps, *, floor, optimism, linear):
    """Regret matching in its three forms: the floor of the regrets, the weight of the last ones as a prediction, the averaging."""
    s = uniform(tensors, 0, None)
    R, total = [np.zeros(len(x)) for x in s], [np.zeros(len(x)) for x in s]
    for t in range(1, steps + 1):
        for p, v in enumerate(values(tensors, s)):
            total[p] += (t if linear else 1) * s[p]
            r = v - s[p] @ v
            R[p] = np.maximum(R[p] + r, floor)
            s[p] = matched(R[p] + optimism * r)
    return [x / x.sum() for x in total]


def rm(tensors, iteration, p):
    return regret_matching(tensors, p.steps, floor=-np.inf, optimism=0, linear=False)


def rm_plus(tensors, iteration, p):
    return regret_matching(tensors, p.steps, floor=0, optimism=0, linear=True)


def orm(tensors, iteration, p):
    return regret_matching(tensors, p.steps, floor=-np.inf, optimism=1, linear=False)


def fp(tensors, iteration, p):
    """The mean of the uniform strategy and of `steps` best responses to the means before."""
    history = [[x] for x in uniform(tensors, 0, None)]
    for _ in range(p.steps):
        for player, v in enumerate(values(tensors, [np.mean(h, axis=0) for h in history])):
            best = v >= v.max() - 1e-12
            history[player].append(best / best.sum())
    return [np.mean(h, axis=0) for h in history]


def hedge(tensors, iteration, p):
    s = uniform(tensors, 0, None)
    gains, total, spread = [0 * x for x in s], [0 * x for x in s], [1e-12] * len(s)
    for _ in range(p.steps):
        for player, v in enumerate(values(tensors, s)):
            total[player] = total[player] + s[player]
            gains[player] = gains[player] + v
            spread[player] = max(spread[player], np.ptp(v))
            rate = np.sqrt(8 * np.log(max(len(v), 2)) / p.steps) / spread[player]
            e = np.exp(rate * (gains[player] - gains[player].max()))
            s[player] = e / e.sum()
    return [x / p.steps for x in total]


def nearest(x, floor):
    """The nearest strategy with every probability at least `floor`: max(x - shift, floor) with the shift that makes it sum to 1."""
    low, high = x.min() - 1, x.max()
    for _ in range(200):
        shift = (low + high) / 2
        low, high = (shift, high) if np.maximum(x - shift, floor).sum() > 1 else (low, shift)
    return np.maximum(x - shift, floor)


def prd(tensors, iteration, p):
    x = uniform(tensors, 0, None)
    half = []
    for step in range(p.steps):
        x = [nearest(s + p.dt * s * (v - s @ v), p.gamma / (len(s) + 1)) for s, v in zip(x, values(tensors, x), strict=True)]
        if step >= p.steps / 2:
            half.append(x)
    return [np.mean([s[player] for s in half], axis=0) for player in range(len(x))]


def rrd(tensors, iteration, p):
    """The mean over time, once its regret is small."""
    x, seen = uniform(tensors, 0, None), []
    while len(seen) < p.steps:
        grown = [np.maximum(s * (1 + p.dt * (v - s @ v)), 0) for s, v in zip(x, values(tensors, x), strict=True)]
        x = [s / s.sum() for s in grown]
        seen.append(x)
        mean = [np.mean([s[player] for s in seen], axis=0) for player in range(len(x))]
        regret = sum(v.max() - s @ v for s, v in zip(mean, values(tensors, mean), strict=True))
        if len(seen) >= p.first and regret < p.regret:
            break
    return mean


def alpharank(tensors, iteration, p):
    """The chain over all joint policies as a matrix; its stationary distribution by linear equations."""
    shape, before = tensors[0].shape, None
    joints = list(product(*map(range, shape)))
    for doubling in range(p.doublings):
        alpha = p.initial_intensity * 2**doubling
        P = np.zeros((len(joints), len(joints)))
        for s, t in product(joints, joints):
            changed = [player for player in range(len(shape)) if s[player] != t[player]]
            if len(changed) == 1:
                gain = alpha * (tensors[changed[0]][t] - tensors[changed[0]][s])
                fixed = 1 / p.population if gain == 0 else (1 - np.exp(-gain)) / (1 - np.exp(-p.population * gain))
                P[joints.index(s), joints.index(t)] = fixed / sum(n - 1 for n in shape)
        P += np.diag(1 - P.sum(axis=1))
        equations = np.vstack([P.T - np.eye(len(joints)), np.ones(len(joints))])
        pi = np.linalg.lstsq(equations, np.append(np.zeros(len(joints)), 1.0), rcond=None)[0].reshape(shape)
        found = [pi.sum(axis=tuple(q for q in range(len(shape)) if q != player)) for player in range(len(shape))]
        if before is not None and max(abs(a - b).max() for a, b in zip(found, before, strict=True)) < p.settled:
            return found
        before = found
    return found


def shor(tensors, iteration, p):
    """Train anneals blend, temperature and diversity and averages; eval has them fixed and returns its last strategies."""
    steps = int(min(p.base_iterations + p.iterations_per_policy * (tensors[0].shape[0] - 1), p.max_iterations))
    if hasattr(p, "blend"):
        return naive_hybrid(tensors, steps, p.blend, p.temperature, p.momentum, p.diversity, False)
    q = min(1, iteration / p.horizon)
    blend, temperature, diversity = (
        (1 - q) * getattr(p, f"initial_{name}") + q * getattr(p, f"final_{name}") for name in ("blend", "temperature", "diversity")
    )
    return naive_hybrid(tensors, steps, blend, temperature, p.momentum, diversity, True)


TWINS = {
    "uniform": uniform,
    "nash": nash,
    "anytime": nash,  # of all actions of a game; of fewer it is another, which tests/test_unrestricted.py is about
    "rectified": nash,  # the strategies; its answers are asked about in tests/test_rectified.py
    "prd": prd,
    "rrd": rrd,
    "rm": rm,
    "rm+": rm_plus,
    "orm": orm,
    "fp": fp,
    "hedge": hedge,
    "alpharank": alpharank,
    "shor": shor,
}
