"""FLARE: simulate a few bounded trajectories, value each as a whole, execute one action, plan again.

Source: Wang et al. 2026, "Why Reasoning Fails to Plan" (arXiv 2601.22311). What the paper leaves open is filled as
documented here: untried actions come in random order, rollouts are uniform, the memory's key is exact, and ties are settled by
length, visits, order.

Parameters
----------
S : simulations of a decision, where the budget does not say; at least 0
H : steps of a trajectory; at least 1
c : constant of UCT, in units of value; at least 0
backup : what the value of an action is: the mean of its trajectories, the best of them, or half of each
final : what decides, the value, the best trajectory or the most visits
rollout : how trajectories go on beyond the tree: uniformly, by the softmax of local scores, or by the best
temperature : of the softmax, in units of local score; above 0
order : of actions that were not tried yet, drawn or best local score first
widening : whether actions are tried one by one as visits grow
gamma : discount of a step; above 0, at most 1
step_cost : what every step costs, in units of value; at least 0
repeat_penalty : what a step to a state seen before in the episode costs, in units of value; at least 0
memory : which values are remembered in an episode: none, those of equal trajectories, those of equal ends
capacity : values that are remembered; at least 0
shortcut : whether the best trajectory so far is followed where nothing beats it
reuse : whether what the tree knows of the next state is kept for the next decision
commit : actions that are executed before planning again; at least 1
batch : trajectories that are valued at once; at least 1
relative : whether values are ranks in their batch
and those of planners.parts.assembly
"""

from typing import Any

import numpy as np

from games.dispatch import suited
from games.errors import UsageError
from games.params import Value
from games.world import Instance
from planners.budget import Budget, new_cost, spend
from planners.flare.records import ROLLOUTS, Settings, Stores, new_desk
from planners.flare.search import simulate
from planners.flare.tree import (
    BEST_LENGTH,
    MENUS,
    NODES,
    ROOT_MENU,
    STOPPED,
    clear,
    grown_menus,
    grown_tree,
    line_of,
    new_menus,
    new_tree,
    node_at,
    reroot,
)  # fmt: skip
from planners.parts import assembly
from planners.parts.assembly import Parts, parts_of
from planners.parts.memory import KINDS as MEMORIES
from planners.parts.memory import new_memory
from planners.parts.proposals import most
from planners.parts.table import copy_table, new_table
from planners.planner import ActionValue, Decision

PARAMS: dict[str, Value] = {
    "S": 16, "H": 3, "c": 1.4, "backup": "mean", "final": "value", "rollout": "uniform", "temperature": 0.2, "order": "random",
    "widening": False, "gamma": 1.0, "step_cost": 0.0, "repeat_penalty": 0.0, "memory": "exact", "capacity": 200,
    "shortcut": False, "reuse": False, "commit": 1, "batch": 1, "relative": False, **assembly.PARAMS,
}  # fmt: skip
BACKUPS = {"mean": 0.0, "mixed": 0.5, "max": 1.0}
FINALS = ("value", "best", "visits")
CHOICES = {
    "backup": tuple(BACKUPS), "final": FINALS, "rollout": ROLLOUTS, "order": ("random", "rank"), "memory": MEMORIES,
}  # fmt: skip
MOST_MENUS = 1 << 16  # kept with the tree


class Flare:
    """FLARE with any setting of `PARAMS`."""

    def __init__(self, name: str, parts: Parts, params: dict[str, Any]) -> None:
        _check(name, params)
        self.name, self.parts, self.params = name, parts, params
        p = params
        self.share, self.final = BACKUPS[p["backup"]], FINALS.index(p["final"])
        self.settings = Settings(
            p["H"], p["c"], self.share, p["gamma"], p["step_cost"], p["repeat_penalty"], ROLLOUTS.index(p["rollout"]),
            p["temperature"], p["order"] == "rank", p["widening"], p["shortcut"], p["relative"],
        )  # fmt: skip

    def begin(self, instance: Instance, rng: np.ndarray) -> None:
        """See `Planner`."""
        p, self.model, self.rng = self.params, instance.model, rng
        self.problem = self.parts.problem(instance)
        self.simulate = suited(simulate, *self.problem)
        width = most(self.problem.proposal, self.model)
        slots = width if self.model.outcomes == 0 else self.model.actions
        self.tree, self.menus = new_tree(64, slots), new_menus(256, self.model.actions, width)
        clear(self.tree)
        self.desk = new_desk(p["batch"], p["H"], self.model.width, self.model.actions)
        self.memory = new_memory("none" if p["relative"] else p["memory"], p["capacity"])
        self.seen, self.seen_count = new_table(64), 0
        self.line, self.executed = np.zeros(p["H"], np.int64), 0

    def decide(self, state: np.ndarray, steps_left: int | None, budget: Budget) -> Decision:
        """See `Planner`; a unit is a simulation. Without one it takes the proposal's first action, as a fallback."""
        cost, limit, p = new_cost(), budget.limits(), self.params
        steps = p["H"] if steps_left is None else min(p["H"], steps_left)
        self._prepare()

        def advance(n: int) -> int:
            done = 0
            while done < n:
                chunk = min(n - done, max(64, p["batch"]))
                did = self._simulate(state, steps, chunk, cost, limit)
                done += did
                if did < chunk:
                    break
            return done

        units = spend(advance, budget, p["S"], cost, p["batch"]) if steps else 0
        length = int(line_of(self.tree, self.final, self.share, self.line))
        if self.tree.numbers[STOPPED]:  # the goal short-cut
            length = int(self.tree.numbers[BEST_LENGTH])
            self.line[:length] = self.desk.batch.all_actions[p["batch"] + 1, :length]
        if not length:
            self._simulate(state, steps, 0, cost, limit)
            menu = int(self.tree.numbers[ROOT_MENU])
            if not self.menus.menu_counts[menu]:
                return Decision(None, cost, units, note="no legal action")
            return Decision(int(self.menus.menu_actions[menu, 0]), cost, units, fallback=True)
        line = tuple(self.line[:length].tolist())
        self.executed = min(p["commit"], length)
        return Decision(line[0], cost, units, self._values(), line, self.executed)

    def warm_up(self) -> None:
        """Call what only longer episodes call: larger tables, and the tree brought to another root."""
        tree = grown_tree(self.tree, len(self.tree.depths))
        grown_menus(self.menus, 0, len(self.menus.menu_names))
        copy_table(*self.seen, *new_table(len(self.seen[0])))
        node_at(tree, self.line, 0)
        if tree.numbers[NODES]:
            reroot(tree, 0, self.settings.gamma, self.settings.step_cost)

    def _prepare(self) -> None:
        """Bring the tree to the state after what was executed, or clear it."""
        known = self.executed == 1 or (self.executed > 1 and self.model.outcomes == 0)  # else chance may have ended the line
        node = node_at(self.tree, self.line, self.executed) if self.params["reuse"] and known else -1
        self.executed = 0
        if node > 0:
            reroot(self.tree, node, self.settings.gamma, self.settings.step_cost)
        else:
            clear(self.tree)
        if node <= 0 or self.tree.numbers[MENUS] > MOST_MENUS:
            self.tree.numbers[MENUS] = 0
            self.menus.menu_slots[:] = -1
        self.seen_count += 1
        if 2 * self.seen_count > len(self.seen[0]):
            old_keys, old_slots = self.seen
            self.seen = new_table(2 * self.seen_count)
            copy_table(old_keys, old_slots, *self.seen)

    def _simulate(self, state: np.ndarray, steps: int, n: int, cost: np.ndarray, limit: np.ndarray) -> int:
        self._make_room(n, steps)
        stores = Stores(self.tree, self.menus, self.memory, self.seen, self.desk)
        did: int = self.simulate(self.problem, self.settings, stores, state, steps, n, self.rng, cost, limit)
        return did

    def _make_room(self, simulations: int, steps: int) -> None:
        used = int(self.tree.numbers[NODES])
        if used + simulations + 1 > len(self.tree.depths):
            self.tree = grown_tree(self.tree, 2 * (used + simulations + 1))
        used = int(self.tree.numbers[MENUS])
        if used + simulations * steps + 1 > len(self.menus.menu_names):
            self.menus = grown_menus(self.menus, used, 2 * (used + simulations * steps + 1))

    def _values(self) -> tuple[ActionValue, ...]:
        width = self.tree.widths[0]
        acts, visits = self.tree.acts[0, :width].tolist(), self.tree.visits[0, :width].tolist()
        q = ((1.0 - self.share) * self.tree.means[0, :width] + self.share * self.tree.tops[0, :width]).tolist()
        return tuple(ActionValue(a, v if n else float("nan"), n) for a, v, n in zip(acts, q, visits, strict=True))


def _check(name: str, p: dict[str, Any]) -> None:
    for param, least in (("S", 0), ("H", 1), ("k", 1), ("commit", 1), ("batch", 1), ("capacity", 0)):
        if p[param] < least:
            raise UsageError(f"{name}: {param}={p[param]} is not possible; the least is {least}")
    if p["temperature"] <= 0.0:
        raise UsageError(f"{name}: temperature={p['temperature']} is not possible; it must be positive")
    if not 0.0 < p["gamma"] <= 1.0:
        raise UsageError(f"{name}: gamma={p['gamma']} is not possible; it must be above 0 and at most 1")


def make(name: str, **params: Value) -> Flare:
    """Return the planner with these `PARAMS`."""
    return Flare(name, parts_of(params), params)
