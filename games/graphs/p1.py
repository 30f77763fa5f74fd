"""P1(L, R): greedy takes the bait and gets 0 while R waits behind the delay (arXiv 2601.22311, proposition 3.1).

Parameters
----------
L : edges of both paths; at least 1
R : return at the end of the path that looks worse; any number
"""

import networkx as nx

from games.graphs.paths import add_path, at_least, rooted
from games.graphs.world import GraphWorld
from games.params import Value

OPTIONS: dict[str, Value] = {"L": 3, "R": 1.0}


def graph(L: int, R: float) -> nx.MultiDiGraph:
    """Return the graph: two paths of L edges, `bait` (l = 1, return 0) and `delay` (l = 0, return R), in this order."""
    found = rooted()
    add_path(found, "bait", [1.0] + [0.0] * (L - 1), 0.0)
    add_path(found, "delay", [0.0] * L, R)
    return found


def make(name: str, L: int, R: float) -> GraphWorld:
    """Return the world of P1(L, R), walked for L steps."""
    at_least(name, 1, {"L": L})
    return GraphWorld(name, graph(L, R), L)
