"""Where independent jobs run: one seam, anything with ``submit() -> Future``.

Jobs are pure functions of their description, which is plain data, so running one twice does no harm. They run in local processes by
default; when one machine is not enough, on an engine that exists: Dask, or Slurm by submitit.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from games.errors import UsageError, did_you_mean
from workbench.engines.cancelling import cancelled
from workbench.engines.engine import Engine, WorkerLost
from workbench.engines.local import local_pool, thread_pool

__all__ = ["ENGINES", "Engine", "EngineName", "WorkerLost", "cancelled", "local_pool", "open_engine", "parse_engine", "thread_pool"]

ENGINES = {
    "local": "processes of this machine",
    "threads": "threads of this process",
    "dask": "a Dask cluster on this machine, started and ended here",
    "dask://HOST:PORT": "a Dask scheduler that runs already",
    "slurm": "jobs of Slurm's; slurm://PARTITION?timeout_min=60&mem_gb=4 sets submitit's parameters",
    "submitit-local": "processes of this machine, by submitit: a rehearsal for Slurm",
}
KINDS = ("local", "threads", "dask", "slurm", "submitit-local")
SLURM_JOBS = 64  # jobs in Slurm's queue at once, unless somebody says otherwise
PORT = 8786  # of a Dask scheduler, by default
FOLDER = Path("runs") / "engine"


class EngineName(NamedTuple):
    """An engine as it is asked for: its kind, where it is (a Dask scheduler, a Slurm partition), and submitit's parameters."""

    kind: str
    place: str = ""
    parameters: dict[str, Any] = {}


def parse_engine(text: str) -> EngineName:
    """Return what the name of an engine says, without looking whether it is there.

    Raises
    ------
    UsageError
        If it is the name of none.
    """
    kind, separator, rest = text.partition("://")
    if kind not in KINDS:
        raise UsageError(f"unknown engine {text!r}{did_you_mean(kind, list(KINDS))}; legal are {', '.join(ENGINES)}")
    if kind == "dask" and separator:
        return EngineName(kind, _address(text, rest.rstrip("/")))
    if kind == "slurm" and separator:
        partition, _, query = rest.partition("?")
        try:
            parameters = {name: _number(value) for name, value in parse_qsl(query, strict_parsing=bool(query))}
        except ValueError:
            raise UsageError(f"engine {text!r}: write parameters as NAME=VALUE&NAME=VALUE, such as timeout_min=60") from None
        return EngineName(kind, partition, parameters)
    if separator:
        raise UsageError(f"the engine {kind!r} has no address; write --engine {kind}")
    return EngineName(kind)


@contextmanager
def open_engine(text: str, workers: int | None = None, *, folder: Path = FOLDER) -> Iterator[Engine]:
    """Yield the engine called `text` (`ENGINES`); leaving cancels what has not ended.

    Parameters
    ----------
    workers : int, optional
        Jobs at once. Default: one a processor; on a Dask scheduler one a worker; on Slurm 64.
    folder : Path
        Where submitit keeps its files; the machines must share it.

    Raises
    ------
    UsageError
        If there is no such engine.
    GameplanError
        If it is not installed, does not answer, or runs another version.
    """
    with _open(parse_engine(text), workers, folder) as engine:
        yield engine


def _open(name: EngineName, workers: int | None, folder: Path) -> AbstractContextManager[Engine]:
    here = workers or os.cpu_count() or 1
    if name.kind == "local":
        return local_pool(here)
    if name.kind == "threads":
        return thread_pool(here)
    if name.kind == "dask":
        from workbench.engines.dask_engine import dask_cluster, dask_scheduler

        return dask_scheduler(name.place, workers) if name.place else dask_cluster(here)
    from workbench.engines.submitit_engine import LOCAL, SLURM, submitit_engine

    if name.kind == "submitit-local":
        return submitit_engine(LOCAL, here, {}, folder)
    partition = {"slurm_partition": name.place} if name.place else {}
    return submitit_engine(SLURM, workers or SLURM_JOBS, {**partition, **name.parameters}, folder)


def _address(text: str, rest: str) -> str:
    host, separator, port = rest.rpartition(":")
    if not separator or rest.endswith("]"):
        host, port = rest, str(PORT)
    if not host or not port.isdigit() or not 0 < int(port) < 65536 or "/" in host:
        raise UsageError(
            f"engine {text!r} is no address of a Dask scheduler; write dask://HOST:PORT, such as dask://10.0.0.1:{PORT}"
        )
    return f"{host}:{port}"


def _number(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text
