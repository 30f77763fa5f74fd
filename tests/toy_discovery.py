"""A task of tests, programs of it, and runs of them in this process."""

from concurrent.futures import Executor, Future
from dataclasses import replace

import numpy as np
import pytest

from workbench.discovery.analysis import ablate, scoring
from workbench.discovery.analysis.scoring import stored
from workbench.discovery.books.journal import ENGINE
from workbench.discovery.books.records import OK, Outcome, Proposal, failed
from workbench.discovery.books.store import Evaluation, Step, Store
from workbench.discovery.config import DiscoveryConfig, resolve
from workbench.discovery.scheduling import loop, sifting
from workbench.discovery.session import begin
from workbench.discovery.task import find_task, name_task

# A task of tests: programs move x towards 0, an instance is a starting point, the cost is |x| after so many steps.
TASK = """
import ast
import numpy as np
from workbench.discovery.genome import canonical

class Task:
    name, measure, horizon, hurdle = "toy", "distance", 8, None
    train, held_out = ("1", "2"), ("3",)

    def seeds(self):
        return {"slow": slow}

    def known(self):
        return {"plain": plain, "slow": slow, "late": late}

    def problems(self, source):
        return []

    def canonical(self, source):
        return canonical.canonical(source, ("step",))

    def split(self, source):
        return canonical.split(source)

    def prepare(self, structure):
        space = {}
        exec(structure, space)
        return space["step"]

    def fingerprint(self, source, seed):
        step, constants = self.prepare(self.split(source)[0]), self.split(source)[1]
        return np.array([step(x, t, Params(constants)) for x in (1.0, -2.0) for t in (1, 5, 9)])

    def run(self, program, constants, instance, horizon, seed):
        x = float(instance)
        for t in range(1, horizon + 1):
            x = program(x, t, Params(constants))
        return {"x": np.array([x])}

    def score(self, instance, horizon, seed, answer):
        if not np.isfinite(answer["x"]).all():
            raise ValueError(f"{instance}: not finite")
        return abs(float(answer["x"][0])) + 1e-12

    def warm(self, instances):
        pass

class Params:
    def __init__(self, values):
        self.__dict__.update(values)

plain = "PARAMS = {}\\ndef step(x, t, params):\\n    return 0.5 * x"
slow = "PARAMS = {'rate': 0.9}\\ndef step(x, t, params):\\n    return params.rate * x"
late = "PARAMS = {}\\ndef step(x, t, params):\\n    return 0.2 * x if t <= 8 else 1.5 * x"
TASK = Task()
"""


@pytest.fixture
def task(tmp_path):
    folder = tmp_path / "toy"
    folder.mkdir()
    (folder / "task.py").write_text(TASK)
    name_task(str(folder))
    return find_task(str(folder))


@pytest.fixture
def folder(tmp_path):
    return str(tmp_path / "toy")


def answer(job, *, examine=False):
    """Do what the processes of candidates do, here."""
    task, values = find_task(job.task), []
    structure, constants = task.split(job.source)
    try:
        if examine:
            return Outcome(OK, fingerprint=str(np.round(task.fingerprint(job.source, job.seed), 6)), level="none")
        program = task.prepare(structure)
        for trial in job.trials:
            values.append(
                task.score(
                    trial.instance,
                    trial.horizon,
                    0,
                    task.run(program, constants, trial.instance, trial.horizon, 0),
                )
            )
    except Exception as error:
        return Outcome(failed(type(error).__name__), str(error), values=tuple(values), level="none")
    return Outcome(OK, "", "", tuple(values), (0.0,) * len(values), level="none")


@pytest.fixture
def here(monkeypatch):
    """Run programs in this process, and count."""
    asked = []

    def measure(job):
        asked.append(job)
        return answer(job)

    for module in (scoring, sifting):
        monkeypatch.setattr(module, "measure", measure)
    for module in (ablate, sifting):
        monkeypatch.setattr(module, "examine", lambda job: answer(job, examine=True))
    return asked


class Here(Executor):
    """Runs jobs at once: syntax trees are made in one thread only, as Python 3.11 wants it."""

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@pytest.fixture
def executor():
    return Here()


def discovery(path, folder, task, programs):
    """Return a store as a run leaves it: (source, operator, parents by place) one after the other, all scored."""
    config = DiscoveryConfig(folder, ("slow",), {"random": 1.0}, task.horizon, evals=100)
    name_task(config.task)  # as the command line does
    store = Store.create(path, {**config.__dict__, "seeds": list(config.seeds)})
    made = []
    for n, (source, operator, parents) in enumerate(programs):
        program = stored(task, source)
        made.append(program.id)
        outcome = answer(scoring.Job(folder, program.source, tuple(scoring.Trial(i, task.horizon) for i in task.train)))
        store.add_program(program)
        detail = {"name": "slow"} if operator == "seed" else {"what": "<b>point</b>"}
        store.add_step(
            Step(
                n, program.id, operator, 0, tuple(made[k] for k in parents), detail, outcome.status, outcome.reason, str(n), None, n
            )
        )
        for instance, value in zip(task.train, outcome.values, strict=False):
            store.add_evaluation(Evaluation(program.id, instance, task.horizon, 0, "score", ENGINE, value, OK))
    return store, made


SLOW = "PARAMS = {'rate': 0.9}\ndef step(x, t, params):\n    return params.rate * x"
FAST = "PARAMS = {'rate': 0.1}\ndef step(x, t, params):\n    return params.rate * x"
OVERFIT = "PARAMS = {'rate': 0.1}\ndef step(x, t, params):\n    return (params.rate if t <= 8 else 2.0) * x"
BROKEN = "PARAMS = {}\ndef step(x, t, params):\n    return x / (t - 9.0) / 0.5"  # divides by zero at t = 9


class Says:
    """An operator that proposes given programs in turn, and the last one again and again."""

    name, slow = "says", False

    def __init__(self, *sources):
        self.sources = list(sources)

    def propose(self, view, rng):
        return Proposal(self.sources[min(view.n - len(view.seeds), len(self.sources) - 1)], self.name, (view.seeds[0].id,))


def discover(path, folder, task, executor, seeds, *children):
    """Run a discovery of given programs; return it."""
    config = resolve(DiscoveryConfig(folder, tuple(seeds), {"random": 1.0}, evals=len(children)), seeds)
    store = begin(config, path, seeds)
    run = loop.Discovery(store, replace(config, operators={"says": 1.0}), task, executor, {"says": Says(*children)})
    run.run(stop=lambda: len(run.journal.steps) >= len(seeds) + len(children))
    return run
