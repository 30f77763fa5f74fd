"""Policies as people name them: a run, a file, or what everybody knows."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from games.compiler import Progress
from games.errors import UnknownName, UsageError
from games.loader import load_game
from games.sequence_form import SequenceGame
from solvers.exploitability import uniform_policy
from workbench.catalogue.naming import GAME, what_is
from workbench.runs.directory import RunDirectory
from workbench.solving.config import saved_config
from workbench.solving.policies import UNIFORM, load_policy
from workbench.solving.run import load_run_game
from workbench.views.names import find_run
from workbench.views.policy import POLICY


class Given(NamedTuple):
    """A policy (pairs of all players), where it is from, and how many infosets that does not mention."""

    policy: np.ndarray
    source: str
    missing: int


def read_given(game: SequenceGame, name: str, warn: Callable[[str], None]) -> Given:
    """Return the policy of `game` called `name`: a solver run, a file, or "uniform"; `warn` is told what is missing in it.

    Raises
    ------
    UsageError, GameplanError
        If there is no such run or file, or it holds no policy of the game.
    """
    if name == UNIFORM:
        return Given(uniform_policy(game), name, 0)
    path = Path(name)
    if path.is_dir():
        saved_config(RunDirectory.open(path))  # is it a solver run?
        path = path / POLICY
    policy, missing = load_policy(game, path, warn)
    if missing:
        warn(f"{path} does not mention {missing} of {sum(game.infosets)} infosets; they are played uniformly")
    return Given(policy, str(path), missing)


def game_of_run(name: str, max_memory: int | None, progress: Progress, command: str) -> tuple[SequenceGame, str, Path]:
    """Return the compiled game of the solver run called `name`, what it is called, and the run's directory.

    Raises
    ------
    UsageError
        If `name` is that of a game or a file: `command` asks then for a policy, too.
    """
    path = find_run(name, ["solve"])
    if not Path(name).is_dir() and GAME in [meaning.kind for meaning in what_is(name)]:  # runs' names begin with those of games
        raise UsageError(f"{name} is a game; name a policy, too: gameplan {command} {name} POLICY, a run or a file")
    if path.is_file():
        raise UnknownName(name, "run", f"{name} is a file; name the game that it is of, too: gameplan {command} GAME {name}")
    run = RunDirectory.open(path)
    config = replace(saved_config(run), max_memory=max_memory)
    return load_run_game(config, run, progress), config.game, path


def game_and_policy(
    game: str, policy: str | None, command: str, warn: Callable[[str], None], progress: Progress, *, max_histories: int,
    max_memory: int | None,
) -> tuple[SequenceGame, str, Given]:  # fmt: skip
    """Return a compiled game, what it is called, and the policy in question: that of the run `game`, or `policy` in `game`.

    Raises
    ------
    UsageError, GameplanError
        As `game_of_run` and `read_given`.
    """
    if policy is None:
        compiled, name, path = game_of_run(game, max_memory, progress, command)
        return compiled, name, read_given(compiled, str(path), warn)
    compiled = load_game(game, max_histories=max_histories, max_memory=max_memory, progress=progress)
    return compiled, game, read_given(compiled, policy, warn)
