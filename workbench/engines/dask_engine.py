"""Dask: workers on any number of machines, behind a scheduler; or a cluster on this one."""

import logging
import socket
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Any

from games.errors import GameplanError
from workbench.engines.engine import Call, Engine, WorkerLost
from workbench.engines.local import prepare_worker
from workbench.engines.version import checked, code_version, difference

SETTLING = 30.0  # seconds for a new worker in place of a dead one
PATIENCE = 5.0  # seconds for a scheduler to answer and for a first worker to be there


@contextmanager
def dask_cluster(workers: int) -> Iterator[Engine]:
    """Yield an engine on a Dask cluster of this machine: `workers` processes, started here and ended on leaving."""
    distributed = _import()
    import dask

    class Prepare(distributed.WorkerPlugin):  # type: ignore[name-defined]
        """Prepares every worker, also those that take the place of dead ones."""

        def setup(self, worker: Any) -> None:
            prepare_worker()

    settings = {
        "distributed.scheduler.allowed-failures": 0,  # the engine tries again by itself
        "distributed.worker.daemon": False,  # jobs may have child processes
    }
    with ExitStack() as stack:
        stack.enter_context(dask.config.set(settings))
        cluster = stack.enter_context(
            distributed.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": False},
                memory_limit=0,
                silence_logs=logging.CRITICAL,
            )
        )
        client = stack.enter_context(distributed.Client(cluster, set_as_default=False))
        client.register_plugin(Prepare())
        try:
            yield from _engine(distributed, client, workers, partial, retries=2)
        finally:
            with suppress(TimeoutError):  # a worker that is just being replaced cannot be closed: Dask would raise
                client.wait_for_workers(workers, timeout=SETTLING)


@contextmanager
def dask_scheduler(address: str, workers: int | None) -> Iterator[Engine]:
    """Yield an engine on the Dask scheduler at `address` (host:port); `workers` is how many jobs are sent at once, default: all.

    Raises
    ------
    GameplanError
        If nobody answers there, there are no workers, they run several jobs in one process, or another version.
    """
    distributed = _import()
    host, _, port = address.rpartition(":")
    try:
        _greeted(host.strip("[]"), int(port))
        client = distributed.Client(f"tcp://{address}", timeout=PATIENCE, set_as_default=False)
    except OSError as error:  # its time-outs included
        raise GameplanError(
            f"no Dask scheduler answers at {address} ({error.strerror or error}); start one with 'dask scheduler', "
            "or see its log for the address"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError:
            raise GameplanError(
                f"the Dask scheduler at {address} has no workers; start some with "
                f"'dask worker tcp://{address} --nthreads 1 --nworkers N' in this environment"
            ) from None
        threads = client.nthreads()
        for worker, number in threads.items():
            if number > 1:
                raise GameplanError(
                    f"the Dask worker {worker} would run {number} jobs in one process; start workers with "
                    f"'dask worker tcp://{address} --nthreads 1 --nworkers {number}'"
                )
        for worker, version in client.run(code_version, on_error="return").items():
            what = difference(version)
            if what:
                raise GameplanError(f"the Dask worker {worker} {what}; install the same on both, and start the worker anew")
        yield from _engine(distributed, client, workers or len(threads), partial(partial, checked, code_version()), retries=1)


def _greeted(host: str, port: int) -> None:
    """Wait for a scheduler's first word: where something else listens, such as a dashboard, Dask's client would wait for ever."""
    with socket.create_connection((host, port), PATIENCE) as connection:
        if not connection.recv(1):
            raise ConnectionError("closed at once")


def _engine(distributed: Any, client: Any, workers: int, wrap: Any, retries: int) -> Iterator[Engine]:
    for logger in ("distributed", "distributed.client"):  # what matters is said in the cells
        logging.getLogger(logger).setLevel(logging.CRITICAL)
    address = client.scheduler.address
    executor = client.get_executor(pure=False)  # pure: jobs with equal descriptions would be one

    def lost(error: BaseException) -> str | None:
        if isinstance(error, distributed.KilledWorker):
            return f"the Dask worker {error.last_worker.address} that ran it died (killed, or out of memory?)"
        if isinstance(error, CancelledError):
            return f"the Dask scheduler at {address} has cancelled it"
        return None

    def start(call: Call) -> Future[Any]:
        if client.status != "running":  # submitting would wait for ever
            raise WorkerLost(f"infrastructure: the Dask scheduler at {address} is gone")
        future: Future[Any] = executor.submit(wrap(call))
        return future

    engine = Engine(start, workers, lost, remote=True, retries=retries)
    try:
        yield engine
    finally:
        engine.shutdown()
        with suppress(Exception):  # the scheduler may be gone
            executor.shutdown(wait=False)


def _import() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise GameplanError("the engine 'dask' needs Dask; install it with: pip install 'gameplan[dask]'") from error
    return distributed
