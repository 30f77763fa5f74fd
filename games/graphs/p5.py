"""P5: with a constant receding horizon the goal is put off for ever, because waiting always pays a little more.

Parameters
----------
steps : of an episode; at least 1
"""

import networkx as nx

from games.graphs.paths import at_least
from games.graphs.world import GraphWorld
from games.params import Value

OPTIONS: dict[str, Value] = {"steps": 20}


def graph() -> nx.MultiDiGraph:
    """Return the graph: at A `wait` pays 0.1 and `go` leads to B; at B `fin` pays 1 and ends, `back` leads to A."""
    found = nx.MultiDiGraph()
    for u, v, name, reward in (("A", "A", "wait", 0.1), ("A", "B", "go", 0.0), ("B", "GOAL", "fin", 1.0), ("B", "A", "back", 0.0)):
        found.add_edge(u, v, name=name, reward=reward, score=reward)
    found.nodes["GOAL"].update(worth=1.0, goal=True)
    return found


def make(name: str, steps: int) -> GraphWorld:
    """Return the world of P5, walked for `steps` steps."""
    at_least(name, 1, {"steps": steps})
    return GraphWorld(name, graph(), steps)
