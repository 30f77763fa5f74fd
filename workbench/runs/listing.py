"""Looking for runs below a directory."""

from collections.abc import Sequence
from pathlib import Path

from games.errors import UsageError
from games.files import reason
from games.modules import short_name
from workbench.runs.directory import CONFIG, RunDirectory
from workbench.runs.kinds import TRAINING_RUN, kind_of


def training_runs(paths: Sequence[Path]) -> dict[str, dict[str, list[Path]]]:
    """Return the training runs at or below `paths`: world -> method -> directories; none if there are others only."""
    found: dict[str, dict[str, list[Path]]] = {}
    for path in paths:
        for config in configs_below(path):
            settings = RunDirectory(config.parent).read_json(CONFIG)
            if kind_of(settings) == TRAINING_RUN:
                world, method = short_name(settings["env"]), short_name(settings["method"])
                found.setdefault(world, {}).setdefault(method, []).append(config.parent)
    return found


def configs_below(root: Path) -> list[Path]:
    """Return the configurations of all runs at or below `root`."""
    try:
        return sorted(path for path in root.rglob(CONFIG) if path.is_file()) if root.is_dir() else []
    except OSError as error:
        raise UsageError(f"cannot look into {root}: {reason(error)}") from error
