"""Which language model an operator asks, by weights or as a bandit; its settings; the stub that edits."""

import json

import numpy as np
import pytest

from games.errors import GameplanError, UsageError
from games.random import stream
from planners.language.stub import StubServer, StubSettings
from planners.language.stub_answers import at_random_edit, from_script
from tests.operator_desk import EDIT, ONE, PROGRAM, View, operator, propose, templates
from workbench.discovery.operators.language.choice import choose
from workbench.discovery.operators.language.edits import read_reply
from workbench.discovery.operators.language.settings import complete, resolve
from workbench.discovery.population.view import Trace


def test_models_are_drawn_by_weight(templates):
    counts = {}
    with (
        StubServer(StubSettings(from_script([EDIT]), model="big")) as big,
        StubServer(StubSettings(from_script([EDIT]), model="small")) as small,
    ):
        models = [{"model": "big", "base_url": big.url, "weight": 3}, {"model": "small", "base_url": small.url, "temperature": 0.1}]
        made = operator(templates, models=models, prices="big=10/20,small=1/2")
        found = [propose(made, seed=k).detail for k in range(40)]
        counts = {"big": big.counts["requests"], "small": small.counts["requests"]}
    assert counts == {name: sum(d["model"] == name for d in found) for name in counts} and 22 <= counts["big"] <= 38
    for detail in found:
        price = {"big": (10, 20), "small": (1, 2)}[detail["model"]]
        assert detail["cost"] == (price[0] * detail["tokens_in"] + price[1] * detail["tokens_out"]) / 1e6
    made.close()


def traces(model, cost, *gains):
    return [
        Trace(
            0,
            {"model": model, "parent_score": 1.0, "cost": cost, "tokens_in": 10, "tokens_out": 1},
            "ok" if gain else "timeout",
            1.0 + gain if gain else None,
        )
        for gain in gains
    ]


def test_the_bandit_prefers_improvements_per_cost(templates):
    models = resolve(
        {"base_url": "http://x/v1", "models": "big=3,small", "prices": "big=10/10,small=1/1", "choice": "bandit"}
    ).models
    rng = np.random.default_rng(0)
    assert [m.weight for m in models] == [3.0, 1.0]
    assert choose(models, traces("big", 1.0, 0.5), 0.5, rng).name == "small"  # untried
    equal = traces("big", 1.0, 0.5, 0) * 20 + traces("small", 0.1, 0.5, 0) * 20
    assert choose(models, equal, 0.5, rng).name == "small"  # as good and cheaper
    better = traces("big", 1.0, *[0.5] * 40) + traces("small", 0.1, *[0.5] * 2, *[0] * 38)
    assert choose(models, better, 0.0, rng).name == "big"
    assert choose(models, better, 2.0, rng).name == "small"  # which is cheap to try again
    dead = traces("big", 1.0, *[0.5, 0] * 20) + traces("small", 0.0, *[0] * 40)
    assert choose(models, dead, 0.1, rng).name == "big"  # no answer is not free
    free = resolve({"base_url": "http://x/v1", "models": "big,small", "choice": "bandit"}).models
    assert choose(free, better, 0.0, rng).name == "big"  # by tokens, which are equal here
    with StubServer(StubSettings(from_script([EDIT]), model="small")) as server:
        asking = operator(templates, server, models="big=3,small", prices="big=10/10,small=1/1", choice="bandit")
        view = View(members=ONE.members, traces=tuple(equal))
        assert propose(asking, view).detail["model"] == "small" and view.asked == ["llm"]


def test_settings_are_completed_and_checked(monkeypatch):
    monkeypatch.setenv("GAMEPLAN_LLM_MODEL", "from-environment")
    monkeypatch.setenv("GAMEPLAN_LLM_BASE_URL", "http://127.0.0.1:1/v1")
    full = complete({"attempts": "2", "prices": "from-environment=1/2"})
    assert full["model"] == "from-environment" and full["base_url"] == "" and full["attempts"] == 2
    assert complete(json.loads(json.dumps(full))) == full and resolve(full).models[0].price == (1.0, 2.0)
    several = complete({"models": "a=2,b"})
    assert complete(several) == several and several["model"] == "" and [m.weight for m in resolve(several).models] == [2.0, 1.0]
    for given, match in [
        ({"modles": "a"}, "did you mean 'models'"),
        ({"models": "a,a"}, "listed twice"),
        ({"models": "a=0"}, "weight 0.0; it must be above 0"),
        ({"models": "a=x"}, "weight=x is not a number"),
        ({"models": [{"weight": 1}]}, "list of tables"),
        ({"models": [{"model": "a", "wieght": 1}]}, "did you mean 'weight'"),
        ({"models": "a", "model": "b"}, "give one of them"),
        ({"choice": "best"}, "weights, bandit"),
        ({"attempts": 0}, "attempts = 0 is out of range"),
        ({"prices": {"a": [1]}}, "two numbers"),
        ({"prices": {"a": "10"}}, "two numbers"),
        ({"prices": {"a": [1, -1]}}, "two numbers"),
        ({"prices": 3}, "must be a table"),
        ({"prices": "a=1/2"}, "none for from-environment"),
        ({"models": "a,b", "prices": "a=1/1,b=0/0", "choice": "bandit"}, "b has none; give it one above 0"),
    ]:
        with pytest.raises(UsageError, match=match):
            resolve(given)


def test_the_stub_edits_the_current_program():
    request = [{"role": "user", "content": f"```python\nx = 9.0\n```\n```python\n{PROGRAM}```"}]
    for k in range(5):
        source = read_reply(at_random_edit(request, stream("x", k)), PROGRAM).source
        changed = float(source.partition("\n")[0].removeprefix("GAIN = "))
        assert 0.75 <= changed <= 3.0 and source.partition("\n")[2] == PROGRAM.partition("\n")[2]
    with pytest.raises(GameplanError, match="no python program"):
        at_random_edit([{"role": "user", "content": "?"}], stream("x"))
