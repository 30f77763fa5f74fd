"""What graph worlds say to people: names of nodes and edges, and what became of a walk."""

from collections.abc import Sequence
from typing import Any

import networkx as nx
import numpy as np

from games.graphs.convert import from_networkx, network_of
from games.world import Instance, Network, world_line


class GraphWorld:
    """A world with one graph, the same for every seed.

    Parameters
    ----------
    name : str
    graph : networkx.MultiDiGraph
        See `from_networkx`; edges may have a ``name``. The walk begins at its first node.
    horizon : int
        Steps after which a walk is cut.
    """

    def __init__(self, name: str, graph: nx.MultiDiGraph, horizon: int) -> None:
        self.name, self.horizon = name, horizon
        self.model, self.nodes = from_networkx(graph)
        self._names = {(u, v): data.get("name", f"to {v}") for u, v, data in graph.edges(data=True)}

    def __repr__(self) -> str:
        return world_line(self)

    def instance(self, seed: int) -> Instance:
        """Return the graph; the seed only names the instance, and with it the planner's random stream."""
        return Instance(str(seed), seed, self.model, np.zeros(1, np.int64), self.horizon, world=self)

    def __len__(self) -> int:
        return 0

    def action_name(self, instance: Instance, state: np.ndarray, action: int) -> str:
        """Return the name of the edge."""
        return str(self._names[self.nodes[state[0]], self.nodes[self.model.target[action]]])

    def text(self, instance: Instance, state: np.ndarray) -> str:
        """Return the name of the node."""
        return str(self.nodes[state[0]])

    def network(self, instance: Instance, state: np.ndarray) -> Network:
        """Return the graph with the node that the walk is at."""
        model = instance.model
        ends = np.diff(model.first) == 0
        kinds = ["goal" if goal else "end" if end else "" for goal, end in zip(model.goals, ends, strict=True)]
        return network_of(model, int(instance.start[0]), int(state[0]), self.nodes, kinds)

    def outcome(
        self, instance: Instance, states: Sequence[np.ndarray], actions: Sequence[int], rewards: Sequence[float]
    ) -> dict[str, Any]:
        """Return the sum of rewards as the score, and whether a goal was reached (None in a graph without goals)."""
        goals = instance.model.goals
        return {"score": float(sum(rewards)), "solved": bool(goals[states[-1][0]]) if goals.any() else None}
