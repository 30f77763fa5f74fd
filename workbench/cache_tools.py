"""Looking into the cache and emptying it."""

import shutil
from pathlib import Path
from typing import Any

from games.cache import game_directory
from games.errors import GameplanError
from games.jit import cache_root


def describe_cache() -> dict[str, Any]:
    """Return the cache's path, the bytes of kernels and games, and the games' files."""
    root = cache_root()
    games = sorted(game_directory().glob("*.safetensors"))
    return {
        "path": str(root),
        "kernel_bytes": sum(_size(path) for path in root.glob("kernels-*")),
        "game_bytes": sum(path.stat().st_size for path in games),
        "games": [{"name": path.stem, "bytes": path.stat().st_size} for path in games],
    }


def clear_cache() -> int:
    """Remove compiled kernels and games of every version, nothing else; return the bytes freed.

    Raises
    ------
    GameplanError
        If something cannot be removed.
    """
    freed = 0
    root = cache_root()
    for path in [*root.glob("kernels-*"), *root.glob("games-*")]:
        freed += _size(path)
        try:
            shutil.rmtree(path)
        except OSError as error:
            raise GameplanError(f"cannot remove {path}: {error.strerror}") from error
    return freed


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
