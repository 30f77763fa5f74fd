"""What an iteration of CFR computes before a rule has its say: instantaneous counterfactual regrets.

It is compiled once for all rules and games, apart from the loops that call it.
"""

from typing import NamedTuple

import numpy as np

from games.jit import embedded, njit
from games.sequence_form import Blocks
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
