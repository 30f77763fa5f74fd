"""What a run was made with: versions, machine, commit."""

import os
import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = ("open_spiel", "numpy", "numba", "scipy")


def describe_environment(threads: int) -> dict[str, Any]:
    """Return versions of Python and the packages that decide results, the machine, the commit if any, and `threads`."""
    return {
        "gameplan": package_version("gameplan"),
        "python": platform.python_version(),
        **{package: package_version(package) for package in _PACKAGES},
        "machine": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "commit": _commit(),
        "threads": threads,
    }


def package_version(package: str) -> str | None:
    """Return the installed version of `package`, or None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@cache
def _commit() -> str | None:
    top = Path(__file__).resolve().parent.parent
    if not (top / ".git").exists():
        return None
    try:
        result = subprocess.run(["git", "rev-parse", "HEAD"], cwd=top, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() or None
