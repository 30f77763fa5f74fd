"""Meta-games given by payoff tensors, and slow twins of what runs on them."""

from types import SimpleNamespace

import numpy as np

from games.loader import load_game
from solvers.psro.catalogue import SOLVERS
from solvers.psro.core import PolicySet
from solvers.psro.meta_game import MetaGame, make_meta_game
from solvers.psro.meta_solver import make_meta_solver, shipped_module
from solvers.psro.payoffs import Payoffs


def meta_game(tensors: list[np.ndarray]) -> MetaGame:
    """Return a meta-game given by tensors; the extensive-form part is not used then."""
    sets = [PolicySet(1, merging=False) for _ in tensors]
    for policies, size in zip(sets, tensors[0].shape, strict=True):
        for k in range(size):
            policies.append(np.array([k]))
    return make_meta_game(sets, Payoffs(load_game("kuhn_2p")).core, np.stack(tensors))


def solve_tensors(name: str, tensors: list[np.ndarray]) -> list[np.ndarray]:
    """Return the train strategies of a shipped solver on the game given by `tensors`."""
    zero_sum = len(tensors) == 2 and np.allclose(tensors[0], -tensors[1])
    payoffs = SimpleNamespace(
        meta=meta_game(tensors), sizes=list(tensors[0].shape), kinds=[np.arange(n) for n in tensors[0].shape],
        tensor=lambda p: tensors[p], distinct_tensors=lambda: np.stack(tensors),
        game=SimpleNamespace(players=len(tensors), zero_sum=zero_sum, name="a matrix game"),
    )  # fmt: skip
    answer = make_meta_solver(name, "train", shipped_module(SOLVERS[name][0]), {}, None).call(payoffs, 75)
    return [np.asarray(x) / np.sum(x) for x in answer]


def naive_vector(player: int, strategies: list[np.ndarray], tensor: np.ndarray) -> np.ndarray:
    out = tensor
    for other in reversed(range(tensor.ndim)):
        if other != player:
            out = np.tensordot(out, strategies[other], axes=(other, 0))
    return out


def naive_hybrid(tensors, iterations, blend, temperature, momentum, diversity, averaging):
    """The pseudo-code of SHOR, line by line."""
    s = [np.full(n, 1 / n) for n in tensors[0].shape]
    C, G, total = ([np.zeros_like(x) for x in s] for _ in range(3))
    for _ in range(iterations):
        for p in range(len(s)):
            v = naive_vector(p, s, tensors[p])
            c = v - v.mean()
            u = (1 + momentum) * c - momentum * G[p] + diversity * (1 - s[p])
            if np.abs(u).max() > 1e-8:
                u = u / np.abs(u).max()
            C[p] = np.maximum(0, C[p] + u)
            o = C[p] / C[p].sum() if C[p].sum() > 1e-12 else np.full(len(u), 1 / len(u))
            e = np.exp((v - v.max()) / temperature)
            s[p] = (1 - blend) * o + blend * e / e.sum()
            G[p] = c
            total[p] = total[p] + s[p]
    return [t / t.sum() for t in total] if averaging else s


def random_tensors(shape: tuple[int, ...], seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for _ in shape]
