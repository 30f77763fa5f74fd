"""Damaged files of Sokoban levels: each is read into levels that can be played, or refused with its row.

python -m tests.fuzz.levels --inputs 5000 --seed 0
"""

import sys

from games.sokoban.levels import check_level, parse_levels, read_levels, write_levels
from tests.fuzz.common import run

LEVELS = """Title: first
#####
#@$.#
#####
Author: nobody
Solution: R

; second
  ####
###  ####
#     $ #
# #  #$ #
# . .#@ #
#########
Comment: made by hand
Comment-End

; 3
-######|-#_?$@#|-######

5#|#@$.#|5#
"""
WORDS = [
    w.encode()
    for w in (
        "#",
        "@",
        "$",
        ".",
        "+",
        "*",
        "-",
        "_",
        "?",
        "|",
        "(",
        ")",
        "4#",
        "2($.)",
        "999999999#",
        ";",
        "Title:",
        "Solution:",
        "lurdLURD",
        "Comment:",
    )
]


def attempt(data: bytes) -> None:
    """Read the input as a file, and what was read again after writing."""
    import tempfile
    from pathlib import Path

    with tempfile.NamedTemporaryFile(suffix=".xsb") as file:
        Path(file.name).write_bytes(data)
        levels = read_levels(file.name)
    for level in levels:
        check_level(level)
    again = parse_levels(write_levels(levels))
    assert [level.rows for level in again] == [tuple(row.rstrip() for row in level.rows) for level in levels]


def main() -> int:
    """Run the script."""
    return run("levels", [LEVELS.encode(), LEVELS.replace("\n", "\r\n").encode()], attempt, WORDS)


if __name__ == "__main__":
    sys.exit(main())
