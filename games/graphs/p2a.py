"""P2a(m, L, R): m decoys crowd the good action out of a beam of width m (arXiv 2601.22311, proposition 3.2).

Parameters
----------
m : decoys; at least 1
L : edges of every path; at least 1
R : return at the end of the good path; any number
"""

import networkx as nx

from games.graphs.paths import add_path, at_least, rooted
from games.graphs.world import GraphWorld
from games.params import Value

OPTIONS: dict[str, Value] = {"m": 16, "L": 3, "R": 1.0}


def graph(m: int, L: int, R: float) -> nx.MultiDiGraph:
    """Return the graph: m decoys (l = 1, return 0), then `good` (l = 0, return R), each a path of L edges, the rest l = 0."""
    found = rooted()
    for k in range(1, m + 1):
        add_path(found, f"decoy {k}", [1.0] + [0.0] * (L - 1), 0.0)
    add_path(found, "good", [0.0] * L, R)
    return found


def make(name: str, m: int, L: int, R: float) -> GraphWorld:
    """Return the world of P2a(m, L, R), walked for L steps."""
    at_least(name, 1, {"m": m, "L": L})
    return GraphWorld(name, graph(m, L, R), L)
