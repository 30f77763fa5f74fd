"""Games with payoffs a little off: what lives on ties and rounding, or has learnt a game by heart, does not recognise it."""

import zlib

import numpy as np

from games.blocks import build_blocks
from games.sequence_form import SequenceGame

MARK = "~"  # between a game's name and the number of its jitter


def jittered(game: SequenceGame, number: int, size: float) -> SequenceGame:
    """Return `game` with the payoffs of every merged terminal history scaled by a factor of their own.

    Factors are drawn evenly from 1 - `size` to 1 + `size`, by the game and `number` alone. One factor is for all players, so that
    sums of zero stay.
    """
    draws = np.random.Generator(np.random.PCG64([zlib.crc32(game.key.encode()), number]))
    factor = 1.0 + size * draws.uniform(-1.0, 1.0, game.rows.utility.shape[1])
    rows = game.rows._replace(utility=game.rows.utility * factor)
    shared = game.players == 2 and len(game.blocks.weight) == 1
    plan_sizes = [pairs + 1 for pairs in game.actions]
    return SequenceGame(**{
        **{name: getattr(game, name) for name in game.__dataclass_fields__},
        "key": jittered_name(game.key, number), "rows": rows, "blocks": build_blocks(rows, plan_sizes, shared),
    })  # fmt: skip


def jittered_name(name: str, number: int) -> str:
    """Return the name of a game's jittered form."""
    return f"{name}{MARK}{number}"
