"""What a search of FLARE is told and keeps: its settings, its stores, and room to work in."""

from typing import NamedTuple

import numpy as np

from planners.evaluator import Batch, new_batch
from planners.flare.tree import Menus, Tree
from planners.parts.memory import Memory

ROLLOUTS = ("uniform", "softmax", "greedy")
UNIFORM, SOFTMAX, GREEDY = range(3)


class Settings(NamedTuple):
    """Numbers of the search; see `planners.flare.planner.PARAMS`. `share` is the weight of the largest return in Q."""

    H: int
    c: float
    share: float
    gamma: float
    step_cost: float
    repeat_penalty: float
    rollout: int
    temperature: float
    in_order: bool
    widening: bool
    shortcut: bool
    relative: bool


class Desk(NamedTuple):
    """Room to work in: a batch of b trajectories and two more (the anchors), the paths in the tree, values, and menus.

    Attributes
    ----------
    batch : Batch
        Rows 0 to b - 1 for simulations; b for the root alone, b + 1 for the best trajectory so far.
    path_nodes, path_slots : (b, H) int64
    path_lengths : (b,) int64
    found, ranked : (b + 2,) float64
        The values of the trajectories; room for ranking them.
    asked : (b + 2,) int64
        Which of them are to be evaluated.
    memory_names : (b,) uint64
    twins : (b,) int64
        The earlier trajectory of the batch with the same memory key, -1 without one.
    option_actions, option_scores, slots : (actions,) arrays
    state : (width,) int64
    """

    batch: Batch
    path_nodes: np.ndarray
    path_slots: np.ndarray
    path_lengths: np.ndarray
    found: np.ndarray
    ranked: np.ndarray
    asked: np.ndarray
    memory_names: np.ndarray
    twins: np.ndarray
    option_actions: np.ndarray
    option_scores: np.ndarray
    slots: np.ndarray
    state: np.ndarray


class Stores(NamedTuple):
    """What a search keeps; the planner makes room in it.

    Attributes
    ----------
    tree : planners.flare.tree.Tree
    menus : planners.flare.tree.Menus
        Candidates of the states that were met.
    memory : planners.parts.memory.Memory
        Values of states or trajectories that were evaluated.
    seen : (keys, slots)
        Table (`planners.parts.table`) of the states visited in the real episode.
    desk : Desk
    """

    tree: Tree
    menus: Menus
    memory: Memory
    seen: tuple[np.ndarray, np.ndarray]
    desk: Desk


def new_desk(size: int, steps: int, width: int, actions: int) -> Desk:
    """Return room for batches of `size` trajectories of up to `steps` steps."""
    return Desk(
        new_batch(size + 2, steps, width), np.zeros((size, steps), np.int64), np.zeros((size, steps), np.int64),
        np.zeros(size, np.int64), np.zeros(size + 2), np.zeros(size + 2), np.zeros(size + 2, np.int64), np.zeros(size, np.uint64),
        np.zeros(size, np.int64), np.zeros(actions, np.int64), np.zeros(actions),
        np.zeros(actions, np.int64), np.zeros(width, np.int64),
    )  # fmt: skip
