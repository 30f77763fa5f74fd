"""An engine: an executor with a number of workers that can be lost.

At most `workers` jobs are with the backend at once, so that little has to be called off. A job whose worker was lost is tried again
when nothing else runs: whoever dies alone did it himself, and where memory was short there is most of it then.
"""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future
from functools import partial
from typing import Any

from games.errors import GameplanError

RETRIES = 2

Call = Callable[[], Any]


class WorkerLost(GameplanError):
    """The infrastructure failed, not the job: its worker died, or could not be reached, each time that it was tried."""


class _Task:
    def __init__(self, call: Call) -> None:
        self.call = call
        self.future: Future[Any] = Future()
        self.tries = 0


class Engine(Executor):
    """Runs jobs on a backend.

    Parameters
    ----------
    start : callable
        Hands a call without arguments to the backend and returns a ``concurrent.futures.Future``.
    workers : int
        How many jobs the backend has at once.
    lost : callable
        Returns, for an exception that means that the worker was lost, what happened in a few words; else None.
    remote : bool
        Whether jobs run in another directory or on another machine, so that relative paths mean nothing to them.
    retries : int
        How often a job is tried again whose worker was lost.
    """

    def __init__(
        self,
        start: Callable[[Call], Future[Any]],
        workers: int,
        lost: Callable[[BaseException], str | None] = lambda error: None,
        *,
        remote: bool = False,
        retries: int = RETRIES,
    ) -> None:
        self.workers = workers
        self.remote = remote
        self._start, self._lost, self._retries = start, lost, retries
        self._lock = threading.Lock()
        self._waiting: deque[_Task] = deque()
        self._suspects: deque[_Task] = deque()
        self._running = 0
        self._alone = False
        self._filling = False
        self._closed = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Return the future of ``fn(*args, **kwargs)``; a job without an end is reported as `WorkerLost`."""
        task = _Task(partial(fn, *args, **kwargs))
        with self._lock:
            if self._closed:
                raise RuntimeError("this engine is closed")
            self._waiting.append(task)
        self._fill()
        return task.future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Cancel everything that has not ended; who wants results has them by then."""
        with self._lock:
            self._closed = True
            waiting, suspects = list(self._waiting), list(self._suspects)
            self._waiting.clear()
            self._suspects.clear()
        for task in waiting:
            task.future.cancel()
        for task in suspects:
            task.future.set_exception(CancelledError())

    def _fill(self) -> None:
        with self._lock:
            if self._filling:  # by another thread, or further down this stack: it looks again before it ends
                return
            self._filling = True
        while True:
            with self._lock:
                task = self._pick()
                if task is None:
                    self._filling = False
                    return
                self._running += 1
            try:
                inner = self._start(task.call)
            except BaseException as error:
                inner = Future()
                inner.set_exception(error)
            inner.add_done_callback(partial(self._ended, task))

    def _pick(self) -> _Task | None:
        if self._alone:
            return None
        while self._waiting and self._running < self.workers:
            task = self._waiting.popleft()
            if task.future.set_running_or_notify_cancel():
                return task
        if self._suspects and not self._waiting and not self._running:
            self._alone = True
            return self._suspects.popleft()
        return None

    def _ended(self, task: _Task, inner: Future[Any]) -> None:
        error = CancelledError("cancelled") if inner.cancelled() else inner.exception()
        reason = None if error is None else self._lost(error)
        with self._lock:
            self._running -= 1
            self._alone = False
            task.tries += reason is not None
            again = reason is not None and task.tries <= self._retries and not self._closed
            if again:
                self._suspects.append(task)
        if reason is not None and not again:
            tried = f", {task.tries} times" if task.tries > 1 else ""
            task.future.set_exception(WorkerLost(f"infrastructure: {reason}{tried}"))
        elif error is not None and not again:
            task.future.set_exception(error)
        elif error is None:
            task.future.set_result(inner.result())
        self._fill()
