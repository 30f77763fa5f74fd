"""Runs of any kind that go on from Python, where they stopped or for longer."""

import os
from pathlib import Path
from typing import Any

from games.asked import Place, Positive
from games.errors import UsageError
from workbench.door import evolving, learning, planning, solving
from workbench.door.asking import asked
from workbench.door.evolving import EvolveResult
from workbench.door.learning import TrainResult
from workbench.door.options import Duration, seconds
from workbench.door.planning import PlanResult
from workbench.door.progress import Wish
from workbench.door.solving import SolveResult
from workbench.views.names import find_run, kind_at
from workbench.views.runs import EVOLVE

KINDS = {  # kind of run: its count, and what a time limit is called in its configuration
    "solve": ("iterations", "time_limit"),
    "plan": ("episodes", None),
    "train": ("updates", "time_limit"),
    EVOLVE: ("evals", "wall_seconds"),
}
Resumed = SolveResult | PlanResult | TrainResult | EvolveResult


@asked
def resume(
    run: Place,
    n: Positive | None = None,
    *,
    target: float | None = None,
    time_limit: Duration | None = None,
    trusted: bool = False,
    jobs: Positive | None = None,
    progress: Wish = None,
) -> Resumed:
    """Return what a run comes to when it goes on where it stopped; it ends with the same bits as one that never stopped.

    Parameters
    ----------
    run : str or Path
        A run of `solve`, `psro`, `plan`, `train` or `evolve`, or of their commands: its directory, a beginning of its name that no
        other's has, or ``"@last"`` (``"@last~1"``: the one before).
    n : int, optional
        How many iterations, episodes, updates or evaluations it shall have altogether; without it as many as it was to have.
    target : float, optional
        Of a solver: stop at this exploitability.
    time_limit : float or str, optional
        Of a solver, of learning or of a discovery, in seconds or as a text such as ``"10s"``.
    trusted : bool
        Run programs that the run directory keeps, as you; of a discovery, the task it names.
    jobs : int, optional
        Processes for planners (one unless given) and candidates of a discovery (one a core).
    progress : bool or callable, optional
        As for `workbench.door.solving.solve`.

    Returns
    -------
    SolveResult, PsroResult, PlanResult, TrainResult or EvolveResult
        As the function that began the run returns.

    Raises
    ------
    UsageError
        If there is no such run, it is of another kind, or what is asked would make it another run.
    GameplanError
        If the run is damaged.

    Examples
    --------
    >>> import workbench as gp
    >>> gp.resume("no-such-run")
    Traceback (most recent call last):
    games.errors.UsageError: no-such-run holds no run; 'gameplan runs list' shows what there is
    """
    path = find_run(str(run), tuple(KINDS))
    kind = kind_at(path) if path.is_dir() and any(path.iterdir()) else None
    if kind not in KINDS:
        what = "holds no run; 'gameplan runs list' shows what there is"
        if kind is not None:
            what = "is of no kind that goes on here; comparisons go on when they are asked for again with the same out="
        raise UsageError(f"{path} {what}")
    count, clock = KINDS[kind]
    changes: dict[str, Any] = {} if n is None else {count: n}
    for name, value, key in (("target", target, "target" if kind == "solve" else None), ("time_limit", seconds(time_limit), clock)):
        if value is not None:
            if key is None:
                raise UsageError(f"{name} = {value} is not for a run of {kind}; leave it out")
            changes[key] = value
    return _went_on(kind, path, changes, trusted, jobs, progress)


def _went_on(kind: str, path: Path, changes: dict[str, Any], trusted: bool, jobs: int | None, progress: Wish) -> Resumed:
    if kind == "solve":
        return solving.resumed(path, changes, trusted=trusted, progress=progress)
    if kind == "plan":
        return planning.resumed(path, changes, trusted=trusted, jobs=jobs or 1, progress=progress)
    if kind == "train":
        return learning.resumed(path, changes, trusted=trusted, progress=progress)
    return evolving.resumed(path, changes, trusted=trusted, jobs=jobs or os.cpu_count(), progress=progress)
