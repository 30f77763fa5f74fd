"""What tests of the operator that asks language models need: a program, replies to it, a view, and a way to propose."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest

from planners.language.stub import StubServer, StubSettings
from planners.language.stub_answers import from_script
from workbench.discovery.operators.language.operator import make
from workbench.discovery.operators.language.prompts import copy_templates
from workbench.discovery.population.view import Member

PROGRAM = """GAIN = 1.5


def learn(R, r, t):
    for k in range(len(R)):
        R[k] = R[k] + r[k]


def play(R, t):
    return R * GAIN
"""
FASTER = PROGRAM.replace("R[k] = R[k] + r[k]", "R[k] = max(R[k] + r[k], 0.0)")


def block(search, replace):
    return f"<<<<<<< SEARCH\n{search}\n=======\n{replace}\n>>>>>>> REPLACE"


EDIT = f"Negative regrets are cut.\n\n```\n{block('        R[k] = R[k] + r[k]', '        R[k] = max(R[k] + r[k], 0.0)')}\n```\n"
CRASH = f"```python\n{PROGRAM.replace('R * GAIN', 'R / 0')}```"
FOREVER = block("    return R * GAIN", "    while True:\n        pass")
TASK = SimpleNamespace(
    name="cfr", measure="exploitability", horizon=1000, train=("kuhn", "leduc"), description="R has the regrets."
)


@dataclass(frozen=True)
class View:
    n: int = 7
    task: object = field(default_factory=lambda: TASK)
    members: tuple = ()
    traces: tuple = ()
    seeds: tuple = ()
    asked: list = field(default_factory=list)

    def parent(self, rng):
        return self.members[int(rng.integers(len(self.members)))]

    def best(self):
        return max(self.members, key=lambda m: m.score)

    def trail(self, operator):
        self.asked.append(operator)
        return self.traces


def member(n=0, score=-2.0, source=PROGRAM, **given):
    values = {"kuhn": 10.0 ** (score - 1), "leduc": 10.0 ** (score + 1)}
    return Member(f"{n:064x}", source, 40 + n, f"structure {n}", n, 0, "seed", values, score, **given)


ONE = View(members=(member(),))


class Log:
    """What the store would keep."""

    def __init__(self):
        self.calls = {}

    def record(self, n, attempt, call):
        self.calls[n, attempt] = dict(call)

    def recall(self, n, attempt):
        return self.calls.get((n, attempt))


@pytest.fixture
def templates(tmp_path, monkeypatch):
    for name in ("BASE_URL", "MODEL", "KEY"):
        monkeypatch.delenv(f"GAMEPLAN_LLM_{name}", raising=False)
    copy_templates(tmp_path / "templates")
    return tmp_path / "templates"


def operator(templates, server=None, log=None, **given):
    log = log or Log()
    url = {"base_url": server.url} if server else {}
    settings = {"model": "stub", "timeout": 20.0, "retries": 3, "backoff": 0.001, **url, **given}
    if "models" in given:
        del settings["model"]
    return make(settings, record=log.record, recall=log.recall, templates=templates)


def propose(made, view=ONE, seed=1):
    return made.propose(view, np.random.default_rng(seed))


def answered(templates, *texts, view=ONE, log=None, **given):
    with StubServer(StubSettings(from_script(texts))) as server:
        return propose(operator(templates, server, log, **given), view)
