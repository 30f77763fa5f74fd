"""Graphs between networkx and the compiled form."""

from collections.abc import Hashable, Mapping, Sequence

import networkx as nx
import numpy as np

from games.graphs.model import GraphModel, distances
from games.world import Network

# No estimate before the end: an unfinished trajectory is worth 0.
BLIND = {"near": 0.0, "fade": 2.0, "far": 0.0, "sight": 0.0, "share": 1.0, "cap": 0.95}


def from_networkx(graph: nx.MultiDiGraph, heuristic: Mapping[str, float] = BLIND) -> tuple[GraphModel, list[Hashable]]:
    """Return the compiled form of `graph` and its nodes in the order of their numbers.

    Parameters
    ----------
    graph : networkx.MultiDiGraph or DiGraph
        Attributes of nodes: ``goal`` (bool), ``worth``, ``bias``; of edges: ``score`` (the local score l), ``reward``, ``relation``
        (int), and ``action``, by which the edges that leave a node are ordered (without it, as they were added). All default to 0.
    heuristic : mapping
        The fields `near` to `cap` of `GraphModel`.
    """
    nodes = list(graph)
    number = {node: k for k, node in enumerate(nodes)}
    first, edges = [0], []
    for node in nodes:
        leaving = sorted(graph.out_edges(node, data=True), key=lambda edge: edge[2].get("action", 0))
        edges += [(number[target], data) for _, target, data in leaving]
        first.append(len(edges))

    def of_nodes(name: str, dtype: type) -> np.ndarray:
        return np.array([graph.nodes[node].get(name, 0) for node in nodes], dtype)

    def of_edges(name: str, dtype: type) -> np.ndarray:
        return np.array([data.get(name, 0) for _, data in edges], dtype)

    rows = np.array(first, np.int64)
    target = np.array([t for t, _ in edges], np.int64)
    goals = of_nodes("goal", np.bool_)
    model = GraphModel(
        1, max(1, int(np.diff(rows).max())), 0, rows, target, of_edges("relation", np.int64), of_edges("reward", np.float64),
        of_edges("score", np.float64), of_nodes("worth", np.float64), goals, distances(rows, target, goals),
        of_nodes("bias", np.float64), **heuristic,
    )  # fmt: skip
    return model, nodes


def to_networkx(model: GraphModel, nodes: Sequence[Hashable] | None = None) -> nx.MultiDiGraph:
    """Return `model` as a networkx graph with the attributes that `from_networkx` reads; `nodes` names them."""
    names = range(len(model.goals)) if nodes is None else nodes
    graph = nx.MultiDiGraph()
    for k, node in enumerate(names):
        graph.add_node(node, goal=bool(model.goals[k]), worth=float(model.worth[k]), bias=float(model.bias[k]))
    for k, node in enumerate(names):
        for edge in range(model.first[k], model.first[k + 1]):
            graph.add_edge(
                node, names[model.target[edge]], action=edge, relation=int(model.relation[edge]),
                score=float(model.local[edge]), reward=float(model.gain[edge]),
            )  # fmt: skip
    return graph


def network_of(model: GraphModel, start: int, here: int, names: Sequence[object], kinds: Sequence[str]) -> Network:
    """Return `model` as it is drawn, its nodes with these `names` and `kinds`; edges tell local scores, and rewards if they pay."""
    sources = np.repeat(np.arange(len(model.goals)), np.diff(model.first))
    notes = [f"l {s:.3g}" + (f", r {r:.3g}" if r else "") for s, r in zip(model.local.tolist(), model.gain.tolist(), strict=True)]
    return Network([str(name) for name in names], kinds, np.stack([sources, model.target], axis=1), notes, start, here)
