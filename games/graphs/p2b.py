"""P2b(w, L, R): the bait's many continuations crowd the good action out of a beam of width w at depth 2.

For the setting of arXiv 2601.22311 with beam width = candidates = 8, where 8 candidates cannot be cut at depth 1.

Parameters
----------
w : continuations of the bait; at least 1
L : edges of every path; at least 2
R : return at the end of the good path; any number
"""

import networkx as nx

from games.graphs.paths import at_least, rooted
from games.graphs.world import GraphWorld
from games.params import Value

OPTIONS: dict[str, Value] = {"w": 16, "L": 4, "R": 1.0}


def graph(w: int, L: int, R: float) -> nx.MultiDiGraph:
    """Return the graph: `bait` (l = 1) fans out to w children (1), `good` (.9) has one (.5); from there l = 0 to L edges in all."""
    found = rooted()
    found.add_edge("root", "bait", score=1.0, name="bait")
    found.add_edge("root", "good", score=0.9, name="good")
    for first, children, score, worth in (("bait", w, 1.0, 0.0), ("good", 1, 0.5, R)):
        for k in range(1, children + 1):
            before = first
            for step in range(2, L + 1):
                node = f"{first} {k}.{step}"
                last = step == L
                found.add_edge(before, node, score=score if step == 2 else 0.0, reward=worth if last else 0.0, name=f"child {k}")
                found.nodes[node].update(worth=worth if last else 0.0, goal=last and worth > 0.0)
                before = node
    return found


def make(name: str, w: int, L: int, R: float) -> GraphWorld:
    """Return the world of P2b(w, L, R), walked for L steps."""
    at_least(name, 1, {"w": w})
    at_least(name, 2, {"L": L})
    return GraphWorld(name, graph(w, L, R), L)
