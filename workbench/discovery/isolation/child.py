"""The processes that candidates live in.

A *zygote* is forked from the warden, locks itself in, waits for one structure (or none), prepares it, and forks *children*. A
child locks itself in further, computes and answers until its pipe of requests ends. Nothing it does outlives it: the next child
starts from the zygote's memory again, with pipes of its own.
"""

import gc
import importlib
import json
import os
import random
import socket
import struct
import time
from functools import cache
from typing import Any, NoReturn

import numba
import numpy as np

from games.jit import njit
from workbench.discovery.isolation import locks, wire
from workbench.discovery.isolation.fingerprint import digest
from workbench.discovery.isolation.source import IMPORTS, describe
from workbench.discovery.isolation.worker import Worker
from workbench.discovery.task import Task

ANSWER, FAILURE = b"A", b"E"
CLOCKS = struct.Struct("<dd")  # seconds of an answer, as the process says itself: wall, CPU
LAST = struct.Struct("<qd")  # a child's wait status and CPU seconds, as its zygote says
NO_MEMORY = 3  # exit status of a child that cannot even say so
_IN = locks.OUT + 1  # a child's requests


@njit
def _seed_kernels(seed: int) -> None:
    np.random.seed(seed)


@cache
def _compile_something() -> None:
    """Compile, not from the disk: then all is there that numba imports when it compiles."""

    def function(x: np.ndarray) -> float:
        y = np.empty_like(x)
        for k in range(len(x)):
            y[k] = max(x[k] ** 0.5, 1.0) / (k + 1)
        return y.sum()

    numba.njit(function)(np.zeros(2))


def warm() -> None:
    """Load and compile what children need before they are locked in."""
    locks.prepare()
    for name in IMPORTS:
        importlib.import_module(name)
    _seed(0)
    _compile_something()
    digest(np.ones(1))
    describe(ValueError(wire.unpack(wire.pack({"": np.zeros(1)}))))
    gc.collect()
    gc.freeze()  # or the collector would touch, and so copy, all memory in every fork
    locks.use_huge_pages()


def serve(task: Task | None, link: socket.socket, *, memory: int, cpu_seconds: float, locked: bool, user: int | None) -> NoReturn:
    """Be a zygote: prepare what comes first on `link`, say how it went, then fork a child for every message, one at a time."""
    try:
        os.setsid()
        link = _keep_only(link)
        locks.limit(memory=memory, cpu_seconds=cpu_seconds)
        if locked:
            locks.lock(parent=True, user=user)
        locks.die_with_parent()  # now: the kernel forgets it when a process becomes another user
        gc.disable()  # a fifth of the time of compiling
        program, payload = _prepare(task, wire.receive(locks.OUT))
        wire.write_block(locks.OUT, payload)
        locks.unlimit_cpu()
        gc.freeze()
        gc.enable()
        while payload[:1] == ANSWER:
            message, descriptors, _, _ = socket.recv_fds(link, 4096, 2)
            if len(descriptors) != 2:
                break
            requests, answers = descriptors
            pid = os.fork()
            if pid == 0:
                _be_child(task, program, requests, answers, json.loads(message), locked=locked)
            os.close(requests)
            os.close(answers)
            _, status, usage = os.wait4(pid, 0)
            wire.write(locks.OUT, LAST.pack(status, usage.ru_utime + usage.ru_stime))
    finally:
        os._exit(0)


def _keep_only(link: socket.socket) -> socket.socket:
    """Move the link to `locks.OUT`, close all other descriptors, and let the standard ones lead nowhere."""
    os.dup2(link.fileno(), locks.OUT)
    os.dup2(0, 1)
    os.dup2(0, 2)
    os.closerange(locks.OUT + 1, 1 << 16)
    link.detach()
    return socket.socket(fileno=locks.OUT)


def _prepare(task: Task | None, structure: str | None) -> tuple[Any, bytes]:
    cpu, wall = time.process_time(), time.monotonic()
    try:
        program = None if structure is None or task is None else task.prepare(structure)
    except BaseException as error:
        return None, _failure(error)
    seconds = time.process_time() - cpu
    return program, ANSWER + CLOCKS.pack(time.monotonic() - wall, seconds) + wire.pack({})


def _be_child(task: Task | None, program: Any, requests: int, answers: int, order: dict[str, Any], *, locked: bool) -> NoReturn:
    try:
        locks.die_with_parent()
        if answers == _IN:
            answers = os.dup(answers)
        os.dup2(requests, _IN)
        os.dup2(answers, locks.OUT)
        os.closerange(_IN + 1, 1 << 16)
        if order["random"]:
            _seed(0)  # now: after a fork numba asks the kernel for entropy, once
        locks.limit(cpu_seconds=order["cpu_seconds"])
        if locked:
            locks.lock(parent=False)
        worker = Worker()
        while True:
            request = wire.receive(_IN)
            if order["random"] and "seed" in request:
                _seed(request["seed"] % 2**32)
            if request["do"] == "prepare":
                program, payload = _prepare(task, request["structure"])
            else:
                payload = _work(task, program, request, worker)
            wire.write_block(locks.OUT, payload)
    except MemoryError:
        os._exit(NO_MEMORY)
    finally:  # also at the end of the requests
        os._exit(0)


def _seed(seed: int) -> None:
    """Seed all shared generators, so that answers are functions of the seed."""
    random.seed(seed)
    np.random.seed(seed)
    _seed_kernels(seed)


def _work(task: Task | None, program: Any, request: dict[str, Any], worker: Worker) -> bytes:
    cpu, began = time.process_time(), time.monotonic()
    try:
        if request["do"] == "probe":
            answer = {"open": np.array([_holes()])}
        elif request["do"] == "session":
            answer = worker.answer(task, request)
        elif request["do"] == "fingerprint":
            assert task
            answer = {"digest": digest(task.fingerprint(request["source"], request["seed"]))}
        else:
            assert task
            answer = task.run(program, request["constants"], request["instance"], request["horizon"], request["seed"])
        body = wire.pack(answer)
        return ANSWER + CLOCKS.pack(time.monotonic() - began, time.process_time() - cpu) + body
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
            done: Any = attempt()
        except OSError:
            continue
        if done == 0:  # a forked one
            os._exit(0)
        holes += 1
    return holes
