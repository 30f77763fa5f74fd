"""Compiled games on disk: one safetensors file each, checked on load, written atomically, rebuilt when damaged."""

import hashlib
import json
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from games.errors import GameplanError
from games.files import remove_stale, write_atomically
from games.jit import cache_root
from games.sequence_form import Blocks, Rows, SequenceGame, Tree

FORMAT = 8  # raise whenever the arrays or the compiler's results change
_PARTS: dict[str, Any] = {"tree": Tree, "rows": Rows, "blocks": Blocks}
_FIELDS = ("action_ids", "name_bytes", "name_start", "label_bytes", "label_start", "label")


def game_directory() -> Path:
    """Return the directory of the compiled games."""
    return cache_root() / f"games-{FORMAT}"


def game_path(key: str) -> Path:
    """Return the file of the game with this key."""
    slug = "".join(c if c.isalnum() else "_" for c in key)[:60].strip("_")
    return game_directory() / f"{slug}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.safetensors"


def store(game: SequenceGame) -> None:
    """Write `game` to the cache; a cache that cannot be written is no error, the game is only compiled again."""
    with suppress(OSError):
        remove_stale(game_directory())
        write_atomically(game_path(game.key), encode(game))


def load(key: str) -> SequenceGame | None:
    """Return the cached game with this key, or None if there is none or the file is damaged."""
    return read(game_path(key), key)


def encode(game: SequenceGame) -> bytes:
    """Return the content of a file that holds `game`."""
    arrays = {field: getattr(game, field) for field in _FIELDS}
    for part, kind in _PARTS.items():
        arrays |= {f"{part}.{field}": getattr(getattr(game, part), field) for field in kind._fields}
    header = {
        "name": game.name, "key": game.key, "histories": game.histories, "terminals": game.terminals,
        "converted": game.converted, "checksum": checksum(arrays),
    }  # fmt: skip
    return save(arrays, metadata={"game": json.dumps(header)})


def read(path: Path, key: str) -> SequenceGame | None:
    """Return the game in the file `path` if its key is `key`, or None if it is not or the file is damaged."""
    try:
        with safe_open(path, framework="numpy") as stream:
            header = json.loads((stream.metadata() or {})["game"])
            arrays = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 (not a dictionary)
        if header["key"] != key or header.pop("checksum") != checksum(arrays):
            return None
        parts = {part: kind(*(arrays[f"{part}.{field}"] for field in kind._fields)) for part, kind in _PARTS.items()}
        return SequenceGame(**header, **parts, **{field: arrays[field] for field in _FIELDS})
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, GameplanError):
        return None


def checksum(arrays: dict[str, np.ndarray]) -> int:
    """Return a number that tells arrays by name from damaged ones."""
    total = 0
    for name in sorted(arrays):
        data: Any = np.ascontiguousarray(arrays[name]).view(np.uint8).reshape(-1)
        total = zlib.crc32(data, zlib.crc32(name.encode(), total))
    return total
