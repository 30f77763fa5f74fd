"""What a run was made with: versions, machine, commit."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = ("open_spiel", "numpy", "numba", "scipy")


def describe_environment(threads: int) -> dict[str, Any]:
    """Return versions of Python and the packages that decide results, the machine, the commit if any, and `threads`."""
    return {
        "gameplan": _version("gameplan"),
        "python": platform.python_version(),
        **{package: _version(package) for package in _PACKAGES},
        "machine": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "commit": _commit(),
        "threads": threads,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    top = Path(__file__).resolve().parent.parent
    if not (top / ".git").exists():
        return None
    try:
        result = subprocess.run(["git", "rev-parse", "HEAD"], cwd=top, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() or None
