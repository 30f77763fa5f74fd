"""A walk on a synthetic knowledge graph: find the answer entity, step by step, among entities that only look promising.

A stand-in for question answering over knowledge graphs; its parameters were chosen so that the ordering of planners resembles that
of arXiv 2601.22311, Table 3. Each instance is a random graph of its own.

Nodes. A root; in each layer i = 1 .. L-1 `n_live` live, `n_plain` plain and `n_trap` trap nodes; plain and trap leaves in layer L;
the goal. The *main successors* of a node of layer i are n = 1 .. min(n_live, Binomial(b, p)) live nodes of the next layer (n
parallel edges to the goal if that is layer L) and plain nodes of the next layer for the rest. The root has b - n_entry main
successors and n_entry trap entries; live nodes have b main successors, and so have plain nodes if `connected`, else b plain ones
(always in layer L-1), the last of which is with probability `rho` a recovery edge to a live node of the same layer instead. Trap
nodes have b successors among the traps of the next layer, and with probability `rho` an exit to a live node of layer 1. The order
of edges is random.

Each edge has a local score, normal around the mean of its kind with deviation `sigma_l` and clipped to [0, 1], and a relation type;
each node has a fixed error, normal with deviation `sigma_e`, of the heuristic value of trajectories that end there
(`games.graphs.model.GraphModel`, with share q, near .9, far .15, sight vis).

Parameters
----------
L : layers of the graph, and steps to the goal; at least 2
b : successors of a node; at least 2
p : chance that a successor is live; from 0 to 1
n_live, n_plain, n_trap : nodes of each kind in a layer; at least 1, of plain and trap nodes at least b
n_entry : trap entries of the root; from 1 to b - 1
rho : chance of a recovery edge or an exit; from 0 to 1
sigma_l : standard deviation of local scores; at least 0
q : share of the end state in the heuristic value of a trajectory; from 0 to 1
sigma_e : standard deviation of the fixed error of that value; at least 0
vis : distance of the goal, in steps, up to which it is seen; at least 0
n_rel : types of relations; at least 1
Tmax : steps of an episode; at least 1, or 0 for 2 L
connected : whether plain nodes lead on to live ones
start : where episodes begin, at the root or, as after an error, in a trap
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import networkx as nx
import numpy as np

from games.errors import UsageError
from games.graphs.convert import network_of, to_networkx
from games.graphs.generate import ENTRY, GOAL, LIVE, PLAIN, ROOT, TRAP, Recipe, grow, node_kinds, normals
from games.graphs.model import GraphModel, distances
from games.params import Value
from games.random import below, stream
from games.world import Instance, Network, world_line

OPTIONS: dict[str, Value] = {
    "L": 5, "b": 8, "p": 0.35, "n_live": 4, "n_plain": 8, "n_trap": 12, "n_entry": 2, "rho": 0.2, "sigma_l": 0.15, "q": 0.6,
    "sigma_e": 0.15, "vis": 2, "n_rel": 4, "Tmax": 0, "connected": True, "start": "root",
}  # fmt: skip
CHOICES = {"start": ("root", "trap")}  # trap: every planner begins after the same error, a drawn trap entry (forced recovery)

_KIND_NAMES = {ROOT: "ROOT", LIVE: "LIVE", PLAIN: "PLAIN", TRAP: "TRAP", GOAL: "GOAL"}


class KgWalk:
    """The world of knowledge-graph walks with one setting of the options; ``Tmax`` 0 stands for 2 L."""

    def __init__(self, name: str, options: dict[str, Any]) -> None:
        _check(name, options)
        self.name, self.options = name, options
        self.horizon = options["Tmax"] or 2 * options["L"]
        self.kinds, self.layers = node_kinds(options["L"], options["n_live"], options["n_plain"], options["n_trap"])

    def __repr__(self) -> str:
        return world_line(self)

    def instance(self, seed: int) -> Instance:
        """Return the random graph of `seed`. `extra` holds the kinds of its nodes and edges and the numbers that entities go by."""
        o = self.options
        rng, recipe = stream("kg-walk", seed), Recipe(**{name: o[name] for name in Recipe._fields})
        # As a tuple: numba takes 18 microseconds more, a tenth of a graph's time, to find the type of a record's fields.
        first, target, edge_kinds, local, relation = grow(rng, tuple(recipe), self.kinds, self.layers)
        goals = self.kinds == GOAL
        model = GraphModel(
            1, int(np.diff(first).max()), 0, first, target, relation, goals[target].astype(np.float64), local,
            goals.astype(np.float64), goals, distances(first, target, goals), o["sigma_e"] * normals(rng, len(goals)),
            0.9, 2.0, 0.15, float(o["vis"]), o["q"], 0.95,
        )  # fmt: skip
        labels = np.argsort(normals(rng, len(goals)))  # entities in random order: their numbers give nothing away
        extra = {"kinds": self.kinds, "edge_kinds": edge_kinds, "labels": labels}
        found = Instance(str(seed), seed, model, np.zeros(1, np.int64), self.horizon, extra, self)
        return self.recovery(found) if o["start"] == "trap" else found

    def __len__(self) -> int:
        return 0

    def recovery(self, instance: Instance) -> Instance:
        """Return `instance` begun after an error: at a trap entry, uniformly drawn, with one step less.

        All planners meet the same error there, whatever they would have chosen (forced recovery).
        """
        edges = np.flatnonzero(instance.extra["edge_kinds"] == ENTRY)
        edge = edges[below(stream("recovery", instance.seed), len(edges))]
        start = instance.model.target[edge : edge + 1].copy()
        return replace(instance, name=f"{instance.name}-recovery", start=start, horizon=self.horizon - 1)

    def question(self, instance: Instance) -> str:
        """Return the task in words."""
        return (
            f"Starting at {self.text(instance, instance.start)}, follow relations from entity to entity until you reach the "
            f"answer, in at most {instance.horizon} steps. Some entities are dead ends."
        )

    def action_name(self, instance: Instance, state: np.ndarray, action: int) -> str:
        """Return the edge as a relation, the entity it leads to, and how relevant it looks."""
        model = instance.model
        after = self.text(instance, model.target[action : action + 1])
        return f"relation {model.relation[action]} -> {after} (relevance {model.local[action]:.2f})"

    def text(self, instance: Instance, state: np.ndarray) -> str:
        """Return the entity by its number, the goal as "the answer"."""
        return "the answer" if instance.model.goals[state[0]] else f"entity {instance.extra['labels'][state[0]]}"

    def outcome(
        self, instance: Instance, states: Sequence[np.ndarray], actions: Sequence[int], rewards: Sequence[float]
    ) -> dict[str, Any]:
        """Return score 1 and solved if the answer was reached."""
        solved = bool(instance.model.goals[states[-1][0]])
        return {"score": float(solved), "solved": solved}

    def network(self, instance: Instance, state: np.ndarray) -> Network:
        """Return the graph with the entity that the walk is at; entities are called by their numbers."""
        kinds = [_KIND_NAMES[kind].lower() for kind in self.kinds]
        names = ["answer" if kind == GOAL else label for kind, label in zip(self.kinds, instance.extra["labels"], strict=True)]
        return network_of(instance.model, int(instance.start[0]), int(state[0]), names, kinds)

    def graph(self, instance: Instance) -> nx.MultiDiGraph:
        """Return the instance as a networkx graph with named nodes such as ``TRAP(2,5)`` and typed relations."""
        names, seen = [], {}  # type: ignore[var-annotated]
        for kind, layer in zip(self.kinds, self.layers, strict=True):
            j = seen[kind, layer] = seen.get((kind, layer), 0) + 1
            names.append(_KIND_NAMES[kind] if kind in (ROOT, GOAL) else f"{_KIND_NAMES[kind]}({layer},{j})")
        return to_networkx(instance.model, names)


def make(name: str, **options: Value) -> KgWalk:
    """Return the world of knowledge-graph walks with these `OPTIONS`."""
    return KgWalk(name, options)


def _check(name: str, o: dict[str, Any]) -> None:
    least = {"L": 2, "b": 2, "n_live": 1, "n_plain": o["b"], "n_trap": o["b"], "n_entry": 1, "n_rel": 1, "vis": 0, "Tmax": 0}
    for option, bound in least.items():
        if o[option] < bound:
            raise UsageError(f"{name}: {option}={o[option]} is not possible; the least is {bound}")
    if o["n_entry"] >= o["b"]:
        raise UsageError(f"{name}: n_entry={o['n_entry']} is not possible; it must be less than b={o['b']}")
    for option in ("p", "rho", "q"):
        if not 0.0 <= o[option] <= 1.0:
            raise UsageError(f"{name}: {option}={o[option]} is not possible; it is a share from 0 to 1")
    for option in ("sigma_l", "sigma_e"):
        if o[option] < 0.0:
            raise UsageError(f"{name}: {option}={o[option]} is not possible; a deviation is at least 0")
