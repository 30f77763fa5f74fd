"""Files of small language models: weights in safetensors; size, vocabulary and what it was trained on in the header."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from games.errors import GameplanError, UnknownName
from games.reading import listed, parse_json, record, shown, text, whole
from games.worlds import WORLDS
from planners.language.small import MODEL
from planners.language.small.network import Parameters, Size, shapes_of
from planners.language.small.tokens import MOST, Vocabulary

SCHEMA = 1
LARGEST = 1 << 30  # bytes
_HEADER = record({
    "schema": whole(1), "layers": whole(1), "width": whole(1), "heads": whole(1), "context": whole(2), "pieces": listed(text()),
    "world": text(), "target": text(),
})  # fmt: skip


class Model(NamedTuple):
    """A language model: its weights, size and vocabulary, the world of its data, and what its answers are made of."""

    parameters: Parameters
    size: Size
    vocabulary: Vocabulary
    world: str
    target: str


def encode_model(model: Model) -> bytes:
    """Return the content of a model's file."""
    size = model.size
    header = {
        "schema": SCHEMA, "layers": size.layers, "width": size.width, "heads": size.heads, "context": size.context,
        "pieces": model.vocabulary.pieces, "world": model.world, "target": model.target,
    }  # fmt: skip
    arrays = {name: np.ascontiguousarray(np.asarray(array)) for name, array in model.parameters.items()}
    return save(arrays, metadata={"model": json.dumps(header)})


def read_model(name: str | Path) -> Model:
    """Return the model in the run directory or file `name`.

    Raises
    ------
    UsageError
        If there is none.
    GameplanError
        If it is damaged, too large or of a newer version.
    """
    path = Path(name) / MODEL if Path(name).is_dir() else Path(name)
    if not path.is_file():
        raise UnknownName(
            str(name), "language model", f"there is no language model {str(name)!r}; name a finished run of 'gameplan train-lm'"
        )
    if path.stat().st_size > LARGEST:
        raise GameplanError(f"{path} has {path.stat().st_size:,} bytes; at most {LARGEST:,} are read")
    try:
        with safe_open(path, framework="numpy") as stream:
            told = stream.metadata() or {}
            arrays = {key: stream.get_tensor(key) for key in stream.keys()}  # noqa: SIM118 (not a dictionary)
        header = parse_json(told["model"], path)
        _HEADER(header, "")
    except (OSError, SafetensorError, KeyError, ValueError, TypeError, GameplanError) as error:
        raise GameplanError(f"{path} is no language model of gameplan, or is damaged; train it again") from error
    if header["schema"] > SCHEMA:
        raise GameplanError(f"{path} is of version {header['schema']}; this gameplan knows up to {SCHEMA}: install a newer one")
    if header["world"] not in WORLDS:  # a name from a file of data is never one of a program
        raise GameplanError(f"{path} learned in {shown(header['world'])}, which is no world of gameplan; train it again")
    if len(header["pieces"]) > MOST or max(header["layers"], header["context"]) > 1 << 14 or header["width"] % header["heads"]:
        raise GameplanError(f"{path} has a size that makes no sense; train it again")
    try:
        vocabulary = Vocabulary(header["pieces"])
    except GameplanError as error:
        raise GameplanError(f"{path} is damaged: {error}; train it again") from error
    size = Size(header["layers"], header["width"], header["heads"], len(vocabulary), header["context"])
    shapes = {key: array.shape for key, array in arrays.items()}
    if shapes != shapes_of(size) or not all(array.dtype == np.float32 and np.isfinite(array).all() for array in arrays.values()):
        raise GameplanError(f"{path} is damaged: its weights are not those of a model of its size; train it again")
    return Model(arrays, size, vocabulary, header["world"], header["target"])
