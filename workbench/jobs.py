"""Independent jobs in parallel: one seam, anything with ``submit() -> Future``.

Jobs are pure functions of their description, so running one twice does no harm. By default they run in local processes.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, TypeVar

Job = TypeVar("Job")


@contextmanager
def local_pool(workers: int) -> Iterator[Executor]:
    """Yield an executor with `workers` processes; leaving ends them at once: whoever wants their results has them by then."""
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"), initializer=_prepare_worker)
    try:
        yield pool
    finally:
        processes = list((getattr(pool, "_processes", None) or {}).values())
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()


def _prepare_worker() -> None:
    # The terminal sends Ctrl-C to everybody; the parent decides what becomes of the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def run_jobs(
    executor: Executor, work: Callable[[Job], Any], jobs: Iterable[Job], stop: Callable[[], bool]
) -> Iterator[tuple[Job, Any]]:
    """Yield (job, result) as jobs end; a job that raised yields its exception.

    Raises
    ------
    KeyboardInterrupt
        As soon as `stop` says so; asked several times a second.
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
