"""The processes that candidates live in.

A *zygote* is forked from the warden, locks itself in, prepares one structure (or none), and forks a *child* for every evaluation.
The child locks itself in further, computes, writes its answer into a pipe and ends. Nothing it does outlives it: the next evaluation
starts from the zygote's memory again.
"""

import gc
import json
import os
import random
import socket
import struct
import time
from typing import Any, NoReturn

import numpy as np

from games.jit import njit
from workbench.discovery.isolation import locks, wire
from workbench.discovery.isolation.source import describe
from workbench.discovery.task import Task

ANSWER, FAILURE = b"A", b"E"
CLOCKS = struct.Struct("<ddd")  # CPU and wall seconds of preparing, wall seconds of running
REPORT = struct.Struct("<qdQ")  # wait status, CPU seconds, length of what the child wrote
NO_MEMORY = 3  # exit status of a child that cannot even say so


@njit
def _seed_kernels(seed):  # type: ignore[no-untyped-def]
    np.random.seed(seed)


def warm() -> None:
    """Load and compile what children need before they lock themselves in."""
    locks.prepare()
    _seed_kernels(0)
    describe(ValueError(wire.unpack(wire.pack({"": np.zeros(1)}))))


def serve(
    task: Task | None, structure: str | None, inp: int, out: int, *, memory: int, cpu_seconds: float, locked: bool
) -> NoReturn:
    """Be a zygote: prepare, report on it to `out`, then fork a child for every request that comes from `inp`."""
    try:
        os.setsid()
        locks.die_with_parent()
        _keep_only(inp, out)
        locks.limit(memory=memory, cpu_seconds=cpu_seconds)
        if locked:
            locks.lock(parent=True, out=out)
        program, payload = _prepare(task, structure)
        locks.unlimit_cpu()
        _report(out, 0, 0.0, payload)
        gc.freeze()  # or the collector would touch, and so copy, all memory in every child
        while payload[:1] == ANSWER:
            _report(out, *_evaluate(task, program, wire.receive(inp), out, locked=locked))
    finally:
        os._exit(0)


def _prepare(task: Task | None, structure: str | None) -> tuple[Any, bytes]:
    cpu, wall = time.process_time(), time.monotonic()
    try:
        program = None if structure is None or task is None else task.prepare(structure)
    except BaseException as error:
        return None, _failure(error)
    return program, ANSWER + CLOCKS.pack(time.process_time() - cpu, time.monotonic() - wall, 0.0) + wire.pack({})


def _evaluate(task: Task | None, program: Any, request: dict[str, Any], out: int, *, locked: bool) -> tuple[int, float, bytes]:
    inner, mine = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            locks.die_with_parent()
            os.dup2(mine, out)
            _keep_only(out)
            _seed(request["seed"] % 2**32)
            locks.limit(cpu_seconds=request["cpu_seconds"])
            if locked:
                locks.lock(parent=False, out=out)
            wire.write(out, _work(task, program, request))
        except MemoryError:
            os._exit(NO_MEMORY)
        finally:
            os._exit(0)
    os.close(mine)
    payload = wire.read_all(inner)
    os.close(inner)
    _, status, usage = os.wait4(pid, 0)
    return status, usage.ru_utime + usage.ru_stime, payload


def _seed(seed: int) -> None:
    """Seed all shared generators; after a fork numba's would ask the kernel for entropy, which a locked process cannot."""
    random.seed(seed)
    np.random.seed(seed)
    _seed_kernels(seed)


def _work(task: Task | None, program: Any, request: dict[str, Any]) -> bytes:
    try:
        if request["do"] == "probe":
            return ANSWER + CLOCKS.pack(0.0, 0.0, 0.0) + wire.pack({"open": np.array([_holes()])})
        assert task
        if request["do"] == "fingerprint":
            return ANSWER + CLOCKS.pack(0.0, 0.0, 0.0) + wire.pack({"fingerprint": task.fingerprint(request["source"])})
        cpu, began = time.process_time(), time.monotonic()
        if request["structure"] is not None:
            program = task.prepare(request["structure"])
        prepared_cpu, prepared = time.process_time() - cpu, time.monotonic()
        answer = task.run(program, request["constants"], request["instance"], request["horizon"], request["seed"])
        clocks = CLOCKS.pack(prepared_cpu, prepared - began, time.monotonic() - prepared)
        return ANSWER + clocks + wire.pack(answer)
    except MemoryError:
        raise
    except BaseException as error:
        return _failure(error)


def _failure(error: BaseException) -> bytes:
    kind, reason = describe(error)
    return FAILURE + json.dumps({"kind": kind[:60], "reason": reason[:500]}).encode()


def _holes() -> int:
    """Return how many of three things that must fail did not."""
    holes = 0
    for attempt in (lambda: os.open(os.devnull, os.O_RDONLY), socket.socket, os.fork):
        try:
            done: Any = attempt()  # type: ignore[operator]
        except OSError:
            continue
        if done == 0:  # the forked one
            os._exit(0)
        holes += 1
    return holes


def _report(out: int, status: int, cpu: float, payload: bytes) -> None:
    wire.write(out, REPORT.pack(status, cpu, len(payload)))
    wire.write(out, payload)


def _keep_only(*descriptors: int) -> None:
    """Close all descriptors but these and the standard ones, which lead nowhere."""
    os.dup2(0, 1)
    os.dup2(0, 2)
    low = 3
    for descriptor in sorted({*descriptors}):
        os.closerange(low, descriptor)
        low = descriptor + 1
    os.closerange(low, 1 << 16)
