"""P4(D): lookahead that ends before the return does not see it (arXiv 2601.22311, appendix).

Parameters
----------
D : steps until the return; at least 1
"""

from games.graphs import p1
from games.graphs.paths import at_least
from games.graphs.world import GraphWorld
from games.params import Value

OPTIONS: dict[str, Value] = {"D": 4}


def make(name: str, D: int) -> GraphWorld:
    """Return the world of P4(D) = P1(D, 1), walked for D steps."""
    at_least(name, 1, {"D": D})
    return GraphWorld(name, p1.graph(D, 1.0), D)
