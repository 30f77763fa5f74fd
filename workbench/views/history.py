"""What a solver run played over time. A run keeps its last policy only, so its iterations are computed once more, in memory."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from games.errors import GameplanError, UsageError
from workbench.catalogue.families import LAST
from workbench.runs.directory import RESULT, RunDirectory
from workbench.solving.config import resolve_config, saved_config
from workbench.solving.grid import next_evaluation
from workbench.solving.isolated import Trust
from workbench.solving.iterates import Reported
from workbench.solving.policies import load_policy
from workbench.solving.run import load_played, make_solver


@dataclass(frozen=True)
class History:
    """Policies at some pairs (t, pairs): at `iterations` (t), what was played next, and the average until then."""

    iterations: np.ndarray
    current: np.ndarray
    average: np.ndarray


def iterations_of(path: Path) -> int:
    """Return how many iterations the solver run in the directory `path` has done.

    Raises
    ------
    UsageError
        If it was not run to its end.
    """
    result = RunDirectory.open(path).read_json(RESULT)
    if result is None:
        raise UsageError(f"{path} was not run to its end; go on with: gameplan solve --resume {path}")
    return int(result["iterations"])


def replayed(
    path: Path, pairs: np.ndarray, *, trusted: bool = False, on_iteration: Callable[[int], None] = lambda done: None
) -> History:
    """Return the history of the solver run in the directory `path`, at the iterations that it evaluated.

    Parameters
    ----------
    pairs : int array
        The (infoset, action) pairs that are wanted, places in the tables of all players.
    trusted : bool
        Run a program that only the run has as the user.
    on_iteration : callable
        Told how many iterations are done.

    Raises
    ------
    UsageError
        If the run's algorithm has no policy in every iteration, such as PSRO and linear programs.
    GameplanError
        If the computation ends with another policy than the run did.
    """
    run = RunDirectory.open(path)
    config, algorithm = resolve_config(saved_config(run), run, Trust(trusted=trusted))
    what = load_played(config, run)
    solver = make_solver(algorithm, what, config)
    if LAST not in algorithm.family.iterates:
        raise UsageError(f"{config.algo} has no current policy to be shown over time; CFR rules have one")
    current: Any = solver
    reported = Reported(solver, what.solved, config.iterate or "")
    last = iterations_of(path)
    times, played, averaged = [], [], []
    while solver.iteration < last:
        solver.advance(min(next_evaluation(solver.iteration, config), last))
        times.append(solver.iteration)
        played.append(what.unlock(current.current_policy())[pairs])
        averaged.append(what.unlock(solver.average_policy())[pairs])
        reported.evaluate(keep=True)
        on_iteration(solver.iteration)
    file = path / "policy.npz"
    if file.exists() and not np.allclose(load_policy(what.itself, file)[0], what.unlock(reported.policy), rtol=0.0, atol=1e-9):
        raise GameplanError(f"{path}: its iterations end with another policy now; it was made by another version of the program")
    return History(np.array(times), np.array(played), np.array(averaged))
