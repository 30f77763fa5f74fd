"""Damaged .efg and .nfg files: each compiles, or is refused with file, line and column.

python -m tests.fuzz.gambit --inputs 5000 --seed 0
"""

import sys
from pathlib import Path

import numpy as np

from games.errors import GameplanError
from games.gambit.compile import compile_source
from games.gambit.efg import EfgFile
from games.gambit.nfg import NfgFile
from games.gambit.write import write_efg
from tests.fuzz.common import run
from tests.gambit_twin import random_tree, spell

CASES = Path(__file__).parent.parent / "cases" / "gambit"
WORDS = [
    b"EFG",
    b"NFG",
    b"R",
    b"D",
    b"p",
    b"c",
    b"t",
    b"{",
    b"}",
    b'""',
    b'"a"',
    b'"\\"',
    b"{ }",
    b't "" 0',
    b'p "" 1 1',
    b"c",
    b"\\",
    b"#",
]
LIMIT = 200_000


def attempt(data: bytes) -> None:
    """Compile the input as the format it claims to be, check what came of it, and write it again."""
    kind = NfgFile if data.lstrip()[:3].upper() == b"NFG" else EfgFile
    try:
        source = kind(data, "fuzz.efg")
        game = compile_source(source, "fuzz.efg", "key", LIMIT)
    except GameplanError as error:
        if not str(error).startswith("fuzz.efg, line ") and "more than 200,000 histories" not in str(error):
            raise AssertionError(f"names no place: {error}") from error
        raise
    assert np.isfinite(game.rows.utility).all() and (game.rows.chance >= 0).all()
    names = [name for player in game.infoset_names for name in player]
    assert len(set(names)) == len(names)
    if sum(game.actions) < 5000:
        reach = game.rows.chance.copy()
        for player in range(game.players):
            plan = [1.0]
            for infoset in range(*game.player_infosets(player).indices(len(game.tree.parent))):
                count = int(game.tree.count[infoset])
                plan += [plan[int(game.tree.parent[infoset])] / count] * count
            reach *= np.array(plan)[game.rows.sequences[:, player]]
        assert abs(reach.sum() - 1) < 1e-6, "chance and uniform play are no distribution over the ends"
        text = "\n".join(write_efg(source, "fuzz.efg", LIMIT))
        again = compile_source(EfgFile(text.encode(), "written.efg"), "written.efg", "key", LIMIT)
        assert (again.infosets, again.actions) == (game.infosets, game.actions)
        np.testing.assert_allclose(again.rows.utility, game.rows.utility, rtol=1e-12)


def main() -> int:
    """Run the script."""
    valid = [f.read_bytes() for f in sorted(CASES.iterdir()) if f.suffix in (".efg", ".nfg") and "player-zero" not in f.name]
    for seed in range(30):
        players = 1 + seed % 3
        valid.append(spell(random_tree(seed, players, depth=4), players, seed).encode())
    valid.append(b'NFG 1 R "" { "" "" "" } { 2 1 { "a" "b" } } "" ' + b" 1/2 .5 -3" * 4)
    return run("gambit", valid, attempt, WORDS)


if __name__ == "__main__":
    sys.exit(main())
