"""Examining and measuring candidates from any thread or process; each calling thread has a warden of its own."""

import os
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, Any

from games.errors import GameplanError, UsageError
from workbench.catalogue.shipped import TASKS
from workbench.discovery.books.records import INFRA, Job, Outcome
from workbench.discovery.isolation import locks, wire

ATTEMPTS = 3  # a warden that dies is replaced; a job that kills so many is given up
PATIENCE_AT_THE_END = 10.0  # seconds
PATIENCE = 600.0  # seconds beyond a job's own: loading, compiling, scoring
# What a warden may know of the environment: where things are, and how to compile.
_KEPT = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "GAMEPLAN_CACHE", "XDG_CACHE_HOME", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES")
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")

_local = threading.local()


def examine(job: Job) -> Outcome:
    """Return the fingerprint of the job's program, computed in isolation.

    Raises
    ------
    GameplanError
        If the kernel offers nothing to isolate with (and ``sandbox="none"`` was not said), or the task or an instance is unknown.
    """
    return _ask("examine", job)


def measure(job: Job) -> Outcome:
    """Return the program's costs on the job's trials, run in isolation, up to and including the first above its cutoff.

    Raises
    ------
    GameplanError
        If the kernel offers nothing to isolate with (and ``sandbox="none"`` was not said), or the task or an instance is unknown.
    """
    return _ask("measure", job)


def level(sandbox: str = "auto") -> str:
    """Return how candidates are locked in: "seccomp+landlock", "seccomp", or "none"; that is refused unless it was asked for.

    Raises
    ------
    GameplanError
        If there is no lock and `sandbox` is not "none".
    """
    if sandbox not in ("auto", "none"):
        raise UsageError(f"unknown sandbox {sandbox!r}; legal are auto and none")
    found = "none" if sandbox == "none" else locks.level()
    if found == "none" and sandbox != "none":
        raise GameplanError(
            "this system offers no seccomp filters to lock candidates in with; run on Linux (x86_64 or aarch64) with seccomp, or "
            "say --sandbox none if you trust every program that may come up"
        )
    return found


class Handle:
    """A running warden and its keeper, seen from the thread that uses it."""

    def __init__(self, sandbox: str) -> None:
        self.sandbox = sandbox
        self.owner = os.getpid()
        errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `end`)
        environment = {key: os.environ[key] for key in _KEPT if key in os.environ} | dict.fromkeys(_THREADS, "1")
        environment |= {"PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path), "PYTHONHASHSEED": "0"}
        how = "none" if level(sandbox) == "none" else "locked"
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "workbench.discovery.isolation", how, str(self.owner)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=environment, start_new_session=True, bufsize=0,
        )  # fmt: skip
        self.end = weakref.finalize(self, _end, self.owner, self.process, errors)

    def ask(self, message: dict[str, Any], seconds: float) -> Any:
        """Return the warden's reply to a message."""
        assert self.process.stdin and self.process.stdout
        wire.send(self.process.stdin.fileno(), message)
        return wire.receive(self.process.stdout.fileno(), time.monotonic() + seconds)


def _end(owner: int, process: subprocess.Popen, errors: IO[bytes]) -> str:
    """End a warden and return the last line that it has written about itself."""
    if owner != os.getpid():  # inherited through a fork: another process's warden
        return ""
    process.terminate()  # it ends what there is below before it ends itself
    try:
        process.wait(PATIENCE_AT_THE_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout):
        if stream:
            stream.close()
    errors.seek(0)
    lines = errors.read().decode(errors="replace").strip().splitlines()
    errors.close()
    return lines[-1] if lines else ""


def _handle(sandbox: str) -> Handle:
    found: Handle | None = getattr(_local, "warden", None)
    if found is None or found.owner != os.getpid() or found.sandbox != sandbox:
        if found is not None:
            found.end()
        found = _local.warden = Handle(sandbox)
    return found


def _ask(do: str, job: Job) -> Outcome:
    kind = level(job.sandbox)
    task = job.task if job.task in TASKS else str(Path(job.task).resolve())
    message = {"do": do, "job": asdict(replace(job, task=task))}
    reason = ""
    for _ in range(ATTEMPTS):
        handle = _handle(job.sandbox)
        began = time.monotonic()
        try:
            reply = handle.ask(message, job.limits.wall_seconds + PATIENCE)
        except (wire.Gone, OSError, ValueError) as error:
            reason = handle.end() or str(error)
            _local.warden = None
            continue
        if "error" in reply:
            raise (UsageError if reply["usage"] else GameplanError)(reply["error"])
        outcome = {**reply["outcome"], "values": tuple(reply["outcome"]["values"]), "seconds": tuple(reply["outcome"]["seconds"])}
        overhead = max(0.0, time.monotonic() - began - reply["busy"])
        return Outcome(**{**outcome, "overhead_seconds": overhead, "level": kind})
    return Outcome(INFRA, f"the process that runs candidates has died {ATTEMPTS} times: {reason}", level=kind)
