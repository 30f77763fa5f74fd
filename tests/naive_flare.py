"""FLARE as a student would write it: dictionaries, recursion-free, mean backup, no memory. Random numbers as in the kernel."""

import math

import numpy as np

from games.process import apply, exact, legal, outlook, score, terminal
from games.random import below
from planners.evaluator import new_trajectory


def candidates(model, state, k):
    actions = np.zeros(model.actions, np.int64)
    rows = []
    for action in actions[: legal(model, state, actions)].tolist():
        after = state.copy()
        reward = apply(model, after, action)
        rows.append((action, score(model, state, action, after, reward)))
    return sorted(rows, key=lambda row: -row[1])[:k]


def plan(model, root, S, H, k, c, rng):
    """Return {action: (visits, mean)} at the root after S simulations."""
    N, Q = {}, {}
    for _ in range(S):
        tau, state, path, tree = new_trajectory(H, model.width), root.copy(), [], True
        tau.states[0] = state
        d = 0
        while d < H and not terminal(model, state):
            C = candidates(model, state, k)
            if tree:
                keys = [(int(state[0]), d, action) for action, _ in C]
                fresh = [j for j, key in enumerate(keys) if N.get(key, 0) == 0]
                if fresh:
                    j = fresh[below(rng, len(fresh))]
                    tree = False
                else:
                    n = sum(N[key] for key in keys)
                    bounds = [Q[key] + c * math.sqrt(math.log(n) / (N[key] + 1)) for key in keys]
                    j = bounds.index(max(bounds))
                path.append(keys[j])
            else:
                j = below(rng, len(C))
            action, tau.scores[d] = C[j]
            apply(model, state, action)
            d += 1
            tau.states[d] = state
        G = exact(model, state) if terminal(model, state) else outlook(model, tau, d)
        for key in path:
            N[key] = N.get(key, 0) + 1
            Q[key] = Q.get(key, 0.0) + (G - Q.get(key, 0.0)) / N[key]
    return {a: (N[s, d, a], Q[s, d, a]) for s, d, a in N if d == 0}
