"""What runs write into their directories, by name. Whatever else is there is somebody's own, and goes with no run."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from games.files import is_temporary

BESIDE = "beside"  # runs of the players that a language model is compared with, in folders of the model's run
_PICTURES = ("figure.png", "figure.svg", "figure.pdf")
_RUN: Mapping[str, Sequence[str]] = {  # folder ("": the run's directory itself): patterns of what is in it
    "": (
        ".lock", "config.json", "environment.json", "result.json", "metrics.jsonl", "timing.jsonl", "checkpoint.safetensors",
        "program.py", "train.py", "eval.py", "world.py", "planner.py", "method.py", "evaluator.py", "game.efg", "game.nfg",
        "lock.npz", "lock.json", "lock.csv", "levels.xsb", "policy.npz", "policy.json", "policy.csv", "population.npz",
        "episodes.jsonl", "turns.jsonl", "learning.jsonl", "model.safetensors", "policy.safetensors", "value.safetensors",
        "initial-*.safetensors", "learned-*.safetensors", "progress.jsonl", "train.jsonl", "validation.jsonl", "test.jsonl",
        "header.json", "README.md",
    ),
    "metadata": ("*.jsonl",), "prompt_completion": ("*.jsonl",), "lists": ("*.json",),
    "configs": ("dataset_info.json", "axolotl.yaml"),
}  # fmt: skip
_DISCOVERY: Mapping[str, Sequence[str]] = {"": (".lock", "discovery.sqlite*"), "prompts": ("*.txt",)}
_COMPARISON: Mapping[str, Sequence[str]] = {
    "": (".lock", "comparison.json", "table.json", "table.csv", "table.md", *_PICTURES),
}
_WHOLE = ("answers", "engine")  # folders of an endpoint's answers, and of a cluster's scheduler, with all that is in them
RUNS = "runs"  # the single runs of a comparison
MARK = "comparison.json"  # what a directory is known by as a comparison that has no table yet


def stranger(path: Path) -> Path | None:
    """Return the first file or folder in the directory `path` of a run or discovery that none writes, None if there is no such.

    Links are not followed.
    """
    for place in sorted(path.iterdir()):
        if _is_folder(place) and place.name == BESIDE:
            found = _stranger_of_runs(place)
        else:
            found = _judged(place, _DISCOVERY if (path / "discovery.sqlite").is_file() else _RUN)
        if found:
            return found
    return None


def stranger_of_comparison(path: Path, inner: Sequence[Path]) -> Path | None:
    """Return what `stranger` returns, of the comparison in `path` with its `inner` runs."""
    for place in sorted(path.iterdir()):
        if _is_folder(place) and (place in inner or not any(place.iterdir())):  # empty: of a removal that was killed
            found = stranger(place)
        elif _is_folder(place) and place.name == RUNS:
            found = _stranger_of_runs(place)
        else:
            found = _judged(place, _COMPARISON)
        if found:
            return found
    return None


def _stranger_of_runs(folder: Path) -> Path | None:
    for place in sorted(folder.iterdir()):
        found = stranger(place) if _is_folder(place) else place
        if found:
            return found
    return None


def _judged(place: Path, known: Mapping[str, Sequence[str]]) -> Path | None:
    """Return `place` if it is none of what is `known`, or what is in it and is not."""
    if is_temporary(place.name):
        return None
    if not _is_folder(place):
        return None if _matches(place.name, known[""]) else place
    if place.name not in known:
        return None if place.name in _WHOLE else place
    inside = (inner for inner in sorted(place.iterdir()) if not is_temporary(inner.name))
    return next((inner for inner in inside if _is_folder(inner) or not _matches(inner.name, known[place.name])), None)


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _is_folder(place: Path) -> bool:
    return place.is_dir() and not place.is_symlink()
