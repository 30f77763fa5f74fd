"""Damaged policy files, CSV, JSON and npz: each is a policy of the game, or refused in one line.

python -m tests.fuzz.policies --inputs 5000 --seed 0
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

from games.loader import load_game
from solvers.exploitability import Evaluator, uniform_policy
from tests.fuzz.common import run
from workbench.solving.policies import SUFFIXES, encode_policy, load_policy

GAME = load_game("kuhn_2p")
EVALUATE = Evaluator(GAME)
WORDS = [
    w.encode()
    for w in (
        "player",
        "infoset",
        "action",
        "probability",
        "players",
        "0",
        "1pb",
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        ";",
        "\t",
        '"',
        "null",
        "true",
    )
]


def attempt(data: bytes) -> None:
    """Read the input as the kind of file that its first byte names."""
    suffix = SUFFIXES[data[0] % len(SUFFIXES)] if data else ".csv"
    with tempfile.NamedTemporaryFile(suffix=suffix) as file:
        Path(file.name).write_bytes(data[1:])
        said: list[str] = []
        policy, missing = load_policy(GAME, Path(file.name), said.append)
    assert policy.shape == GAME.action_ids.shape and (policy >= 0.0).all() and 0 <= missing < sum(GAME.infosets)
    assert -1e-5 < EVALUATE(policy).exploitability <= 2.0 + 1e-5
    assert all("\n" not in text and text.isprintable() for text in said), said


def main() -> int:
    """Run the script."""
    policy = uniform_policy(GAME)
    valid = [bytes([k]) + encode_policy(GAME, policy, suffix) for k, suffix in enumerate(SUFFIXES)]
    flat = {name: {"0": 0.5, "1": 0.5} for names in GAME.infoset_names for name in names}
    valid.append(b"\x01" + repr(flat).replace("'", '"').encode())
    valid.append(b"\x02" + encode_policy(GAME, policy, ".csv").replace(b",", b";"))
    assert np.isfinite(policy).all()
    return run("policies", valid, attempt, WORDS)


if __name__ == "__main__":
    sys.exit(main())
