"""What crosses the borders between processes: JSON between those that trust each other, plain arrays from candidates."""

import json
import os
import select
import struct
import time
from typing import Any

import numpy as np

from workbench.discovery.task import Answer, BadAnswer

LIMIT = 1 << 26  # bytes of an answer
_DTYPES = {"f": np.dtype("<f8"), "i": np.dtype("<i8")}
_CODES = {dtype: code for code, dtype in _DTYPES.items()}


class Gone(Exception):
    """The other side has closed, or has not answered in time (`late`)."""

    def __init__(self, *, late: bool = False) -> None:
        super().__init__("no answer in time" if late else "the other side is gone")
        self.late = late


def write(fd: int, data: bytes) -> None:
    """Write all of `data`."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def read(fd: int, size: int, deadline: float | None = None) -> bytes:
    """Return exactly `size` bytes; raise Gone if they do not come before `deadline` (monotonic)."""
    parts = bytearray()
    waiter = None
    if deadline is not None:
        waiter = select.poll()
        waiter.register(fd, select.POLLIN)
    while len(parts) < size:
        if waiter is not None and deadline is not None:
            left = deadline - time.monotonic()
            if left <= 0 or not waiter.poll(left * 1000):
                raise Gone(late=True)
        try:
            part = os.read(fd, min(size - len(parts), 1 << 20))
        except ConnectionResetError:  # gone, with something unread
            part = b""
        if not part:
            raise Gone
        parts += part
    return bytes(parts)


def write_block(fd: int, data: bytes) -> None:
    """Write the length of `data`, then `data`."""
    write(fd, struct.pack("<Q", len(data)) + data)


def read_block(fd: int, deadline: float | None = None) -> bytes:
    """Return the next block; one longer than `LIMIT` counts as none."""
    (size,) = struct.unpack("<Q", read(fd, 8, deadline))
    return read(fd, size, deadline) if size <= LIMIT else b""


def send(fd: int, message: Any) -> None:
    """Write a JSON value as a block."""
    write_block(fd, json.dumps(message).encode())


def receive(fd: int, deadline: float | None = None) -> Any:
    """Return the JSON value of the next block."""
    return json.loads(read_block(fd, deadline))


def pack(answer: Answer) -> bytes:
    """Return an answer as bytes: per array a name, a type, a shape, and the values.

    Raises
    ------
    BadAnswer
        If it is not a dictionary of float64 and int64 arrays.
    """
    if not isinstance(answer, dict):
        raise BadAnswer(f"the answer is a {type(answer).__name__}; it must be a dictionary of arrays")
    parts = [struct.pack("<B", len(answer))]
    for name, array in answer.items():
        if not isinstance(array, np.ndarray) or array.dtype not in _CODES or array.ndim > 4:
            raise BadAnswer(f"the answer's {name!r} is no float64 or int64 array of at most four dimensions")
        label = name.encode("ascii")
        parts.append(struct.pack(f"<B{len(label)}scB", len(label), label, _CODES[array.dtype].encode(), array.ndim))
        parts.append(struct.pack(f"<{array.ndim}Q", *array.shape))
        parts.append(np.ascontiguousarray(array).tobytes())
    return b"".join(parts)


def unpack(data: bytes) -> Answer:
    """Return the answer in `data`, which nobody vouches for.

    Raises
    ------
    BadAnswer
        If it is none.
    """
    answer: Answer = {}
    at = 1
    try:
        for _ in range(data[0]):
            size = data[at]
            name, code, ndim = struct.unpack_from(f"<{size}scB", data, at + 1)
            at += size + 3
            if code.decode() not in _DTYPES or ndim > 4:
                raise ValueError
            shape = struct.unpack_from(f"<{ndim}Q", data, at)
            at += 8 * ndim
            count = 1
            for length in shape:
                count *= length
            if count > LIMIT // 8 or max(shape, default=0) > LIMIT:
                raise ValueError
            answer[name.decode("ascii")] = np.frombuffer(data, _DTYPES[code.decode()], count, at).reshape(shape).copy()
            at += 8 * count
        if at != len(data):
            raise ValueError
    except (ValueError, IndexError, struct.error) as error:
        raise BadAnswer("what came back is no answer") from error
    return answer
