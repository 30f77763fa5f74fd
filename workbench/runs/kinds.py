"""The kinds of runs: how one is told by its configuration, and the one reader of configurations."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from games.errors import UnknownName, with_article
from games.modules import short_name
from workbench.runs.directory import CONFIG, LOCKED, RunDirectory
from workbench.runs.formats import Config, from_saved


class RunKind(NamedTuple):
    """A kind of run.

    Attributes
    ----------
    name : str
        For people; a key of `workbench.catalogue.naming.USES`.
    key : str
        What only configurations of this kind have; empty for the kind of those that have no other's.
    world, algo : str
        The keys of its configuration that say what was played, and by what.
    command : str
        What it was done by, where no key says that.
    """

    name: str
    key: str
    world: str
    algo: str = ""
    command: str = ""


SOLVER_RUN = RunKind("solver run", "", "game", "algo")
PLANNER_RUN = RunKind("planner run", "planner", "env", "planner")
DATA_SET = RunKind("data set", "splits", "world", command="distill")
TRAINING_RUN = RunKind("training run", "method", "env", "method")
LANGUAGE_MODEL = RunKind("language model", "epochs", "world", command="train-lm")
KINDS = (PLANNER_RUN, DATA_SET, TRAINING_RUN, LANGUAGE_MODEL, SOLVER_RUN)


def kind_of(settings: Mapping[str, Any]) -> RunKind:
    """Return the kind of the run that has this configuration."""
    return next(kind for kind in KINDS if not kind.key or kind.key in settings)


def played_in(settings: Mapping[str, Any]) -> str:
    """Return what the run with this configuration played, as tables call it; a game with a lock is another game."""
    name = short_name(settings[kind_of(settings).world])
    if settings.get("lock") is None:
        return name
    policy = Path(settings["lock"])
    known = f"-{settings['programs'][LOCKED][:6]}" if LOCKED in settings["programs"] else ""
    said = [f"player {settings['lock_player']} plays {policy.parent.name if policy.name == 'policy.npz' else policy.stem}{known}"]
    if settings["lock_infosets"]:
        said.append(f"at {settings['lock_infosets']}")
    if settings["lock_probability"] != 1.0:
        said.append(f"p = {settings['lock_probability']:g}")
    return f"{name} ({', '.join(said)})"


def settings_of(run: RunDirectory, kind: RunKind) -> dict[str, Any]:
    """Return the configuration of the run in `run`, which must be of a `kind`, as it was saved; raises as `read_config`."""
    saved: dict[str, Any] = run.read_json(CONFIG)
    if kind_of(saved) != kind:
        message = f"{run.path} is not {with_article(kind.name)}; 'gameplan runs list' shows what there is"
        raise UnknownName(str(run.path), kind.name, message)
    return saved


def read_config(run: RunDirectory, kind: RunKind, form: type[Config]) -> Config:
    """Return the configuration of the run in `run`, which must be of a `kind`; `form` is its class.

    Raises
    ------
    UsageError
        If it is a run of another kind.
    GameplanError
        If the configuration is damaged, or of a newer version.
    """
    return from_saved(form, settings_of(run, kind), run.path / CONFIG)
