"""Games with payoffs a little off: who has learnt a game by heart, or lives on its ties, does not recognise it."""

import zlib

import numpy as np

from games.blocks import build_blocks
from games.sequence_form import SequenceGame

MARK = "~"  # between a game's name and the number of its jitter
SIZE = 1e-3  # relative: small beside what rules differ by, large beside what any of them has left of exploitability


def jittered_name(name: str, number: int) -> str:
    """Return the name of a game's jittered form."""
    return f"{name}{MARK}{number}"


def jittered(game: SequenceGame, number: int) -> SequenceGame:
    """Return `game` with each merged terminal history's payoffs scaled by a factor of its own, so that constant sums of 0 stay."""
    draws = np.random.Generator(np.random.PCG64([zlib.crc32(game.key.encode()), number]))
    factor = 1.0 + SIZE * draws.uniform(-1.0, 1.0, game.rows.utility.shape[1])
    rows = game.rows._replace(utility=game.rows.utility * factor)
    shared = game.players == 2 and len(game.blocks.weight) == 1
    plan_sizes = [pairs + 1 for pairs in game.actions]
    return SequenceGame(**{
        **{name: getattr(game, name) for name in game.__dataclass_fields__},
        "key": jittered_name(game.key, number), "rows": rows, "blocks": build_blocks(rows, plan_sizes, shared),
    })  # fmt: skip
