"""Independent jobs in parallel, until they are done or somebody stops them. Where they run: `workbench.engines`."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from itertools import islice
from typing import Any, TypeVar

from games.errors import GameplanError

Job = TypeVar("Job")


def run_jobs(
    executor: Executor, work: Callable[[Job], Any], jobs: Iterable[Job], stop: Callable[[], bool]
) -> Iterator[tuple[Job, Any]]:
    """Yield (job, result) as jobs end; a job that raised yields its exception.

    Raises
    ------
    KeyboardInterrupt
        As soon as `stop` says so; asked several times a second. Jobs that have not started are cancelled.
    """
    pending: dict[Future[Any], Job] = {executor.submit(work, job): job for job in jobs}
    while pending:
        done, _ = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
        for future in done:
            error = future.exception()
            yield pending.pop(future), error if error is not None else future.result()
        if stop():
            for future in pending:
                future.cancel()
            raise KeyboardInterrupt


def in_order(
    executor: Executor | None, work: Callable[..., Any], jobs: Iterable[Job], stop: Callable[[], bool], ahead: int
) -> Iterator[tuple[Job, Any]]:
    """Yield (job, result) in the order of `jobs`, which may be endless: at most `ahead` of them are under way before their turn.

    Without an executor jobs are done here, one at a time, and told to `stop`.

    Raises
    ------
    KeyboardInterrupt
        As soon as `stop` says so. Jobs that have not started are cancelled, also when the consumer ends.
    GameplanError
        If a job fails.
    """
    if executor is None:
        for job in jobs:
            if stop():
                raise KeyboardInterrupt
            yield job, work(job, stop)
        return
    pending: deque[tuple[Job, Future[Any]]] = deque()
    source = iter(jobs)
    try:
        while True:
            pending.extend((job, executor.submit(work, job)) for job in islice(source, ahead - len(pending)))
            if not pending:
                return
            job, future = pending.popleft()
            while not wait([future], timeout=0.2).done:
                if stop():
                    future.cancel()
                    raise KeyboardInterrupt
            error = future.exception()
            if error is not None:
                raise error if isinstance(error, GameplanError) else GameplanError(f"{type(error).__name__}: {error}") from error
            yield job, future.result()
            if stop():
                raise KeyboardInterrupt
    finally:
        for _, future in pending:
            future.cancel()
