"""OpenSpiel's game strings with other parameters, and damaged ones: each compiles, or is refused in one line.

python -m tests.fuzz.openspiel_strings --inputs 2000 --seed 0
"""

import os
import random
import sys
import tempfile

import numpy as np
import pyspiel
from open_spiel.python import games  # noqa: F401 (registers the games written in Python)

from games import openspiel
from games.loader import load_game
from tests.fuzz.common import run

LIMIT, MEMORY = 3_000, 512 << 20
KINDS = [kind for kind in pyspiel.registered_games() if not kind.short_name.startswith("mfg")]
VALID = [
    b"kuhn_poker(players=3)", b"liars_dice(dice_sides=2)", b"goofspiel(num_cards=3)", b"misere(game=kuhn_poker(players=2))",
    b"repeated_game(stage_game=matrix_pd(),num_repetitions=2)", b"blotto(coins=3,fields=2)", b"dark_hex(num_rows=2,num_cols=2)",
    b"universal_poker(numRounds=1,numBoardCards=0 0,firstPlayer=1 1,blind=100 100,stack=200 200,numSuits=1,numRanks=3,numHoleCards=1)",
]  # fmt: skip
VALUES = ["0", "1", "2", "3", "-1", "7", "100", "1e9", "2147483648", "0.5", "nan", "inf", "true", "false", "", "x", "1 1", "2 2 2"]
VALUES += ["0;1", "[1]", "kuhn_poker()", "matrix_pd()", "tiny_hanabi()", "(", ")", ","]
NAMES = ["players", "num_players", "numPlayers", "game", "num_cards", "horizon", "filename"]


def attempt(data: bytes) -> None:
    """Compile the string, and check what came of it."""
    text = data.decode(errors="replace").replace("\0", "")
    game = load_game(text, max_histories=LIMIT, max_memory=MEMORY)
    assert np.isfinite(game.rows.utility).all() and (game.rows.chance >= 0).all()
    assert [len(names) for names in game.infoset_names] == game.infosets
    assert [len(set(names)) for names in game.infoset_names] == game.infosets


def invent(rng: random.Random) -> bytes:
    """Return the string of a registered game with none to three of its parameters, or of others', changed."""
    kind = rng.choice(KINDS)
    known = [*kind.parameter_specification, rng.choice(NAMES)]
    given = [f"{name}={rng.choice(VALUES)}" for name in rng.sample(known, min(len(known), rng.choice((0, 1, 1, 2, 3))))]
    return (f"{kind.short_name}({','.join(given)})" if given else kind.short_name).encode()


def main() -> int:
    """Run the script."""
    os.environ["GAMEPLAN_CACHE"] = tempfile.mkdtemp(prefix="fuzz-openspiel-")
    openspiel.SILENCE_SECONDS = 5  # an input may take ten
    return run("openspiel_strings", VALID, attempt, [value.encode() for value in VALUES], invent=invent)


if __name__ == "__main__":
    sys.exit(main())
