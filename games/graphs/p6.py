"""P6: looking further ahead can be worse; 0 and 2 further steps choose well, 1 does not (lookahead pathology)."""

import networkx as nx

from games.graphs.paths import add_path, rooted
from games.graphs.world import GraphWorld
from games.params import Value

OPTIONS: dict[str, Value] = {}


def graph() -> nx.MultiDiGraph:
    """Return the graph: two forced paths with the step rewards 1, 0, 10 (`a`) and 0, 2, 0 (`b`), which are the local scores too."""
    found = rooted()
    for name, rewards in (("a", [1.0, 0.0, 10.0]), ("b", [0.0, 2.0, 0.0])):
        add_path(found, name, rewards, 0.0, rewards)
    return found


def make(name: str) -> GraphWorld:
    """Return the world of P6, walked for 3 steps."""
    return GraphWorld(name, graph(), 3)
