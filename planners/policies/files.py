"""Files of policies and values: arrays in safetensors, and a header in JSON that says what they are. Nothing in them runs."""

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from games.digests import arrays_digest
from games.errors import GameplanError, UnknownName, UsageError
from games.reading import anything, parse_json, record, table, text, whole
from games.world import Instance
from planners.policies.catalogue import POLICY, VALUE, Learned, kind_module, kind_params, make_learned
from planners.policies.units import UNIT

SUFFIX = ".safetensors"
SCHEMA = 1
NAMES = {POLICY: "policy.safetensors", VALUE: "value.safetensors"}  # in a run directory
LARGEST = 8 << 30  # bytes of a file
_HEADER = record({
    "schema": whole(1), "role": text(), "kind": text(), "world": text(), "params": table(anything),
    "shape": record({}, {UNIT: whole(1, 1 << 20)}), "digest": text(),
})  # fmt: skip


class Header(NamedTuple):
    """What a file says of itself: `world` is the name of the world it learned in, `shape` what a world must agree with."""

    schema: int
    role: str
    kind: str
    world: str
    params: Mapping[str, Any]
    shape: Mapping[str, Any]
    digest: str


def encode_learned(learned: Learned, instance: Instance) -> bytes:
    """Return the content of the file of a policy or value that learned in the world of `instance`."""
    module = kind_module(learned.kind)
    arrays = {name: np.ascontiguousarray(array) for name, array in module.state(learned.record).items()}
    header = Header(
        SCHEMA,
        learned.role,
        learned.kind,
        _world_name(instance),
        dict(learned.params),
        module.shape(instance),
        arrays_digest(arrays),
    )
    return save(arrays, metadata={"learned": json.dumps(header._asdict())})  # one key: several come in a random order


def learned_path(name: str | Path, role: str) -> Path:
    """Return the file that `name`, a run directory or a file, means.

    Raises
    ------
    UsageError
        If there is none.
    """
    path = Path(name)
    if path.is_dir():
        inside = path / NAMES[role]
        if not inside.is_file():
            other = next((other for other, file in NAMES.items() if (path / file).is_file()), None)
            hint = f"it has a {other}" if other else "it is no finished run of 'gameplan train'"
            raise UsageError(f"{path} holds no {role}: {hint}")
        return inside
    if not path.is_file():
        raise UnknownName(
            str(name), role, f"there is no {role} {str(name)!r}: name a run directory of 'gameplan train' or a file in it"
        )
    return path


def read_header(path: Path) -> Header:
    """Return what the file at `path` says of itself.

    Raises
    ------
    GameplanError
        If it is no file of a policy or value, of a newer version, or of a kind or with parameters that there are not.
    """
    _check_size(path)
    try:
        with safe_open(path, framework="numpy") as stream:
            told = stream.metadata() or {}
        found = parse_json(told["learned"], path)
        _HEADER(found, "")
    except (OSError, SafetensorError, KeyError, ValueError, TypeError, GameplanError) as error:
        raise GameplanError(f"{path} is no policy or value of gameplan, or is damaged; train it again or name another") from error
    if found["schema"] > SCHEMA:
        raise GameplanError(f"{path} is of version {found['schema']}; this gameplan knows up to {SCHEMA}: install a newer one")
    header = Header(*(found[name] for name in Header._fields))
    try:
        kind_params(header.kind, header.params)
    except UsageError as error:  # of the file, not of what the user said
        raise GameplanError(f"{path} is damaged: {error}") from error
    return header


def load_learned(name: str | Path, role: str, instance: Instance) -> Learned:
    """Return the policy or value (`role`) in the run directory or file `name`, made for the world of `instance`.

    Raises
    ------
    UsageError
        If there is none, or it is of another role or for another world.
    GameplanError
        If it is damaged or of a newer version.
    """
    path = learned_path(name, role)
    header = read_header(path)
    check_fits(path, header, role, instance)
    module, params, arrays = kind_module(header.kind), header.params, _arrays(path, header)
    if is_symmetric(header, instance):
        unit = module.shape(instance)[UNIT] / header.shape[UNIT]
        params, arrays = module.in_units(header.role, unit, params, arrays)
    try:
        made = make_learned(role, header.kind, instance, params)
    except UsageError as error:
        raise GameplanError(f"{path} is damaged: {error}") from error
    try:
        module.restore(made.record, arrays)
    except (GameplanError, KeyError, ValueError, TypeError, IndexError) as error:
        missing = f"it lacks the array {error}" if isinstance(error, KeyError) else str(error).splitlines()[0]
        raise GameplanError(f"{path} is damaged: {missing}") from error
    return made


def kept_learned(name: str | Path, role: str, instance: Instance) -> Any:
    """Return the record of `load_learned`, which is not to be mutated.

    The last one of either role stays in memory, and is read again when the file has changed.
    """
    file = learned_path(name, role)
    told = file.stat()
    kept = _LAST[role](str(file.resolve()), told.st_mtime_ns, told.st_size)
    shape = repr(kind_module(read_header(file).kind).shape(instance))
    if shape not in kept:
        kept.clear()
        kept[shape] = load_learned(file, role, instance)
    return kept[shape].record


def _nothing_yet(path: str, changed: int, size: int) -> dict[str, Learned]:
    return {}


_LAST = {role: lru_cache(1)(_nothing_yet) for role in NAMES}


def check_fits(path: Path, header: Header, role: str, instance: Instance) -> None:
    """Check that what is stored at `path` is a policy or value (`role`) for the world of `instance`.

    Raises
    ------
    UsageError
        If it is not, saying what differs.
    """
    if header.role != role and not (header.kind == "ntuple" and role == POLICY):
        raise UsageError(f"{path} holds a {header.role}, not a {role}")
    shape = json.loads(json.dumps(kind_module(header.kind).shape(instance)))
    for key in (*shape, *header.shape):
        if key == UNIT and (UNIT not in header.shape or is_symmetric(header, instance)):
            continue
        if shape.get(key) != header.shape.get(key):
            raise UsageError(
                f"{path} was trained in {header.world} ({key} = {json.dumps(header.shape.get(key))}) and does not fit "
                f"{_world_name(instance)} ({key} = {json.dumps(shape.get(key))}); train one there"
            )


def is_symmetric(header: Header, instance: Instance) -> bool:
    """Return whether a stored policy or value is from the same game in other units, in which it can be expressed."""
    module = kind_module(header.kind)
    units = header.shape.get(UNIT), module.shape(instance).get(UNIT)
    return None not in units and units[0] != units[1] and hasattr(module, "in_units")


def _arrays(path: Path, header: Header) -> dict[str, np.ndarray]:
    try:
        with safe_open(path, framework="numpy") as stream:
            arrays = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 (not a dictionary)
    except (OSError, SafetensorError, ValueError) as error:
        raise GameplanError(f"{path} is damaged; train it again or name another") from error
    if arrays_digest(arrays) != header.digest:
        raise GameplanError(f"{path} is damaged: its digest is not that of its arrays; train it again or name another")
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise GameplanError(f"{path}: the array {name} has numbers that are not finite; train it again or name another")
    return arrays


def _check_size(path: Path) -> None:
    if not path.is_file():  # a pipe would block for ever
        raise GameplanError(f"{path} is no regular file")
    if path.stat().st_size > LARGEST:
        raise GameplanError(f"{path} has {path.stat().st_size:,} bytes; at most {LARGEST:,} are read")


def _world_name(instance: Instance) -> str:
    return instance.world.name if instance.world is not None else instance.name
