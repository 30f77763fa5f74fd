"""ProAct's evaluation of language models: every turn on record, rates, resumption, and others beside it on the same seeds."""

import json

import pytest
from click.testing import CliRunner

from cli import cli
from games.errors import GameplanError, UsageError
from games.worlds import load_world
from planners.language.stub import StubServer, StubSettings
from planners.language.stub_answers import at_random, at_random_legal
from planners.status import ENDED, GIVEN_UP
from workbench.planning.config import PlanConfig, resolve_plan, resumed_plan
from workbench.planning.protocol import figures, run_protocol, under_protocol
from workbench.planning.run import Conduct
from workbench.runs.directory import EPISODES, TURNS, RunDirectory


def configured(server, protocol="proact", beside="", env="2048-3x3", episodes=3, **params):
    given = {"base_url": server.url, "model": "stub", "timeout": 20.0, "retries": 1, "backoff": 0.001, **params}
    config = PlanConfig(env, "llm", episodes, params={key: str(value) for key, value in given.items()})
    return resolve_plan(under_protocol(config, protocol, beside))


def test_every_turn_is_on_record_and_rates_are_those_of_the_turns(tmp_path):
    run = RunDirectory.create(tmp_path / "run")
    with StubServer(StubSettings(at_random, faults={"text-after": 0.2})) as server:
        record = run_protocol(configured(server, beside="random"), run)
    turns, lines = run.read_lines(TURNS, lambda value, place: None), run.read_lines(EPISODES)
    assert record["env"] == "2048-3x3-proact" and [line["steps"] for line in lines] == [
        sum(turn["episode"] == k for turn in turns) for k in range(3)
    ]
    llm, random = record["protocol"]["players"]
    verdicts = [turn["verdicts"][0] for turn in turns]
    assert llm["format_error_rate"] == llm["strict_format_error_rate"] == verdicts.count("format errors") / len(turns) > 0.1
    assert llm["illegal_rate"] == verdicts.count("illegal") / len(turns) > 0.05 and llm["lenient_format_error_rate"] == 0.0
    assert [turn["reward"] for turn in turns if turn["verdicts"] == ["format errors"]] == [-10.0] * verdicts.count("format errors")
    for turn in turns:
        assert "{'board': '" in turn["shown"] and turn["tokens_out"] > 0 and turn["seconds"] >= 0.0
        named = {"ok": turn["answers"][0].rpartition("move: ")[2], "format errors": "format error"}
        assert turn["named"] == [named.get(turn["verdicts"][0], turn["named"][0])]
    assert llm["mean"] == record["mean"] and sum(llm["max_tiles"].values()) == 3 and not record["language"]["degraded"]
    others = RunDirectory(run.path / "beside" / "random").read_lines(EPISODES)
    assert [line["seed"] for line in others] == [line["seed"] for line in lines] and random["format_error_rate"] == 0.0
    saved = json.loads((run.path / "result.json").read_text())
    assert saved["protocol"] == record["protocol"] and run.read_json("result.json")["digest"] == record["digest"]


def test_a_stopped_run_goes_on_without_asking_twice(tmp_path):
    whole, parts = (RunDirectory.create(tmp_path / name) for name in ("whole", "parts"))
    with StubServer(StubSettings(at_random_legal)) as server:
        run_protocol(configured(server, beside="random"), whole)
        asked = server.counts["requests"]
    with StubServer(StubSettings(at_random_legal)) as server:
        seen = []
        config = configured(server, beside="random")
        stopped = run_protocol(config, parts, Conduct(on_episode=seen.append, stop=lambda: server.counts["requests"] > asked // 2))
        assert stopped["status"] == "interrupted" and len(seen) < 3
        with open(parts.path / TURNS, "a") as turns:
            turns.write('{"episode": 2, "turn": 0, "reward": null, "tokens_in": 1, "tokens_out": 1}\n{"epis')
        run_protocol(resumed_plan(parts, {"params": {"base_url": server.url}}), parts, resume=True)
        assert server.counts["requests"] == asked
    for name in (EPISODES, "beside/random/episodes.jsonl"):
        assert (whole.path / name).read_bytes() == (parts.path / name).read_bytes()

    def without_clock(run):
        return [{**line, "seconds": 0.0} for line in run.read_lines(TURNS, lambda value, place: None)]

    assert without_clock(whole) == without_clock(parts)


def test_an_endpoint_that_fails_aborts_an_episode_and_is_no_format_error(tmp_path):
    run = RunDirectory.create(tmp_path / "run")
    with StubServer(StubSettings(at_random_legal, faults={"http-500": 0.02}, seed=3)) as server:
        record = run_protocol(configured(server, episodes=6, retries=0), run)
    llm = record["protocol"]["players"][0]
    ended = [line for line in run.read_lines(EPISODES) if line["status"] == GIVEN_UP]
    assert 0 < llm["aborted"] == len(ended) < 6 and llm["episodes"] == 6 - len(ended) and llm["format_error_rate"] == 0.0
    failed = [turn for turn in run.read_lines(TURNS, lambda value, place: None) if not turn["verdicts"]]
    assert len(failed) == len(ended) and all(turn["answers"] == ["HTTP 500"] and turn["reward"] is None for turn in failed)


def test_clean_shows_boards_with_line_breaks(tmp_path):
    run = RunDirectory.create(tmp_path / "run")
    with StubServer(StubSettings(at_random_legal)) as server:
        run_protocol(configured(server, "clean", episodes=1), run)
    assert "[    .     " in run.read_lines(TURNS, lambda value, place: None)[0]["shown"].splitlines()[2]


def test_forty_passes_and_errors_over_passes():
    with StubServer(StubSettings(at_random)) as server:
        assert configured(server, episodes=0).episodes == 40
        assert configured(server, env="sokoban-proact", episodes=0).episodes == 240
    lines = [
        {"episode": k, "instance": str(k % 2), "score": float(score), "status": ENDED, "steps": 5, "most_on_goals": score, "solved": score == 2}
        for k, score in enumerate((0, 2, 1, 2, 0, 2))
    ]  # fmt: skip
    world = load_world("sokoban-proact")
    found = figures(world, lines, 3.0)
    assert found["mean"] == pytest.approx(7 / 6) and found["standard_error"] == pytest.approx((1 / 12 / 3) ** 0.5)
    assert found["boxes"] == pytest.approx(7 / 6) and found["solve_rate"] == 0.5 and found["seconds_per_turn"] == 0.1
    assert found["illegal_rate"] is None and figures(world, [], 0.0)["mean"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["2048", "--protocol", "proct"], "did you mean 'proact'"),
        (["2048", "--protocol", "proact", "--planner", "greedy"], "is for --planner llm"),
        (["p1", "--protocol", "proact"], "no prompt for p1"),
        (["2048-2x2", "--protocol", "proact"], "no prompt for 2048-2x2"),
        (["2048", "--protocol", "proact", "--set", "mode=menu"], "sets mode=proact"),
        (["2048", "--protocol", "proact", "--beside", "rndom"], "did you mean 'random'"),
        (["2048", "--protocol", "proact", "--beside", "policy:file=nowhere"], "nowhere"),
        (["2048", "--planner", "greedy", "--beside", "random"], "goes with --protocol"),
    ],
)
def test_mistakes_are_one_clear_line_before_anything_is_asked(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["plan", *arguments])
    text = str(result.exception) if isinstance(result.exception, GameplanError) else result.stderr
    assert result.exit_code != 0 and message in text and not list(tmp_path.iterdir())


def test_a_resumed_run_keeps_its_protocol(tmp_path):
    run = RunDirectory.create(tmp_path / "run")
    with StubServer(StubSettings(at_random_legal)) as server:
        config = configured(server, episodes=1)
        run_protocol(config, run)
        with pytest.raises(UsageError, match="protocol = proact, not clean"):
            resumed_plan(run, {"protocol": "clean", "params": {"base_url": server.url}})
