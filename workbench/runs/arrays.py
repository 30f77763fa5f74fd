"""Arrays in npz files, read with care: known names, sizes checked before anything is unpacked, no objects."""

import io
import math
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from games.errors import GameplanError
from games.files import read_file

_HEADER = 64 << 10  # bytes of a member beside its numbers


def read_arrays(path: Path, most: Callable[[str], int], what: str = "file") -> dict[str, np.ndarray]:
    """Return the arrays of the npz file at `path`, of which the one called ``name`` may have ``most(name)`` bytes unpacked.

    Raises
    ------
    UsageError
        If it cannot be read.
    GameplanError
        If it is no npz file, or an array is too large, of objects, or not what its header says.
    """
    data = read_file(path, what, 1 << 31)
    arrays: dict[str, np.ndarray] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            names = [member.filename.removesuffix(".npy") for member in members]
            if len(set(names)) != len(names) or len(names) > 1000:
                raise ValueError("it has an array twice, or more than 1000")
            for name, member in zip(names, members, strict=True):
                limit = most(name) + _HEADER
                if member.file_size > limit:
                    raise ValueError(f"{ascii(name)[:60]} has {member.file_size:,} bytes unpacked, at most {limit:,} are read")
                arrays[name] = _array(archive.read(member))
    except (
        ValueError, KeyError, TypeError, EOFError, OSError, RuntimeError, OverflowError, RecursionError, MemoryError, SyntaxError,
        zipfile.BadZipFile, zlib.error,
    ) as error:  # fmt: skip
        why = ascii(str(error).splitlines()[0])[1:-1][:200] if str(error) else type(error).__name__
        raise GameplanError(f"{path} holds no arrays that can be read: {why}") from error
    return arrays


def _array(content: bytes) -> np.ndarray:
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a header looks old
        shape, _, kind = read(stream)
        if kind.hasobject or math.prod(shape) * kind.itemsize > len(content):  # before numpy makes room for it
            raise ValueError("an array is of objects, or shorter than its header says")
        stream.seek(0)
        return np.lib.format.read_array(stream, allow_pickle=False)
