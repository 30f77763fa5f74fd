"""submitit: every job a job of Slurm's (or, with its local executor, a process of this machine).

submitit keeps a job's description, result and logs in a folder that the machines share; here those of finished jobs are removed.
"""

import logging
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from games.errors import GameplanError
from workbench.engines.engine import Call, Engine
from workbench.engines.version import checked, code_version

LOCAL, SLURM = "local", "slurm"
DEFAULTS: dict[str, Any] = {"timeout_min": 240, "cpus_per_task": 1, "name": "gameplan"}
POLL = {LOCAL: 0.05, SLURM: 1.0}  # seconds between looks at the folder
GRACE = {LOCAL: 0.0, SLURM: 15.0}  # seconds for the result of an ended job to travel through the shared file system


class JobLost(Exception):
    """A job ended without a result."""


@contextmanager
def submitit_engine(cluster: str, workers: int, parameters: dict[str, Any], folder: Path) -> Iterator[Engine]:
    """Yield an engine that submits to `cluster` ("slurm" or "local"), at most `workers` jobs at once; leaving cancels them.

    `parameters` are submitit's, such as timeout_min, mem_gb or slurm_partition; files go below `folder`.

    Raises
    ------
    GameplanError
        If submitit is not installed, there is no Slurm here, or a parameter is unknown.
    """
    try:
        import submitit
    except ImportError as error:
        raise GameplanError(f"the engine {cluster!r} needs submitit; install it with: pip install 'gameplan[slurm]'") from error
    logging.getLogger("submitit").setLevel(logging.CRITICAL)  # it would log to stdout
    folder = folder.absolute() / uuid.uuid4().hex[:8]  # numbers of local jobs come again
    try:
        executor = submitit.AutoExecutor(folder=folder, cluster=cluster)
        executor.update_parameters(**{**DEFAULTS, **parameters})
    except (RuntimeError, NameError, AssertionError, TypeError) as error:
        raise GameplanError(f"submitit cannot use {cluster!r}: {str(error).splitlines()[0]}") from error
    queue = _Queue(executor, POLL[cluster], GRACE[cluster])
    engine = Engine(queue.start, workers, lambda error: str(error) if isinstance(error, JobLost) else None, remote=True)
    try:
        yield engine
    finally:
        engine.shutdown()
        queue.end()
        with suppress(OSError):  # something is left of jobs that failed
            folder.rmdir()
            folder.parent.rmdir()


def attempt(call: Call) -> tuple[bool, Any]:
    """Return (True, ``call()``) or (False, the exception); submitit itself returns tracebacks as text."""
    try:
        return True, call()
    except Exception as error:
        return False, error


class _Queue:
    """One thread that submits and looks for results: submitit is not made for several."""

    def __init__(self, executor: Any, poll: float, grace: float) -> None:
        self._executor, self._poll, self._grace = executor, poll, grace
        self._new: list[tuple[Future[Any], Call]] = []
        self._jobs: dict[Future[Any], Any] = {}
        self._over: dict[Future[Any], float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="submitit", daemon=True)
        self._thread.start()

    def start(self, call: Call) -> Future[Any]:
        future: Future[Any] = Future()
        self._new.append((future, partial(attempt, partial(checked, code_version(), call))))
        return future

    def end(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._poll):
            while self._new:
                future, call = self._new.pop(0)
                try:
                    self._jobs[future] = self._executor.submit(call)
                except Exception as error:  # refused by the cluster
                    future.set_exception(GameplanError(f"submitit cannot submit: {_first_line(error)}"))
            for future, job in list(self._jobs.items()):
                try:
                    self._look(future, job)
                except Exception as error:
                    self._settle(future, GameplanError(f"submitit: {_first_line(error)}; the log is {job.paths.stderr}"))
        for job in self._jobs.values():
            with suppress(Exception):
                job.cancel(check=False)

    def _look(self, future: Future[Any], job: Any) -> None:
        if not job.done():
            return
        if job.paths.result_pickle.exists():
            done, result = job.result()
            for path in job.paths.folder.glob(f"{job.job_id}_*"):
                path.unlink(missing_ok=True)
            self._settle(future, None if done else result, result)
        elif time.monotonic() - self._over.setdefault(future, time.monotonic()) >= self._grace:
            self._settle(future, JobLost(f"job {job.job_id} ended without a result ({job.state}); the log is {job.paths.stderr}"))

    def _settle(self, future: Future[Any], error: BaseException | None, result: Any = None) -> None:
        self._jobs.pop(future)
        self._over.pop(future, None)
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)


def _first_line(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
