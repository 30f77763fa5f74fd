"""What is said about discoveries: costs outside the loop, verification, ablation, comparison, report."""

import json
import re
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from games.errors import UsageError
from tests.toy_discovery import BROKEN, FAST, OVERFIT, SLOW, answer, discovery, executor, folder, here, task
from workbench import engines
from workbench.commands import evolve_analysis
from workbench.discovery.analysis import ablate, ablation_tables, compare, scoring
from workbench.discovery.analysis.lineage import ancestry
from workbench.discovery.analysis.scoring import Scorer, stored, values_at
from workbench.discovery.analysis.verify import expand_instances, notes, verify
from workbench.discovery.books.records import INFRA, OK, Outcome, Proposal
from workbench.discovery.books.store import Step, Store
from workbench.discovery.config import DiscoveryConfig
from workbench.discovery.genome.canonical import split
from workbench.discovery.task import find_task
from workbench.discovery.tasks.cfr.task import TASK as TASK_CFR
from workbench.discovery.tasks.cfr.task import instance_of
from workbench.pages.charts import Series, bars, chart
from workbench.pages.report import discovery_report as report

# what holds up

BY_HEART = "PARAMS = {}\ndef step(x, t, params):\n    return 0.0 if x in (1.0, 2.0) else 0.98 * x"  # the training instances
BY_LENGTH = "PARAMS = {}\ndef step(x, t, params):\n    return 0.0 if t == 8 else 0.98 * x"  # the training horizon
HONEST = "PARAMS = {'rate': 0.4}\ndef step(x, t, params):\n    return params.rate * x"


def test_what_knows_the_training_instances_or_horizon_does_not_hold_up(tmp_path, task, folder, here, executor, monkeypatch):
    monkeypatch.setattr(type(task), "held_out", ())
    monkeypatch.setattr(task, "jittered", lambda instance, number: f"{instance}.{number}", raising=False)
    monkeypatch.setattr(task, "known", lambda: {f"k{r}": SLOW.replace("0.9", f"0.{r}") for r in (3, 5, 7, 9)}, raising=False)
    sources = {"heart": BY_HEART, "length": BY_LENGTH, "honest": HONEST}
    store, made = discovery(tmp_path / "run", folder, task, [(source, "seed", ()) for source in sources.values()])
    found = {}
    for name, program in zip(sources, made, strict=True):
        scorer = Scorer(folder, executor, store=store, fresh=True)
        record = verify(scorer, task, {name: store.program(program)}, horizon=8)
        found[name] = {row["name"]: row["verdict"] for row in record["rows"]}[name]
        assert all(row["verdict"] == "holds up" for row in record["rows"] if row["known"])
        said = " ".join(notes(record))
        assert ("with jittered payoffs" in said) == (name == "heart") and ("at 2," in said) == (name == "length"), said
    assert found == {"heart": "does not hold up", "length": "does not hold up", "honest": "holds up"}


def test_a_score_is_measured_again_when_it_is_verified(tmp_path, task, folder, here, executor):
    store, made = discovery(tmp_path / "run", folder, task, [(SLOW, "seed", ()), (HONEST, "random", (0,))])
    with store.transaction():
        store._do("update evaluation set value = value * 1e-3 where program = ?", (made[1],))
    record = verify(Scorer(folder, executor, store=store, fresh=True), task, {"forged": store.program(made[1])}, horizon=8)
    (row,) = [row for row in record["rows"] if row["name"] == "forged"]
    assert row["verdict"] == "does not hold up" and "measured again" in row["reasons"][0]


def test_those_who_come_later_may_take_so_much_more_than_those_before(tmp_path, task, folder, executor, monkeypatch):
    asked = []

    def timed(job):
        asked.append(job)
        return replace(answer(job), seconds=(10.0,) * len(job.trials))

    monkeypatch.setattr(scoring, "measure", timed)
    scorer = Scorer(folder, executor)
    for source in (SLOW, FAST):
        scorer.costs([stored(task, source)], [("1", 4), ("2", 4)])
    assert [job.limits.cpu_seconds for job in asked] == [900.0, 400.0]


@pytest.mark.parametrize("name", ["kuhn_2p", "kuhn_3p"])
def test_jittered_games_are_the_game_with_other_payoffs(game, name):
    plain, other = game(name), instance_of(TASK_CFR.jittered(name, 1)).game
    assert np.array_equal(plain.tree.count, other.tree.count) and plain.zero_sum == other.zero_sum
    off = np.abs(other.rows.utility - plain.rows.utility) / np.maximum(np.abs(plain.rows.utility), 1e-300)
    assert 1e-5 < off.max() <= 1e-3 * (1 + 1e-9)
    uniform = np.repeat(1.0 / plain.tree.count, plain.tree.count)
    costs = [TASK_CFR.score(place, 1, 0, {"policy": uniform}) for place in (name, TASK_CFR.jittered(name, 1))]
    assert costs[0] != costs[1] and abs(costs[0] - costs[1]) < 2e-3
    assert instance_of(TASK_CFR.jittered(name, 2)).game.rows.utility.tobytes() != other.rows.utility.tobytes()


# costs


def test_costs_go_on_after_a_failure_and_are_kept(tmp_path, task, folder, here, executor):
    store, _ = discovery(tmp_path / "run", folder, task, [(SLOW, "seed", ())])
    programs = [stored(task, BROKEN), stored(task, FAST)]
    places = [("1", 4), ("1", 16), ("2", 4)]
    told = []
    found = Scorer(folder, executor, store=store).costs(programs, places, told.append)
    broken = found[programs[0].id]
    assert broken["1", 4].value is not None and broken["2", 4].value is not None
    assert broken["1", 16].status == "error:ZeroDivisionError"
    assert sorted(told) == sorted(p.id for p in programs)
    count = len(here)
    again = Scorer(folder, executor, store=store).costs(programs, places)
    assert len(here) == count and again == found
    assert {e.purpose for e in store.evaluations() if e.program == programs[1].id} == {"verify"}


def test_a_lost_process_is_tried_again_and_what_depends_on_the_machine_is_not_kept(tmp_path, task, folder, monkeypatch, executor):
    store, _ = discovery(tmp_path / "run", folder, task, [(SLOW, "seed", ())])
    replies = iter([Outcome(INFRA, "lost"), Outcome("timeout", "too slow"), Outcome(OK, values=(0.5,))])
    monkeypatch.setattr(scoring, "measure", lambda job: next(replies))
    found = Scorer(folder, executor, store=store).costs([stored(task, FAST)], [("1", 4), ("2", 4)])[stored(task, FAST).id]
    assert found["1", 4].status == "timeout" and found["2", 4].value == 0.5
    assert values_at(found, ["1", "2"], 4) is None
    assert {e.status for e in store.evaluations()} == {OK}


# verify


def test_verify_flags_what_drops_off_the_training_horizon(tmp_path, task, folder, here, executor):
    store, _ = discovery(tmp_path / "run", folder, task, [(SLOW, "seed", ())])
    programs = {"fast": stored(task, FAST), "overfit": stored(task, OVERFIT)}
    record = verify(Scorer(folder, executor, store=store), task, programs, horizon=8)
    rows = {row["name"]: row for row in record["rows"]}
    assert record["horizons"] == [2, 8, 32] and set(rows) == {"plain", "slow", "late", "fast", "overfit"}
    assert not rows["fast"]["flags"] and not rows["plain"]["flags"]
    assert rows["overfit"]["places"]["train"] == {"2": 1, "8": 1, "32": 4}
    assert any("falls to 4 on training instances at 32" in flag for flag in rows["overfit"]["flags"])
    assert any("falls to 4 on held-out instances at 32" in flag for flag in rows["overfit"]["flags"])
    assert rows["late"]["flags"]
    values = {i: rows["plain"]["values"][i]["8"] for i in ("1", "2")}
    assert rows["plain"]["average"]["train"]["8"] == pytest.approx(-sum(values.values()) / 2)
    assert rows["plain"]["log"]["train"]["8"] == pytest.approx(-np.mean(np.log10(list(values.values()))))
    assert store.looks()[0]["instances"] == ["3"] and store.looks()[0]["horizons"] == [2, 8, 32]
    json.dumps(record)


def test_instances_are_named_alone_or_by_group(task):
    assert expand_instances(task, ["held-out", "1", "3"]) == ["3", "1"]
    with pytest.raises(UsageError, match="unknown instance '4'"):
        expand_instances(task, ["4"])
    assert len(expand_instances(find_task("cfr"), ["paper11", "kuhn_2p"])) == 11
    with pytest.raises(UsageError):
        expand_instances(find_task("cfr"), ["kuhm_2p"])


# ablate

PADDED = """
PARAMS = {"rate": 0.1, "drift": 0.0001, "unused": 3.0}
def step(x, t, params):
    y = params.rate * x
    z = 0.0 * params.unused
    if t > 3:
        y = y + params.drift * x
    return y + z
"""


def test_ablation_distils(task, folder, here, executor):
    record = ablate.Ablation(Scorer(folder, executor), task, 8, task.held_out).run("padded", PADDED, every=True, known=True)
    distilled = record["distilled"]
    assert not record["failed"] and distilled["size"] < record["base"]["size"]
    assert "unused" not in distilled["source"] and "drift" not in distilled["source"]
    assert distilled["train"] >= record["base"]["train"] - 0.1
    for key, name in (("front", "train"), ("front_held_out", "held_out")):
        sizes, scores = zip(*((row["size"], row[name]) for row in record[key]), strict=True)
        assert list(sizes) == sorted(set(sizes)) and list(scores) == sorted(scores)
    worst = record["singles"][0]
    assert worst["loss"] is None or worst["loss"] > 1.0
    assert all(row["held_out"] is not None for row in record["singles"] if row["train"] is not None)
    assert {row["name"] for row in record["known"]} == {"plain", "slow", "late"}
    page = ablation_tables.markdown(record)
    assert "## Distilled" in page and distilled["source"].strip() in page
    json.dumps(record)


def test_ablation_says_why_there_is_no_score(task, folder, here, executor):
    record = ablate.Ablation(Scorer(folder, executor), task, 16, ()).run("broken", BROKEN)
    assert "ZeroDivisionError" in record["failed"]


# lineage, report


def test_ancestry_goes_back_to_the_seeds(tmp_path, task, folder):
    store, made = discovery(
        tmp_path / "run", folder, task, [(SLOW, "seed", ()), (FAST, "random", (0,)), (OVERFIT, "crossover", (1, 0))]
    )
    entries = ancestry(store, made[2])
    assert [(e["program"], e["generation"]) for e in entries] == [(made[2], 0), (made[1], 1), (made[0], 1)]
    assert "+PARAMS = {'rate': 0.1}" in entries[1]["diff"] and entries[2]["diff"] == ""


def test_report_is_one_page_and_escapes_what_candidates_say(tmp_path, task, folder, here, executor):
    evil = "PARAMS = {}\ndef step(x, t, params):\n    '<script>alert(1)</script>'\n    y = '<img src=x>'\n    return 0.05 * x if y else x"
    store, made = discovery(tmp_path / "run", folder, task, [(SLOW, "seed", ()), (evil, "<i>op</i>", (0,))])
    reason = "</pre><script>alert(2)</script>"
    store.add_step(Step(2, None, "random", 0, (), {}, "error:<b>", reason, "", None, 1))
    record = verify(Scorer(folder, executor, store=store), task, {made[1]: store.program(made[1])}, horizon=8)
    store.set("verify", record)
    store.set("references", {"plain": {"1": 0.1, "2": 0.2}, "<u>": {"1": 0.3, "2": 0.2}})
    page = report(store)
    for text in ("<script>alert", "<img", "<i>op", "<u>", "<b>point", "error:<b>", "</pre><script>"):
        assert text not in page, text
    assert "&lt;img src=x&gt;" in page and "&lt;script&gt;alert(2)" in page
    assert page.count("<svg") == 4 and not re.search("(src|href)=.?http", page)
    assert page.count("<script") == 3  # two of data, and the page's own
    assert "held-out 32" in page and "1 look at held-out instances" in page


def test_a_report_of_a_run_without_scores_is_written(tmp_path, task, folder):
    store, _ = discovery(tmp_path / "run", folder, task, [])
    assert "No published program" in report(store)


def test_charts_of_nothing_and_of_one_point():
    assert chart([], x_label="x", y_label="y") == "" and bars([]) == ""
    assert "<svg" in chart([Series("a", [(1.0, 2.0)]), Series("b", [(1.0, 2.0)], "level")], x_label="x", y_label="y")
    assert "<svg" in chart([Series("a", [(1.0, 0.0), (3.0, 1e-9)])], x_label="x", y_label="y", log_y=True)


# compare


class Halver:
    """Multiplies the rate of the best program by `factor`."""

    slow = False

    def __init__(self, name, factor):
        self.name, self.factor = name, factor

    def propose(self, view, rng):
        best = view.best()
        rate = split(best.source)[1].get("rate", 0.5)
        rate = max(1e-6, rate * (self.factor + 0.1 * rng.random()))
        return Proposal(f"PARAMS = {{'rate': {rate}}}\ndef step(x, t, params):\n    return params.rate * x", self.name, (best.id,))


def test_comparison_resumes_and_ranks(tmp_path, task, folder, here, executor, monkeypatch):
    factors = {"random": 0.9, "iid": 0.5}
    monkeypatch.setattr(
        compare, "open_operators", lambda store, config: {name: Halver(name, factors[name]) for name in config.operators}
    )
    chosen = compare.contenders(DiscoveryConfig(folder, evals=12), ["random", "iid"])
    told = []
    record = compare.run_comparison(chosen, 2, tmp_path / "out", executor, tell=lambda *what: told.append(what))
    assert record["checkpoints"] == [10, 12] and len(record["runs"]) == 4 and told
    at = {row["label"]: row["at"]["12"]["log"]["median"] for row in record["rows"]}
    assert at["iid"] > at["random"]
    assert {row["label"]: row["reached"]["plain"] for row in record["rows"]}["iid"] == 2
    count = len(here)
    again = compare.run_comparison(chosen, 2, tmp_path / "out", executor)
    assert len(here) == count and again["rows"] == record["rows"]
    compare.write(record, tmp_path / "out")
    compare.draw(record, tmp_path / "out" / "figure.svg")
    assert "(plain)" in (tmp_path / "out" / "table.md").read_text() and (tmp_path / "out" / "figure.svg").stat().st_size > 1000
    other = compare.contenders(DiscoveryConfig(folder, evals=13), ["random", "iid"])
    with pytest.raises(UsageError, match="another configuration"):
        compare.run_comparison(other, 1, tmp_path / "out", executor)


def test_comparison_needs_equal_evaluations(folder, task):
    with pytest.raises(UsageError, match="budget-evals"):
        compare.contenders(DiscoveryConfig(folder, evals=None, wall_seconds=5.0), ["random"])


# the command line


def test_commands(tmp_path, task, folder, here, executor, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(engines, "open_engine", lambda *given: nullcontext(executor))
    store, made = discovery(tmp_path / "run", folder, task, [(SLOW, "seed", ()), (FAST, "random", (0,)), (OVERFIT, "random", (1,))])
    store.close()
    run, cli = str(tmp_path / "run"), CliRunner()

    def invoke(command, *arguments):
        result = cli.invoke(command, list(arguments), standalone_mode=False)
        assert result.exception is None, result.exception
        assert result.return_value == 0
        return result.stdout

    found = json.loads(invoke(evolve_analysis.verify, run, "--best", "1", "--horizons", "8,16", "--json"))
    assert found["horizons"] == [8, 16] and sum(not row["known"] for row in found["rows"]) == 1
    assert "held-out 16" in invoke(evolve_analysis.verify, run, made[2][:6], "--horizons", "8,16")
    page, rule = tmp_path / "page.md", tmp_path / "rule.py"
    text = invoke(evolve_analysis.ablate, run, made[2], "--out", str(page), "--save", str(rule))
    assert text.index("nothing") < text.index("taken out alone")
    assert "distilled" in text and page.exists() and "def step" in rule.read_text()
    assert Store.open(tmp_path / "run").get("ablate")["program"] == made[2]
    assert (
        json.loads(invoke(evolve_analysis.ablate, "slow", "--task", folder, "--no-held-out", "--json"))["base"]["held_out"] is None
    )
    assert Path(invoke(evolve_analysis.report, run).strip()).read_text().count("What matters in") == 1
    with pytest.raises(UsageError, match="did you mean 'slow'"):
        cli.invoke(evolve_analysis.ablate, ["slwo", "--task", folder], standalone_mode=False, catch_exceptions=False)
