"""The warden: a process with nothing to steal that forks candidates and computes their scores.

It is started by `workbench.discovery.isolation.client` with an environment of its own, has one thread, loads the task and its
instances, compiles all that does not depend on candidates, and then answers jobs, one after the other, over its standard streams.
"""

import os
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from games.errors import GameplanError, UsageError
from workbench.discovery.books.records import INFRA, OK, Job, Limits, Outcome, Trial, failed, rejected
from workbench.discovery.isolation import child, locks, wire
from workbench.discovery.isolation.fingerprint import WORDS
from workbench.discovery.isolation.nursery import Key, Nursery
from workbench.discovery.isolation.session import serve_session
from workbench.discovery.isolation.source import LONGEST, describe, is_inert
from workbench.discovery.isolation.zygote import Died, Reply, Zygote, deadline_after
from workbench.discovery.task import BadAnswer, Task, find_task


class Warden:
    """Runs jobs. `locked` says whether candidates are locked in."""

    def __init__(self, *, locked: bool) -> None:
        self._locked = locked
        self._warm: dict[str, set[str]] = {}
        self._nursery = Nursery(locked=locked)
        self._busy = 0.0  # seconds of this job that would be spent without isolation, too

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
        zygote = Zygote(None, Limits(), locked=True)
        zygote.send(None)
        zygote.receive(deadline)
        reply = zygote.start(cpu_seconds=10.0, random=False).ask({"do": "probe"}, deadline)
        zygote.end()
        if reply.answer is None or reply.answer["open"].tolist() != [0]:
            raise GameplanError(f"the kernel's locks do not hold ({reply.reason or 'a locked process gets out'}); see --sandbox")

    def work(self, do: str, job: Job) -> tuple[Outcome, float]:
        """Return the outcome of a job, and its seconds that isolation is not to blame for."""
        self._busy = 0.0
        with self._clock():
            task = self._warmed(job)
        if len(job.source) > LONGEST:
            reason = f"the program has {len(job.source):,} characters; at most {LONGEST:,} are legal"
            return Outcome(rejected("size"), reason), self._busy
        for _ in range(2):
            with suppress(Died):  # jobs are functions of what they say: do it again
                return (self._examine if do == "examine" else self._measure)(task, job), self._busy
        return Outcome(INFRA, "the process that candidates are forked from dies"), self._busy

    @contextmanager
    def _clock(self) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self._busy += time.monotonic() - began

    def _warmed(self, job: Job) -> Task:
        task = find_task(job.task)
        wanted = {trial.instance for trial in job.trials}
        if job.task not in self._warm:  # at once, for what is loaded later ends the zygotes that do not know it
            wanted |= {*task.train, *([task.hurdle.instance] if task.hurdle else [])}
        new = wanted - self._warm.setdefault(job.task, set())
        if new:
            self._nursery.clear()
            task.warm(sorted(new))
            child.warm()
            self._warm[job.task] |= new
        return task

    def _examine(self, task: Task, job: Job) -> Outcome:
        deadline = deadline_after(job.limits.wall_seconds)
        zygote, _ = self._zygote(task, None, job, deadline)
        if zygote.prepared.status != OK:
            return Outcome(zygote.prepared.status, zygote.prepared.reason)
        one = self._nursery.child(zygote, cpu_seconds=job.limits.cpu_seconds, random=True)
        reply = one.ask({"do": "fingerprint", "source": job.source, "seed": job.seed}, deadline)
        one.close()
        self._busy += reply.wall
        outcome = Outcome(reply.status, reply.reason, seconds=(reply.cpu,))
        if reply.answer is None:
            return outcome
        digits = reply.answer.get("digest", np.zeros(0))
        if digits.dtype != np.int64 or digits.shape != (WORDS,):
            return replace(outcome, status=failed("BadAnswer"), reason="the program has no fingerprint")
        if not digits.any():
            return replace(outcome, status=rejected("nan"), reason="the program computes NaN on the fixed inputs")
        return replace(outcome, fingerprint=digits.tobytes().hex())

    def _measure(self, task: Task, job: Job) -> Outcome:
        deadline = deadline_after(job.limits.wall_seconds)
        with self._clock():
            structure, constants = _split(task, job.source)
        zygote, new = self._zygote(task, structure, job, deadline)
        prepared = zygote.prepared
        if structure is None:
            outcome = Outcome(prepared.status, prepared.reason, compiled=True)
        else:
            seconds = prepared.cpu if new else 0.0
            outcome = Outcome(prepared.status, prepared.reason, compile_seconds=seconds, compiled=new)
        if outcome.status != OK:
            return outcome
        # Compiling counts whenever it was: what becomes of a job does not depend on the jobs before.
        left = job.limits.cpu_seconds - prepared.cpu
        one = None
        for trial in job.trials:
            if one is None:
                one = self._nursery.child(zygote, cpu_seconds=left, random=structure is None or "random" in structure)
            reply = prepared
            if structure is None:  # what it prepares is seen from here, too: how long it took is not its own word
                reply = one.ask({"do": "prepare", "structure": job.source, "seed": job.seed}, deadline)
                outcome = replace(outcome, compile_seconds=outcome.compile_seconds + reply.cpu)
                self._busy += reply.wall
                left -= reply.cpu
            if reply.status == OK:
                reply = one.ask({
                    "do": "run", "constants": constants, "instance": trial.instance, "horizon": trial.horizon, "seed": job.seed,
                }, deadline)  # fmt: skip
                self._busy += reply.wall
                left -= reply.cpu
            outcome = self._score(task, job, trial, reply, outcome)
            if structure is None:  # such a program may keep what it likes in its process: a new one for every trial
                outcome, left = _charged(outcome, left, one.finish())
                one = None
            if outcome.status != OK:
                break
        return outcome if one is None else _charged(outcome, left, one.finish())[0]

    def _score(self, task: Task, job: Job, trial: Trial, reply: Reply, outcome: Outcome) -> Outcome:
        seconds = (*outcome.seconds, reply.cpu)
        if reply.answer is None:
            return replace(outcome, status=reply.status, reason=reply.reason, seconds=seconds)
        try:
            with self._clock():
                value = float(task.score(trial.instance, trial.horizon, job.seed, reply.answer))
        except Exception as error:  # an answer that the task did not think of is no answer either
            reason = str(error) if isinstance(error, BadAnswer) else describe(error)[1]
            return replace(outcome, status=failed(type(error).__name__), reason=reason, seconds=seconds)
        if not np.isfinite(value):
            return replace(outcome, status=failed("BadAnswer"), reason=f"the cost on {trial.instance} is {value}", seconds=seconds)
        outcome = replace(outcome, values=(*outcome.values, value), seconds=seconds)
        if trial.cutoff is not None and value > trial.cutoff:
            status = rejected("hurdle" if trial.purpose == "hurdle" else "early")
            return replace(outcome, status=status, reason=f"{value:.6g} on {trial.instance} is above {trial.cutoff:.6g}")
        return outcome

    def _zygote(self, task: Task, structure: str | None, job: Job, deadline: float) -> tuple[Zygote, bool]:
        """Return a zygote for a structure, which may have failed to prepare it, and whether it is new."""
        found, new = self._nursery.zygote(task, Key(job.task, structure, job.limits), deadline)
        if new:
            self._busy += found.prepared.wall
        return found, new


def _split(task: Task, source: str) -> tuple[str | None, dict[str, float]]:
    """Return structure and constants of what may be compiled ahead of its child; None for what may not."""
    try:
        structure, constants = task.split(source)
    except Exception:  # whatever this is, it is for a locked child to fail on
        return None, {}
    return (structure, constants) if is_inert(structure) else (None, {})


def _charged(outcome: Outcome, left: float, quiet: float) -> tuple[Outcome, float]:
    """Add CPU seconds that a child was quiet about to those of its last trial, and take them from what is left."""
    seconds = outcome.seconds
    return replace(outcome, seconds=(*seconds[:-1], seconds[-1] + quiet)) if seconds else outcome, left - quiet


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
            if message["do"] == "session":
                return serve_session(message, inp, out, locked=locked)
            outcome, busy = warden.work(message["do"], _job(message["job"]))
            wire.send(out, {"outcome": asdict(outcome), "busy": busy})
        except GameplanError as error:
            wire.send(out, {"error": str(error), "usage": isinstance(error, UsageError)})
        except Exception as error:  # a fault of the task or of this package, not of a candidate: say so once, do not try again
            last = traceback.extract_tb(error.__traceback__)[-1]
            what = message["task"] if message["do"] == "session" else message["job"]["task"]
            text = f"task {what} failed: {type(error).__name__}: {error} ({last.filename}, line {last.lineno})"
            wire.send(out, {"error": text, "usage": False})


def _job(fields: dict[str, Any]) -> Job:
    trials = tuple(Trial(**trial) for trial in fields["trials"])
    return Job(**{**fields, "trials": trials, "limits": Limits(**fields["limits"])})
