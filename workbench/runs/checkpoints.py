"""Checkpoints: a solver's arrays with a digest of them, the iteration, and the run that they belong to."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from games.digests import arrays_digest
from games.errors import GameplanError
from games.reading import anything, parse_json, record, table, text, whole
from workbench.runs.formats import SCHEMA, check_schema, digest_of

_HEADER = record({"schema": whole(2), "iteration": whole(0), "identity": table(anything), "digest": text()})
_ADVICE = "remove it to run again from the start"


def encode_checkpoint(iteration: int, arrays: dict[str, np.ndarray], identity: Mapping[str, Any]) -> bytes:
    """Return the content of the checkpoint of a run, which `identity` describes, after `iteration`."""
    header = {"schema": SCHEMA, "iteration": iteration, "identity": dict(identity)}
    header["digest"] = digest_of(header, arrays_digest(arrays))
    return save(arrays, metadata={"checkpoint": json.dumps(header)})  # one key: safetensors writes several in a random order


def read_checkpoint(path: Path, identity: Mapping[str, Any]) -> tuple[int, dict[str, np.ndarray]]:
    """Return (iteration, arrays) of the checkpoint at `path`.

    Raises
    ------
    GameplanError
        If it is damaged, or belongs to another run than that of this `identity`: what differs is named.
    """
    if not path.is_file():  # a pipe would block for ever
        raise GameplanError(f"{path} is no regular file; {_ADVICE}")
    try:
        with safe_open(path, framework="numpy") as stream:
            arrays = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 (not a dictionary)
            told = stream.metadata() or {}
        if "checkpoint" not in told:  # schema 1 had no digest
            iteration = int(told["iteration"])
            if iteration < 0 or not all(np.isfinite(array).all() for array in arrays.values()):
                raise ValueError
            return iteration, arrays
        header = parse_json(told["checkpoint"], path)
        _HEADER(header, "")
    except (OSError, SafetensorError, KeyError, ValueError, TypeError, AttributeError, GameplanError) as error:
        raise GameplanError(f"{path} is damaged; {_ADVICE}") from error
    check_schema(path, header["schema"], oldest=2)
    claimed = header.pop("digest")
    if claimed != digest_of(header, arrays_digest(arrays)):
        raise GameplanError(f"{path} is damaged: its digest is not that of its arrays; {_ADVICE}")
    theirs, ours = header["identity"], json.loads(json.dumps(dict(identity)))
    for key in (*ours, *theirs):
        if theirs.get(key) != ours.get(key):
            raise GameplanError(
                f"{path} belongs to a run with {key} = {json.dumps(theirs.get(key))}, the one in {path.parent} has "
                f"{json.dumps(ours.get(key))}; put its own checkpoint back, or {_ADVICE}"
            )
    return header["iteration"], arrays
