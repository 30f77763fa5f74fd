"""Independent jobs in parallel, until they are done or somebody stops them. Where they run: `workbench.engines`."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from typing import Any, TypeVar

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
