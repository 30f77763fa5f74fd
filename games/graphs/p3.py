"""P3(m): every step-wise policy returns 0, one step of lookahead is optimal (arXiv 2601.22311, proposition 3.3).

Parameters
----------
m : decoys; at least 1
"""

import networkx as nx

from games.graphs.paths import add_path, at_least, rooted
from games.graphs.world import GraphWorld
from games.params import Value

OPTIONS: dict[str, Value] = {"m": 1}


def graph(m: int) -> nx.MultiDiGraph:
    """Return the graph: m decoys (l = 1, then 0, return 0), then `good` (l = 0, then 2, return 1)."""
    found = rooted()
    for k in range(1, m + 1):
        add_path(found, f"decoy {k}", [1.0, 0.0], 0.0)
    add_path(found, "good", [0.0, 2.0], 1.0)
    return found


def make(name: str, m: int) -> GraphWorld:
    """Return the world of P3(m), walked for 2 steps."""
    at_least(name, 1, {"m": m})
    return GraphWorld(name, graph(m), 2)
