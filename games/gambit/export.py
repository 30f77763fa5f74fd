"""A game by its name, written as a file for Gambit."""

from collections.abc import Callable
from pathlib import Path

from games.errors import UsageError
from games.files import write_output
from games.gambit.write import write_efg
from games.loader import load_game, open_source

SUFFIX = ".efg"


def export_game(
    name: str,
    path: Path,
    max_histories: int,
    max_memory: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Write the game called `name` to `path`, whole or not at all.

    Raises
    ------
    UsageError
        If `path` does not end in .efg, or as `load_game`.
    GameplanError
        As `load_game`: what is written can be compiled again.
    """
    if path.suffix.lower() != SUFFIX:
        raise UsageError(f"{name} is a game, and games are written as {SUFFIX} files; {path} does not end in {SUFFIX}")
    load_game(name, max_histories=max_histories, max_memory=max_memory, progress=progress)
    lines = write_efg(open_source(name), name, max_histories)
    write_output(path, "\n".join(lines) + "\n", "FILE")
