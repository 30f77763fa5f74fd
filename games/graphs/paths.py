"""Building blocks of the constructions: chains of forced moves, and checks of their sizes."""

from collections.abc import Mapping

import networkx as nx

from games.errors import UsageError


def add_path(graph: nx.MultiDiGraph, name: str, scores: list[float], worth: float, rewards: list[float] | None = None) -> None:
    """Add the path root, `name` 1, `name` 2, ... with these local scores; its end is worth `worth`, which its last edge pays.

    `rewards` are those of the edges instead, where the return is not terminal. An end with a positive worth is a goal.
    """
    pays = rewards or [0.0] * (len(scores) - 1) + [worth]
    before = "root"
    for k, (score, reward) in enumerate(zip(scores, pays, strict=True), 1):
        graph.add_edge(before, f"{name} {k}", score=score, reward=reward, name=name if k == 1 else "on")
        before = f"{name} {k}"
    graph.nodes[before].update(worth=worth, goal=worth > 0.0)


def rooted() -> nx.MultiDiGraph:
    """Return a graph with nothing but its root."""
    graph = nx.MultiDiGraph()
    graph.add_node("root")
    return graph


def at_least(world: str, least: int, values: Mapping[str, int]) -> None:
    """Check that sizes are large enough.

    Raises
    ------
    UsageError
        For one that is smaller than `least`.
    """
    for option, value in values.items():
        if value < least:
            raise UsageError(f"{world}: {option}={value} is not possible; the least is {least}")
