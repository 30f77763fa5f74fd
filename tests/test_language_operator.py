"""Programs proposed by a language model: edits, prompts, choice of models, accounting, failures of the endpoint, replay."""

import json
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from games.errors import GameplanError, UsageError
from planners.language.stub import StubServer, StubSettings
from planners.language.stub_answers import at_random_edit, from_script
from tests.operator_desk import (
    CRASH,
    EDIT,
    FASTER,
    FOREVER,
    ONE,
    PROGRAM,
    TASK,
    Log,
    View,
    answered,
    block,
    member,
    operator,
    propose,
    templates,
)
from workbench.discovery.books.store import Store
from workbench.discovery.operators.language.accounting import Spent, account, spent
from workbench.discovery.operators.language.edits import Refused, read_reply
from workbench.discovery.operators.language.operator import make
from workbench.discovery.operators.language.prompts import SHIPPED, copy_templates, load_prompts
from workbench.discovery.operators.language.settings import complete


def test_an_edit_a_whole_file_and_programs_that_go_wrong_are_passed_on(templates):
    good = answered(templates, EDIT)
    assert (good.source, good.operator, good.parents, good.status) == (FASTER, "llm", (member().id,), "ok")
    assert good.detail["blocks"] == 1 and good.detail["model"] == "stub" and good.detail["attempts"] == 1
    whole = answered(templates, f"All of it:\n```python\n{FASTER}```\nDone.")
    assert whole.source == FASTER and whole.detail["blocks"] == 0
    assert "R / 0" in answered(templates, CRASH).source
    assert "while True:\n        pass\n" in answered(templates, FOREVER).source
    json.dumps(good.detail)


@pytest.mark.parametrize(
    ("reply", "status", "reason"),
    [
        (block("        R[k] += r[k]", "x"), "rejected:edit", r"block 1: .*no line reads '        R\[k\] \+= r\[k\]'; the nearest, line 6,"),
        (block("def play(R, t):\n    for k in range(len(R)):", "x"), "rejected:edit", "not in this order"),
        (block("R[k] = R[k] + r[k]", "x"), "rejected:edit", "the nearest, line 6, reads '        R"),  # without its indentation
        (block("", "x"), "rejected:edit", "block 1: its SEARCH part is empty"),
        (block("\n", "x"), "rejected:edit", "is empty"),
        (EDIT + block("", "a"), "rejected:edit", "block 2"),
        (EDIT + EDIT, "rejected:edit", "block 2: .* not found"),  # in order: the first has changed the line
        ("<<<<<<< SEARCH\nGAIN = 1.5\n", "rejected:edit", "breaks off"),
        ("<<<<<<< SEARCH\nGAIN = 1.5\n>>>>>>> REPLACE\n", "rejected:edit", "'=======' must come first"),
        ("<<<<<<< SEARCH\nGAIN = 1.5\n=======\nGAIN = 2\n<<<<<<< SEARCH\n", "rejected:edit", "'>>>>>>> REPLACE' must come first"),
        ("", "rejected:reply", "it is empty"),
        ("I am sorry.", "rejected:reply", "it begins 'I am sorry.'"),
        ("```python\nx = 1\n```\n```python\ny = 1\n```", "rejected:reply", "2 fenced python blocks"),
        ("```python\nx = 1\n", "rejected:reply", "breaks off"),
        ("```python\n```", "rejected:reply", "no fenced python block"),
        ("```json\n{}\n```", "rejected:reply", "no fenced python block"),
    ],
)  # fmt: skip
def test_a_reply_without_a_program_says_why(templates, reply, status, reason):
    made = answered(templates, reply or "<think>nothing comes to mind</think>")
    assert (made.source, made.status) == ("", status)
    assert made.parents and made.detail["tokens_out"] > 0
    with pytest.raises(Refused, match=reason):
        read_reply(reply, PROGRAM)


def test_search_text_must_be_unique():
    twice = PROGRAM + "\n\nGAIN = 1.5\n"
    with pytest.raises(Refused, match=r"found 2 times, at lines 1, 13; add lines") as caught:
        read_reply(block("GAIN = 1.5", "GAIN = 2.0"), twice)
    assert caught.value.status == "rejected:edit"
    with pytest.raises(Refused, match="found 2 times"):  # overlapping places are two
        read_reply(block("a\na", "b"), "a\na\na\n")
    assert (
        read_reply(block("def play(R, t):\n    return R * GAIN", "def play(R, t):\n    return R"), twice).source.count("GAIN") == 2
    )


def test_edits_are_read_as_models_write_them():
    blocks = block("GAIN = 1.5", "GAIN = 2.0\nLOSS = 1.0") + "\n" + block("    return R * GAIN", "    return R * GAIN * LOSS")
    edited = read_reply(blocks.replace("\n", "\r\n"), PROGRAM)
    assert edited.blocks == 2 and edited.source == PROGRAM.replace("1.5", "2.0\nLOSS = 1.0").replace("R * GAIN", "R * GAIN * LOSS")
    assert read_reply(f"<think>{block('GAIN', 'x')}</think>{EDIT}", PROGRAM).source == FASTER  # thoughts do not count
    assert read_reply(EDIT.replace("+ r[k]\n=", "+ r[k]  \n="), PROGRAM).source == FASTER  # nor spaces at the end of a line
    deleted = "<<<<<<< SEARCH\nGAIN = 1.5\n=======\n>>>>>>> REPLACE"
    assert read_reply(deleted, PROGRAM).source == PROGRAM.removeprefix("GAIN = 1.5\n")
    assert read_reply(f"```\n{FASTER}```", PROGRAM).source == FASTER
    assert read_reply(f"```\nnote\n```\n```py\n{FASTER}```", PROGRAM).source == FASTER


def test_a_refused_reply_is_told_why_and_asked_again(templates):
    seen, log = [], Log()
    scripted = from_script([block("GAIN = 7", ""), EDIT])

    def respond(request, rng):
        seen.append(request)
        return scripted(request, rng)

    with StubServer(StubSettings(respond)) as server:
        made = propose(operator(templates, server, log, attempts=2))
        assert made.source == FASTER and made.detail["attempts"] == 2
    assert [m["role"] for m in seen[1]] == ["system", "user", "assistant", "user"] and seen[1][:2] == seen[0]
    assert "no line reads 'GAIN = 7'" in seen[1][3]["content"]
    assert list(log.calls) == [(7, 0), (7, 1)]
    assert made.detail["tokens_in"] == sum(call["tokens_in"] for call in log.calls.values())
    assert answered(templates, "no", attempts=3).detail["attempts"] == 3


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("http-429", "HTTP 429"),
        ("http-500", "HTTP 500"),
        ("delay", "time-out"),
        ("truncated-json", "malformed answer"),
        ("dropped", "dropped connection"),
    ],
)
def test_a_question_without_an_answer_is_a_failed_proposal(templates, fault, why):
    log = Log()
    with StubServer(StubSettings(from_script([EDIT]), faults={fault: 1.0}, delay=0.5)) as server:
        made = propose(operator(templates, server, log, retries=1, timeout=0.1 if fault == "delay" else 20.0))
    assert (made.source, made.status, made.reason) == ("", "error:endpoint", f"no answer from stub: {why}")
    assert server.counts[fault] == 2
    assert log.calls[7, 0]["status"] == f"error:{why}" and log.calls[7, 0]["cost"] == 0.0
    assert account(log.calls.values())["stub"]["failures"] == {why: 1} and spent(log.calls.values()).calls == 1


@pytest.mark.parametrize("fault", ["http-429", "truncated-json", "dropped"])
def test_retries_mend_what_passes(templates, fault):
    with StubServer(StubSettings(from_script([EDIT]), faults={fault: 0.6})) as server:
        made = operator(templates, server, retries=20, backoff=0.0001)
        assert [propose(made, View(n=n, members=ONE.members), n).source for n in range(8)] == [FASTER] * 8
    assert server.counts[fault] == server.counts["requests"] - 8 > 0


def test_what_asking_again_cannot_mend_stops_the_run(templates, monkeypatch):
    with StubServer(StubSettings(from_script([EDIT]))) as server:
        with pytest.raises(GameplanError, match=r"refuses \(HTTP 404.*'other' does not exist"):
            propose(operator(templates, server, model="other"))
        url = server.url
    with pytest.raises(GameplanError, match=f"nobody answers at {url}"):
        propose(operator(templates, base_url=url))
    with pytest.raises(UsageError, match="no language model: set base_url"):
        operator(templates)
    with pytest.raises(UsageError, match="no language model is named"):
        operator(templates, base_url=url, model="")


def test_a_question_that_the_server_refuses_costs_one_step(templates):
    def respond(request, rng):
        raise GameplanError("the prompt is too long")  # which the stub answers with HTTP 400

    log = Log()
    with StubServer(StubSettings(respond)) as server:
        made = operator(templates, server, log)
        assert propose(made).reason == "no answer from stub: refused (HTTP 400: the prompt is too long)"
        assert server.counts["requests"] == 0 and account(log.calls.values())["stub"]["failures"] == {"refused": 1}
        for n in range(10, 18):
            propose(made, View(n=n, members=ONE.members))
        with pytest.raises(GameplanError, match="10 questions in a row"):
            propose(made, View(n=18, members=ONE.members))


def family():
    sources = [PROGRAM.replace("1.5", f"{k}.5") for k in range(1, 9)]
    failures = ("ZeroDivisionError: division by zero\n in play", "time-out", "time-out")
    return tuple(member(k, -3.0 + 0.25 * k, source, failures=failures) for k, source in enumerate(sources))


def prompts_of(templates, seeds, view, **given):
    seen = []

    def respond(request, rng):
        seen.append([m["content"] for m in request])
        return at_random_edit(request, rng)

    with StubServer(StubSettings(respond)) as server:
        made = operator(templates, server, **given)
        return seen, [propose(made, view, seed) for seed in seeds]


def test_equal_generators_give_equal_prompts_and_programs(templates):
    view = View(members=family())
    prompts, made = prompts_of(templates, [1, 2, 1], view)
    assert prompts[0] == prompts[2] != prompts[1]
    again, remade = prompts_of(templates, [1, 2], view)
    assert again == prompts[:2] and remade == made[:2]
    assert made[0].source != made[1].source and "GAIN = " in made[0].source


def test_threads_may_share_an_operator(templates):
    views = [View(n=n, members=family()) for n in range(24)]
    with StubServer(StubSettings(at_random_edit, faults={"http-429": 0.2})) as server:
        log = Log()
        made = operator(templates, server, log, retries=20)
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(lambda view: propose(made, view, view.n), views))
    with StubServer(StubSettings(at_random_edit)) as server:
        alone = [propose(operator(templates, server), view, view.n) for view in views]
    assert {p.status for p in alone} == {p.status for p in together} == {"ok"} and len(log.calls) == 24
    assert [p.detail for p in together] == [p.detail for p in alone]


def test_a_prompt_has_everything_a_model_needs(templates):
    view = View(members=family())
    prompts, made = prompts_of(templates, range(12), view, examples=2, diverse=1)
    for (system, user), proposal in zip(prompts, made, strict=True):
        parent = next(m for m in view.members if m.id == proposal.parents[0])
        assert "exploitability" in system
        assert "CFR update rules" in user and "R has the regrets." in user and "kuhn, leduc" in user and "1000" in user
        assert f"```python\n{parent.source.strip()}\n```" in user
        assert f"- leduc: {parent.values['leduc']:.4g} (best so far: 0.01)" in user
        assert user.count("- time-out") == 1 and user.index("ZeroDivisionError: division by zero in play") < user.index(
            "- time-out"
        )
        assert "<<<<<<< SEARCH" in user and "$" not in user
        shown = [next(m for m in view.members if m.id == id) for id in proposal.detail["examples"]]
        assert len(shown) == 3 and parent not in shown and [m.score for m in shown] == sorted(m.score for m in shown)
        assert {m.n for m in shown[1:]} == set(sorted({7, 6, 5} - {parent.n})[-2:])
        for text in proposal.detail["slots"].values():
            assert text in user
    assert len({json.dumps(p.detail["slots"]) for p in made}) > 8


def test_headings_over_nothing_are_left_out(templates):
    prompts, _ = prompts_of(templates, [0], ONE)
    assert "Other programs" not in prompts[0][1] and "ended like this" not in prompts[0][1]
    bare = View(members=ONE.members, task=SimpleNamespace(**{**vars(TASK), "name": "mine"}))
    del bare.task.description
    assert "What is improved: mine\n\nThe exploitability" in prompts_of(templates, [0], bare)[0][0][1]


def test_templates_are_a_user_s_files(templates):
    (templates / "focus.txt").write_text("Think of $5 and {braces}.\n")
    (templates / "system.txt").write_text("Costs $$ 3.\n\n$task")
    prompts, made = prompts_of(templates, [0], ONE)
    assert prompts[0][0] == "Costs $ 3.\n\nCFR update rules" and made[0].detail["slots"]["focus"] in prompts[0][1]
    copy_templates(templates)  # which a resumed run does again
    assert load_prompts(templates).draw(np.random.default_rng(0))["focus"] == "Think of $5 and {braces}."
    for name, text, match in [
        ("user.txt", "$progam", r"unknown placeholder \$progam \(did you mean 'program'\?\)"),
        ("user.txt", "$program costs 5$", r"\$ without a name"),
        ("user.txt", "$scores", r"does not show \$program"),
        ("retry.txt", " ", "is empty"),
        ("nudge.txt", "# nothing", "no line to draw"),
    ]:
        (templates / name).write_text(text)
        with pytest.raises(UsageError, match=match):
            load_prompts(templates)
        (templates / name).write_text((SHIPPED / name).read_text())
    (templates / "user.txt").unlink()
    with pytest.raises(UsageError, match=r"prompt template .*user.txt: No such file .* copy it from"):
        load_prompts(templates)


def test_a_replayed_run_asks_nothing_and_proposes_the_same(templates, tmp_path):
    store = Store.create(tmp_path / "run", {})
    view = View(members=family())
    kept = {}

    def record(n, attempt, call):
        store.add_call(n, attempt, call)

    def recall(n, attempt):
        return next((c for c in store.calls() if (c["n"], c["attempt"]) == (n, attempt)), None)

    settings = {"model": "stub", "retries": 0, "timeout": 20.0, "prices": {"stub": [2.0, 8.0]}}
    with StubServer(StubSettings(at_random_edit, faults={"dropped": 0.2, "missing-usage": 0.3, "empty": 0.2}, seed=4)) as server:
        made = make({**settings, "base_url": server.url}, record=record, recall=recall, templates=templates)
        for n in range(12):
            kept[n] = propose(made, View(n=n, members=view.members), n)
    assert {p.status for p in kept.values()} == {"ok", "error:endpoint", "rejected:reply"}
    rows = store.calls()
    assert {row["status"] for row in rows} >= {"ok", "ok:estimated", "error:dropped connection"}
    again = make({**settings, "base_url": server.url}, record=None, recall=recall, templates=templates)  # whose server is gone
    assert {n: propose(again, View(n=n, members=view.members), n) for n in range(12)} == kept
    assert store.calls() == rows
    assert spent(rows) == Spent(
        12, sum(r["tokens_in"] + r["tokens_out"] for r in rows), pytest.approx(sum(p.detail["cost"] for p in kept.values()))
    )
    assert all(row["cost"] == (2 * row["tokens_in"] + 8 * row["tokens_out"]) / 1e6 for row in rows)
    (templates / "system.txt").write_text("Another question.")
    with pytest.raises(GameplanError, match="nobody answers"):  # so the recorded answer is not its own
        propose(
            make({**settings, "base_url": server.url}, record=record, recall=recall, templates=templates),
            View(n=0, members=view.members),
            0,
        )
    store.close()


def test_recordings_serve_another_run(templates, tmp_path):
    cache = {"cache": str(tmp_path / "answers")}
    with StubServer(StubSettings(at_random_edit)) as server:
        first, second = Log(), Log()
        made = propose(operator(templates, server, first, **cache))
    assert propose(operator(templates, None, second, replay=True, **cache)) == made
    assert first.calls == second.calls
    with pytest.raises(GameplanError, match="holds no answer"):
        propose(operator(templates, None, replay=True, **cache), seed=2)


def test_what_a_database_cannot_hold_is_taken_out(templates, tmp_path):
    store = Store.create(tmp_path / "run", {})
    with StubServer(StubSettings(from_script([EDIT + "\0\ud800"]))) as server:
        made = make(
            {"model": "stub", "base_url": server.url}, record=store.add_call, recall=lambda n, attempt: None, templates=templates
        )
        assert propose(made).source == FASTER
    assert store.calls()[0]["reply"].startswith(EDIT)
    store.close()


def test_the_key_is_not_kept(templates, monkeypatch):
    monkeypatch.setenv("GAMEPLAN_LLM_KEY", "sk-very-secret")
    log = Log()
    made = answered(templates, EDIT, log=log)
    assert "secret" not in json.dumps([made.detail, *log.calls.values(), complete({"model": "m"})])
