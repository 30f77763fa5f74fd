"""Print a pip constraint for every dependency: its lower bound in pyproject.toml, in the newest release of that series.

``numba>=0.61`` gives ``numba==0.61.*``. Tools for tests and what the extras ask for are left as they are.
"""

import re
import tomllib
from pathlib import Path

PROJECT = tomllib.loads((Path(__file__).resolve().parent.parent / "pyproject.toml").read_text())["project"]


def constraints(dependencies: list[str]) -> list[str]:
    """Return the constraints of some requirements, each of which has a lower bound."""
    found = []
    for requirement in dependencies:
        match = re.fullmatch(r"([A-Za-z0-9_.-]+)\s*>=\s*([0-9.]+)", requirement)
        assert match, f"{requirement!r} has no lower bound"
        found.append(f"{match[1]}=={match[2]}.*")
    return found


if __name__ == "__main__":
    print("\n".join(constraints(PROJECT["dependencies"])))
