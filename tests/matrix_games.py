"""Payoff tensors of random games, and slow twins of what runs on them."""

import numpy as np


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
