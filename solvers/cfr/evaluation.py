"""What an iteration of CFR computes before a rule has its say: instantaneous counterfactual regrets.

It is compiled once for all rules and games, apart from the loops that call it.
"""

from typing import NamedTuple

import numpy as np

from games.jit import embedded, njit
from games.sequence_form import Blocks, SequenceGame
from solvers import kernels

gradient, regrets = embedded(kernels.gradient), embedded(kernels.regrets)


class Payoffs(NamedTuple):
    """`games.sequence_form.Blocks` in one type for all games: the weights as words of 16 bits, and whether these are numbers."""

    blocks: Blocks
    whole: bool


def payoffs_of(blocks: Blocks) -> Payoffs:
    """Return the blocks as `evaluate` takes them, which are views."""
    words = blocks._replace(weight=blocks.weight.view(np.int16), sparse_weight=blocks.sparse_weight.view(np.int16))
    return Payoffs(words, blocks.weight.dtype == np.int16)


@njit
def evaluate(player, tree, payoffs, tables):
    """Write the player's instantaneous counterfactual regrets against the others' current plans to ``tables.r``."""
    a, b = tree.action_start[player], tree.action_start[player + 1]
    i, j = tree.infoset_start[player], tree.infoset_start[player + 1]
    q, blocks = tables.q[: b - a + 1], payoffs.blocks
    if payoffs.whole:
        gradient(player, tables.plan, blocks, tree, tables.buffer, q)
    else:
        numbers = Blocks(
            blocks.shape, blocks.lanes, blocks.weight_start, blocks.member_start, blocks.member, blocks.weight.view(np.float64),
            blocks.sparse, blocks.sparse_weight.view(np.float64), blocks.unit,
        )  # fmt: skip
        gradient(player, tables.plan, numbers, tree, tables.buffer, q)
    regrets(q, tables.sigma[a:b], tree.parent[i:j], tree.first[i:j], tree.count[i:j], blocks.unit[0], tables.r[a:b])


@njit
def add_terms(player, tree, tables):
    """Add to the player's regrets, ``tables.r``, what the terms in ``tables.q``, from its second entry on, bring.

    A term, in units of payoff, is added to the value of one action, and so to those of all actions on the way to it.
    """
    a, b = tree.action_start[player], tree.action_start[player + 1]
    i, j = tree.infoset_start[player], tree.infoset_start[player + 1]
    kernels.add_terms(tables.q[: b - a + 1], tables.sigma[a:b], tree.parent[i:j], tree.first[i:j], tree.count[i:j], tables.r[a:b])


class ReachRows(NamedTuple):
    """The terminal rows from which the others' reach of infosets is summed, player by player.

    `via` (infosets): the pair that stands for the infoset; `start` (players + 1): where each player's rows begin in `sequences`
    (rows, players) and `chance` (rows).
    """

    via: np.ndarray
    start: np.ndarray
    sequences: np.ndarray
    chance: np.ndarray


NO_ROWS = ReachRows(np.zeros(0, np.uint32), np.zeros(0, np.int64), np.zeros((0, 0), np.int32), np.zeros(0))


def reach_rows(game: SequenceGame) -> ReachRows:
    """Return the rows that `reach_of_others` takes: at every infoset, those after the action that has the fewest."""
    tree, rows = game.tree, game.rows
    via, chosen = np.zeros(len(tree.parent), tree.first.dtype), []
    for player in range(game.players):
        own, infosets = rows.sequences[:, player], game.player_infosets(player)
        below = np.bincount(own, minlength=game.actions[player] + 1)
        first, count, parent = (array[infosets].tolist() for array in (tree.first, tree.count, tree.parent))
        best = via[infosets]
        for i in range(len(first) - 1, -1, -1):
            best[i] = first[i] + int(np.argmin(below[first[i] + 1 : first[i] + count[i] + 1]))
            below[parent[i]] += below[best[i] + 1]
        chosen.append(np.flatnonzero(np.isin(own, best.astype(np.int64) + 1)))
    start = np.concatenate([[0], np.cumsum([len(rows) for rows in chosen])]).astype(np.int64)
    every = np.concatenate(chosen)
    return ReachRows(via, start, np.ascontiguousarray(rows.sequences[every]), np.ascontiguousarray(rows.chance[every]))


@njit
def reach_of_others(player, tree, rows, tables, out):
    """Write the reach of each of the player's infosets by the others and chance, summed over its histories, to `out` (infosets)."""
    q = tables.q[: tree.action_start[player + 1] - tree.action_start[player] + 1]
    i, j = tree.infoset_start[player], tree.infoset_start[player + 1]
    sequences = rows.sequences[rows.start[player] : rows.start[player + 1]]
    chance = rows.chance[rows.start[player] : rows.start[player + 1]]
    kernels.reach_of_others(player, tables.plan, sequences, chance, tree, q, tree.parent[i:j], rows.via[i:j], out)
