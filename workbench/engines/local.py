"""Engines on this machine: processes, or threads of this process."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any

from workbench.engines.cancelling import stoppable
from workbench.engines.engine import Call, Engine


@contextmanager
def local_pool(workers: int) -> Iterator[Engine]:
    """Yield an engine with `workers` processes; leaving ends them at once."""
    processes = _Processes()
    engine = Engine(processes.start, workers, _lost)
    try:
        yield engine
    finally:
        engine.shutdown()
        processes.end()


@contextmanager
def thread_pool(workers: int) -> Iterator[Engine]:
    """Yield an engine with `workers` threads, for jobs that wait for processes of their own; leaving waits for running jobs."""
    closing = threading.Event()
    pool = ThreadPoolExecutor(workers)
    engine = Engine(lambda call: pool.submit(stoppable, closing.is_set, call), workers)
    try:
        yield engine
    finally:
        engine.shutdown()
        closing.set()
        pool.shutdown()


def prepare_worker() -> None:
    """Make this process a worker: the terminal sends Ctrl-C to everybody, and the parent decides what becomes of workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def _begin() -> None:
    """Make this process a worker that ends with the process that started it, however that ends."""
    prepare_worker()
    parent = multiprocessing.parent_process()
    if parent is not None:

        def follow() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=follow, daemon=True).start()


def _lost(error: BaseException) -> str | None:
    return "the process that ran it died (killed, or out of memory?)" if isinstance(error, BrokenProcessPool) else None


class _Processes:
    """Pools of one process each, so that one that dies takes no other job along and it is known whose job it was."""

    def __init__(self) -> None:
        self._all: list[ProcessPoolExecutor] = []
        self._idle: list[ProcessPoolExecutor] = []

    def start(self, call: Call) -> Future[Any]:
        while self._idle:
            pool = self._idle.pop()
            try:
                return self._run(pool, call)
            except BrokenProcessPool:  # died while it had nothing to do
                self._all.remove(pool)
        pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=_begin)
        self._all.append(pool)
        return self._run(pool, call)

    def _run(self, pool: ProcessPoolExecutor, call: Call) -> Future[Any]:
        future = pool.submit(call)
        future.add_done_callback(self._freed(pool))
        return future

    def _freed(self, pool: ProcessPoolExecutor) -> Callable[[Future[Any]], None]:
        def freed(future: Future[Any]) -> None:
            if not isinstance(future.exception(), BrokenProcessPool):
                self._idle.append(pool)

        return freed

    def end(self) -> None:
        for pool in self._all:
            processes = list((getattr(pool, "_processes", None) or {}).values())
            pool.shutdown(wait=False, cancel_futures=True)
            for process in processes:
                process.terminate()
