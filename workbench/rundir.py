"""Run directories: everything that a run leaves behind, safe against a crash at any byte.

config.json        the resolved configuration; with it and the program every result can be made again
program.py         the user's own rule (train.py, eval.py: meta-strategy solvers), as it was when the run started
environment.json   versions, machine, commit
metrics.jsonl      one line an evaluation, without any clock
timing.jsonl       one line an evaluation: seconds
checkpoint.safetensors   the solver's state, replaced as a whole
result.json        the record that ``--json`` prints
policy.npz, policy.json, policy.csv
"""

import json
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from games.errors import GameplanError, UsageError
from games.files import write_atomically

CONFIG, ENVIRONMENT, RESULT = "config.json", "environment.json", "result.json"
METRICS, TIMING, CHECKPOINT = "metrics.jsonl", "timing.jsonl", "checkpoint.safetensors"
PROGRAMS = {"algo": "program.py", "train": "train.py", "eval": "eval.py"}  # copies of the user's own files


class RunDirectory:
    """One run's directory; every file is replaced as a whole or grows by whole lines."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @staticmethod
    def create(path: Path, *, force: bool = False) -> "RunDirectory":
        """Make an empty run directory at `path`; with `force` an earlier run there is removed first.

        Raises
        ------
        UsageError
            If the directory exists and holds anything, and `force` is not set or it holds something else than a run.
        """
        if path.exists():
            inside = list(path.iterdir()) if path.is_dir() else [path]
            if inside and not force:
                raise UsageError(
                    f"{path} exists; choose another --out, say --force to replace it, or continue it with --resume {path}"
                )
            if inside and not (path / CONFIG).is_file():
                raise UsageError(f"{path} is not a run directory, so --force does not remove it; choose another --out")
            if inside:
                _explain(path, lambda: shutil.rmtree(path))
        _explain(path, lambda: path.mkdir(parents=True, exist_ok=True))
        return RunDirectory(path)

    @staticmethod
    def open(path: Path) -> "RunDirectory":
        """Return the existing run directory at `path`.

        Raises
        ------
        UsageError
            If there is none.
        """
        if not (path / CONFIG).is_file():
            raise UsageError(f"{path} is not a run directory: it has no {CONFIG}; 'gameplan runs list' shows what there is")
        return RunDirectory(path)

    def discard_if_empty(self) -> None:
        """Remove the directory if nothing was written: a run that could not start leaves nothing behind."""
        with suppress(OSError):
            self.path.rmdir()

    def write(self, name: str, content: bytes) -> None:
        """Replace the file `name` as a whole."""
        _explain(self.path, lambda: write_atomically(self.path / name, content))

    def write_json(self, name: str, record: Any) -> None:
        """Replace the file `name` by `record` as JSON."""
        self.write(name, (json.dumps(record, indent=2) + "\n").encode())

    def read_json(self, name: str) -> Any:
        """Return the JSON file `name`, or None if there is none.

        Raises
        ------
        GameplanError
            If it cannot be read.
        """
        path = self.path / name
        if not path.exists():
            return None
        try:
            return json.loads(path.read_bytes())
        except (OSError, ValueError) as error:
            raise GameplanError(f"{path} is damaged: {str(error).splitlines()[0]}; remove {self.path} and run again") from error

    def append(self, name: str, record: dict[str, Any]) -> None:
        """Append one line to `name` and hand it to the operating system at once."""

        def write() -> None:
            with open(self.path / name, "ab") as stream:
                stream.write((json.dumps(record) + "\n").encode())

        _explain(self.path, write)

    def read_lines(self, name: str) -> list[dict[str, Any]]:
        """Return the whole lines of `name`; a last line that was cut off by a crash is left out."""
        if not (self.path / name).is_file():
            return []
        try:
            text = (self.path / name).read_bytes()
        except OSError as error:
            raise GameplanError(f"cannot read {self.path / name}: {error.strerror}") from error
        lines = []
        for line in text.split(b"\n")[:-1]:
            try:
                lines.append(json.loads(line))
            except ValueError:
                break
        return lines

    def keep_lines(self, name: str, lines: Iterable[dict[str, Any]]) -> None:
        """Replace `name` by `lines`."""
        self.write(name, b"".join((json.dumps(line) + "\n").encode() for line in lines))

    def save_checkpoint(self, iteration: int, arrays: dict[str, np.ndarray]) -> None:
        """Replace the checkpoint."""
        self.write(CHECKPOINT, save(arrays, metadata={"iteration": str(iteration)}))

    def load_checkpoint(self) -> tuple[int, dict[str, np.ndarray]] | None:
        """Return (iteration, arrays) of the checkpoint, or None if there is none.

        Raises
        ------
        GameplanError
            If it is damaged.
        """
        path = self.path / CHECKPOINT
        if not path.exists():
            return None
        try:
            with safe_open(path, framework="numpy") as stream:
                arrays = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 (not a dictionary)
                return int((stream.metadata() or {})["iteration"]), arrays
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise GameplanError(f"{path} is damaged; remove it to run again from the start") from error


def default_path(root: Path, game: str, algo: str, seed: int) -> Path:
    """Return an unused ``<root>/<date>-<game>-<algo>-s<seed>``; a number is added if need be."""
    stem = "".join(c if c.isalnum() or c in "+-_" else "_" for c in f"{game}-{Path(algo).stem}")[:80].strip("_")
    base = root / f"{date.today().isoformat()}-{stem}-s{seed}"
    path, number = base, 1
    while path.exists():
        number += 1
        path = base.with_name(f"{base.name}-{number}")
    return path


def list_runs(root: Path) -> list[dict[str, Any]]:
    """Return a summary of every run below `root`, oldest name first."""
    found: list[dict[str, Any]] = []
    for config in sorted(root.rglob(CONFIG)) if root.is_dir() else []:
        run = RunDirectory(config.parent)
        try:
            settings, result = run.read_json(CONFIG), run.read_json(RESULT)
            lines = run.read_lines(METRICS)
        except GameplanError as error:
            found.append({"run": str(config.parent), "status": f"damaged: {error}"})
            continue
        last = lines[-1] if lines else {}
        found.append({
            "run": str(config.parent),
            "game": settings.get("game") or settings.get("env"),
            "algo": settings.get("algo") or settings.get("planner"),
            "status": result["status"] if result else "unfinished",
            "iterations": (result or last).get("iterations", last.get("iteration", (result or {}).get("played", 0))),
            "exploitability": (result or last).get("exploitability"),
            "mean": (result or {}).get("mean"),
        })  # fmt: skip
    return found


def run_curves(paths: Sequence[Path]) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Return the metrics, with seconds, of all runs at or below `paths`: game -> label -> lines.

    Runs of one algorithm on one game are told apart by their directories' names.

    Raises
    ------
    UsageError
        If a path holds no run.
    """
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for path in paths:
        configs = sorted(path.rglob(CONFIG)) if path.is_dir() else []
        if not configs:
            raise UsageError(f"{path} holds no run; name run directories or a comparison's directory ('gameplan runs list')")
        for config in configs:
            run = RunDirectory(config.parent)
            settings = run.read_json(CONFIG)
            if "game" not in settings:
                continue  # a planner's run
            seconds = {line["iteration"]: line["seconds"] for line in run.read_lines(TIMING)}
            lines = [{**line, "seconds": seconds.get(line["iteration"], 0.0)} for line in run.read_lines(METRICS)]
            curves = found.setdefault(settings["game"], {})
            name = Path(settings["algo"]).stem if settings["algo"].endswith(".py") else settings["algo"]
            curves[name if name not in curves else f"{name} ({config.parent.name})"] = lines
    return found


def _explain(path: Path, action: Any) -> None:
    try:
        action()
    except OSError as error:
        raise GameplanError(
            f"cannot write to {path}: {error.strerror}; choose another place with --out or make room, "
            "then continue with --resume if the run had started"
        ) from error
