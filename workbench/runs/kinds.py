"""The kinds of runs: how one is told by its configuration, and the one reader of configurations."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from games.errors import UnknownName, with_article
from workbench.runs.directory import CONFIG, RunDirectory
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


def read_config(run: RunDirectory, kind: RunKind, form: type[Config]) -> Config:
    """Return the configuration of the run in `run`, which must be of a `kind`; `form` is its class.

    Raises
    ------
    UsageError
        If it is a run of another kind.
    GameplanError
        If the configuration is damaged, or of a newer version.
    """
    saved = run.read_json(CONFIG)
    if kind_of(saved) != kind:
        message = f"{run.path} is not {with_article(kind.name)}; 'gameplan runs list' shows what there is"
        raise UnknownName(str(run.path), kind.name, message)
    return from_saved(form, saved, run.path / CONFIG)
