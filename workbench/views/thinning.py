"""Long files of lines, thinned as they are read: as many lines as a figure can show, wherever the file is long only these."""

from pathlib import Path
from typing import Any

import numpy as np

from games.errors import GameplanError
from games.files import reason
from games.reading import MOST_LINE, Kind, Mismatch, parse_json, read_lines

POINTS = 400  # lines that are wanted of a file
WHOLE = 1 << 19  # bytes of a file that is read and checked from its first line to its last
ADVICE = "resume the run, or run it again"


def spread(count: int, points: int = POINTS) -> list[int]:
    """Return at most `points` of the places 0 to `count` - 1, both ends among them: half of them evenly, half by equal factors.

    So there is enough to be seen on a linear axis and on a logarithmic one.
    """
    if count <= points:
        return list(range(count))
    even = np.linspace(0, count - 1, points - points // 2)
    factors = np.geomspace(1, count, points // 2) - 1
    return sorted({0, count - 1, *np.concatenate([even, factors]).astype(np.int64).tolist()})


def thinned_lines(path: Path, kind: Kind, points: int = POINTS, whole: int = WHOLE) -> list[dict[str, Any]]:
    """Return at most about `points` of the lines of the file of JSON lines at `path`, in order, first and last among them.

    Of a file of more than `whole` bytes only these lines are read, at places `spread` over it, and checked; a last line that a
    crash has cut off is left out. A file that is not there has no lines.

    Raises
    ------
    GameplanError
        If a line that was read is not of `kind`, or the file cannot be read.
    """
    if not path.is_file():
        return []
    try:
        size = path.stat().st_size
        if size <= whole:
            lines = read_lines(path, kind, ADVICE)
            return [lines[place] for place in spread(len(lines), points)]
        return _sampled(path, size, kind, points)
    except OSError as error:
        raise GameplanError(f"cannot read {path}: {reason(error)}") from error


def _sampled(path: Path, size: int, kind: Kind, points: int) -> list[dict[str, Any]]:
    """Return the lines that begin at or after places spread over the `size` bytes of a file, each once, and the last whole one."""
    found: dict[int, bytes] = {}
    with open(path, "rb") as stream:
        for place in spread(size, points):
            stream.seek(place)
            if place:
                stream.seek(place - 1)
                stream.readline(MOST_LINE)  # the rest of the line before
            begin = stream.tell()
            if begin not in found:
                found[begin] = stream.readline(MOST_LINE + 1)
        stream.seek(max(0, size - MOST_LINE // 4))
        ends = stream.tell(), stream.read()
    inside = ends[1].split(b"\n")
    if len(inside) >= 3 or ends[0] == 0:
        found[size - len(inside[-1]) - len(inside[-2]) - 1] = inside[-2] + b"\n"
    lines = []
    for begin in sorted(found):
        line = found[begin]
        if not line.endswith(b"\n"):
            if len(line) > MOST_LINE:
                raise GameplanError(f"{path}, byte {begin}: a line has more than {MOST_LINE:,} bytes; {ADVICE}")
            continue
        try:
            value = parse_json(line, f"{path}, byte {begin}")
            kind(value, "")
        except Mismatch as error:
            raise GameplanError(f"{path}, byte {begin}: {error}; {ADVICE}") from error
        lines.append(value)
    return lines


def ascending(lines: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    """Return `lines` in the order of `key`, of equals the last."""
    by = {line[key]: line for line in lines}
    return [by[value] for value in sorted(by)]


def between(at: float, xs: list[float], ys: list[float]) -> float:
    """Return the value at `at` of what has `ys` at the ascending `xs`, linear between, 0 where there is nothing."""
    return float(np.interp(at, xs, ys)) if xs else 0.0
