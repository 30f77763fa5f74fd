"""The warden: a process with nothing to steal that forks candidates and computes their scores.

It is started by `workbench.discovery.isolation.client` with an environment of its own, has one thread, loads the task and its
instances, compiles all that does not depend on candidates, and then answers jobs, one after the other, over its standard streams.
"""

import hashlib
import os
import time
import traceback
from collections import OrderedDict
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from games.errors import GameplanError, UsageError
from workbench.discovery.isolation import child, locks, wire
from workbench.discovery.isolation.source import LONGEST, is_inert
from workbench.discovery.isolation.zygote import Died, Reply, Zygote, deadline_after
from workbench.discovery.records import INFRA, OK, Job, Limits, Outcome, Trial, failed, rejected
from workbench.discovery.task import BadAnswer, Task, find_task

ZYGOTES = 6  # kept alive, for programs that differ in constants only


class Warden:
    """Runs jobs. `locked` says whether candidates are locked in."""

    def __init__(self, *, locked: bool) -> None:
        self._locked = locked
        self._warm: dict[str, set[str]] = {}
        self._zygotes: OrderedDict[tuple[str, str | None, Limits], Zygote] = OrderedDict()
        self._busy = 0.0

    def probe(self) -> None:
        """Make sure that the locks hold.

        Raises
        ------
        GameplanError
            If a locked process can open a file, a socket or start another.
        """
        if not self._locked:
            return
        child.warm()
        deadline = deadline_after(60.0)
        zygote = Zygote(None, None, Limits(), locked=True, deadline=deadline)
        reply = zygote.ask({"do": "probe", "seed": 0, "cpu_seconds": 10.0}, deadline)
        zygote.end()
        if reply.answer is None or reply.answer["open"].tolist() != [0]:
            raise GameplanError(f"the kernel's locks do not hold ({reply.reason or 'a locked process gets out'}); see --sandbox")

    def work(self, do: str, job: Job) -> tuple[Outcome, float]:
        """Return the outcome of a job, and the seconds that were no overhead."""
        began = time.monotonic()
        task = self._warmed(job)
        self._busy = time.monotonic() - began
        outcome = self._examine(task, job) if do == "examine" else self._measure(task, job)
        return outcome, self._busy

    def _warmed(self, job: Job) -> Task:
        task = find_task(job.task)
        new = {trial.instance for trial in job.trials} - self._warm.get(job.task, set())
        if new or job.task not in self._warm:
            for zygote in self._zygotes.values():
                zygote.end()
            self._zygotes.clear()
            task.warm(sorted(new))
            child.warm()
            self._warm.setdefault(job.task, set()).update(new)
        return task

    def _examine(self, task: Task, job: Job) -> Outcome:
        request = {"do": "fingerprint", "source": job.source}
        reply = self._ask(task, None, job, request, job.limits.cpu_seconds, deadline_after(job.limits.wall_seconds))
        seconds = (reply.cpu,)
        if reply.answer is None:
            return Outcome(reply.status, reply.reason, seconds=seconds)
        values = reply.answer.get("fingerprint")
        if values is None or values.dtype != np.float64 or not values.size:
            return Outcome(failed("BadAnswer"), "the program has no fingerprint", seconds=seconds)
        if np.isnan(values).any():
            return Outcome(rejected("nan"), "the program computes NaN on the fixed inputs", seconds=seconds)
        return Outcome(OK, fingerprint=digest(values), seconds=seconds)

    def _measure(self, task: Task, job: Job) -> Outcome:
        deadline = deadline_after(job.limits.wall_seconds)
        if len(job.source) > LONGEST:
            return Outcome(rejected("size"), f"the program has {len(job.source):,} characters; at most {LONGEST:,} are legal")
        structure, constants = _split(task, job.source)
        outcome, prepared = Outcome(OK), None
        if structure is not None:
            outcome, prepared = self._prepare(task, structure, job, deadline)
            if outcome.status != OK:
                return outcome
        spent = prepared.prepared.prepare_cpu if prepared else 0.0  # counted whenever it was: an outcome has no history
        for trial in job.trials:
            request = {
                "do": "run", "structure": None if prepared else job.source, "constants": constants,
                "instance": trial.instance, "horizon": trial.horizon,
            }  # fmt: skip
            left = job.limits.cpu_seconds - spent
            reply = self._ask(task, structure, job, request, left, deadline)
            spent += reply.cpu
            if not prepared:
                outcome = replace(outcome, compile_seconds=outcome.compile_seconds + reply.prepare_cpu, compiled=True)
            outcome = self._score(task, job, trial, reply, outcome)
            if outcome.status != OK:
                break
        return outcome

    def _score(self, task: Task, job: Job, trial: Trial, reply: Reply, outcome: Outcome) -> Outcome:
        seconds = (*outcome.seconds, reply.cpu - reply.prepare_cpu)
        if reply.answer is None:
            return replace(outcome, status=reply.status, reason=reply.reason, seconds=seconds)
        began = time.monotonic()
        try:
            value = float(task.score(trial.instance, trial.horizon, job.seed, reply.answer))
        except BadAnswer as error:
            return replace(outcome, status=failed(type(error).__name__), reason=str(error), seconds=seconds)
        finally:
            self._busy += time.monotonic() - began
        if not np.isfinite(value):
            return replace(outcome, status=failed("BadAnswer"), reason=f"the cost on {trial.instance} is {value}", seconds=seconds)
        outcome = replace(outcome, values=(*outcome.values, value), seconds=seconds)
        if trial.cutoff is not None and value > trial.cutoff:
            status = rejected("hurdle" if trial.purpose == "hurdle" else "early")
            return replace(outcome, status=status, reason=f"{value:.6g} on {trial.instance} is above {trial.cutoff:.6g}")
        return outcome

    def _prepare(self, task: Task, structure: str, job: Job, deadline: float) -> tuple[Outcome, Zygote | None]:
        key = (job.task, structure, job.limits)
        found = self._zygotes.get(key)
        if found is not None and found.alive:
            return Outcome(OK), found
        zygote, reply = self._start(task, key, deadline)
        outcome = Outcome(reply.status, reply.reason, compile_seconds=reply.prepare_cpu, compiled=True)
        return outcome, zygote if reply.status == OK else None

    def _start(self, task: Task, key: tuple[str, str | None, Limits], deadline: float) -> tuple[Zygote, Reply]:
        zygote = Zygote(task, key[1], key[2], locked=self._locked, deadline=deadline)
        self._busy += zygote.prepared.prepare_wall
        if zygote.prepared.status != OK:
            zygote.end()
        else:
            self._zygotes[key] = zygote
            for old in list(self._zygotes)[: max(0, len(self._zygotes) - ZYGOTES)]:
                self._zygotes.pop(old).end()
        return zygote, zygote.prepared

    def _ask(
        self, task: Task, structure: str | None, job: Job, request: dict[str, Any], cpu_seconds: float, deadline: float
    ) -> Reply:
        key = (job.task, structure, job.limits)
        for _ in range(2):
            zygote = self._zygotes.get(key)
            if zygote is None or not zygote.alive:
                zygote, prepared = self._start(task, key, deadline)
                if prepared.status != OK:
                    return prepared
            self._zygotes.move_to_end(key)
            try:
                reply = zygote.ask({**request, "seed": job.seed, "cpu_seconds": cpu_seconds}, deadline)
            except Died:
                continue
            self._busy += reply.prepare_wall + reply.run_wall
            return reply
        return Reply(INFRA, "the process that candidates are forked from dies")


def _split(task: Task, source: str) -> tuple[str | None, dict[str, float]]:
    """Return structure and constants of what may be compiled ahead of its child; None for what may not."""
    try:
        structure, constants = task.split(source)
    except Exception:  # whatever this is, it is for a locked child to fail on
        return None, {}
    return (structure, constants) if is_inert(structure) else (None, {})


def digest(values: np.ndarray) -> str:
    """Return a text that equals that of arrays with the same first five digits."""
    rounded = np.where(np.abs(values) < 1e-12, 0.0, values).ravel()
    return hashlib.sha256(",".join(f"{value:.4e}" for value in rounded.tolist()).encode()).hexdigest()[:32]


def main(*, locked: bool) -> None:
    """Answer jobs until the standard input ends."""
    locks.die_with_parent()
    locks.hide()
    inp, out = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    warden, probed = Warden(locked=locked), False
    while True:
        try:
            message = wire.receive(inp)
        except wire.Gone:
            return
        try:
            if not probed:
                warden.probe()
                probed = True
            outcome, busy = warden.work(message["do"], _job(message["job"]))
            wire.send(out, {"outcome": asdict(outcome), "busy": busy})
        except GameplanError as error:
            wire.send(out, {"error": str(error), "usage": isinstance(error, UsageError)})
        except Exception as error:  # a fault of the task or of this package, not of a candidate: say so once, do not try again
            last = traceback.extract_tb(error.__traceback__)[-1]
            text = f"task {message['job']['task']} failed: {type(error).__name__}: {error} ({last.filename}, line {last.lineno})"
            wire.send(out, {"error": text, "usage": False})


def _job(fields: dict[str, Any]) -> Job:
    trials = tuple(Trial(**trial) for trial in fields["trials"])
    return Job(**{**fields, "trials": trials, "limits": Limits(**fields["limits"])})
