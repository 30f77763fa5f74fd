"""Play with language models behind an endpoint, and FLARE with parts that ask one; against the stub server."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from games.errors import GameplanError, UsageError
from games.worlds import load_world
from planners.budget import COUNTERS, FALLBACKS, QUESTIONS, Budget, new_cost
from planners.catalogue import find_planner
from planners.episode import play
from planners.evaluator import new_batch, new_trajectory
from planners.language import parts
from planners.language.boards import find_board
from planners.language.prompts import BOARD, PROMPTS, PUSHES, WALKS
from planners.language.report import language_record
from planners.language.speech import Speech
from planners.language.stub import StubServer, StubSettings
from planners.language.stub_answers import at_random, at_random_legal, from_planner
from planners.status import CUT, GIVEN_UP

QUESTION = [{"role": "system", "content": "You play 2048."}, {"role": "user", "content": "Where to?"}]
WORDS = WALKS + PUSHES


def played(world, server, episodes=1, steps=None, **params):
    """Return the episodes that the planner llm plays, asking `server`, or nobody if it is None."""
    given = {"model": "stub", "timeout": 20.0, "retries": 1, "backoff": 0.001, **params}  # the stub may compile first
    planner = find_planner("llm", given if server is None else {"base_url": server.url, **given})
    made = load_world(world)
    return [play(made.instance(k), planner, Budget(), seed=k, steps=steps) for k in range(episodes)], made


def outcomes(episodes, world):
    return [world.outcome(e.instance, e.states, e.actions, e.rewards) for e in episodes]


def test_random_answers_play_like_random_play():
    with StubServer(StubSettings(at_random)) as server:
        episodes, world = played("2048-3x3-proact", server, 20)
    scores = [outcome["score"] for outcome in outcomes(episodes, world)]
    assert abs(sum(scores) / 20 - 177.1) < 3 * 96 / 20**0.5  # mean and deviation of uniform play, illegal moves included
    assert sum(e.report["format_errors"] for e in episodes) == 0
    assert sum(e.cost[QUESTIONS] for e in episodes) == sum(len(e.actions) for e in episodes) == server.counts["requests"]
    assert sum(e.report["illegal"] for e in episodes) == sum(outcome["illegal"] for outcome in outcomes(episodes, world)) > 0


@pytest.mark.parametrize(
    ("fault", "strict", "lenient"),
    [
        ("text-after", True, False),
        ("missing-label", True, False),
        ("illegal-word", True, True),
        ("empty", True, True),
        ("wrong-case", False, False),
        ("missing-usage", False, False),
    ],
)
def test_format_errors_are_exactly_the_faults(fault, strict, lenient):
    with StubServer(StubSettings(at_random_legal, faults={fault: 0.3})) as server:
        ((episode,), world) = played("2048-proact", server, steps=60)
    shown = server.counts[fault]
    assert 5 < shown < 40 and len(episode.actions) == 60
    (outcome,) = outcomes([episode], world)
    assert outcome["format_errors"] == episode.report["format_errors"] == episode.cost[FALLBACKS] == shown * strict
    assert outcome["illegal"] == 0
    assert episode.report["lenient_format_errors"] == shown * lenient
    assert episode.report["estimated"] == shown * (fault == "missing-usage")
    record = language_record([dict(zip(COUNTERS, episode.cost, strict=True))], [episode.report])
    assert record["degraded"] == strict and record["share"] == shown * strict / 60


def test_a_lenient_parser_plays_on_where_the_strict_one_errs():
    with StubServer(StubSettings(at_random_legal, faults={"text-after": 1.0})) as server:
        ((strict,), _) = played("2048-proact", server, steps=15)
        ((lenient,), _) = played("2048-proact", server, steps=15, parser="lenient")
    assert strict.actions == [4] * 10 and strict.rewards == [-10.0] * 10  # ten turns without a change end the game
    assert 4 not in lenient.actions and lenient.status == CUT and lenient.report["strict_format_errors"] == 15


def test_an_endpoint_failure_gives_the_episode_up_or_is_a_counted_fallback(tmp_path):
    with StubServer(StubSettings(at_random_legal, faults={"http-500": 0.5}, seed=1)) as server:
        ((given_up,), _) = played("2048-proact", server, steps=20, retries=0)
        log = tmp_path / "log.jsonl"
        ((random,), _) = played("2048-proact", server, steps=20, retries=0, on_failure="random", log=str(log))
    assert given_up.status == GIVEN_UP and "HTTP 500" in given_up.note and given_up.report["failures"] == 1
    fallbacks = sum(decision.fallback for decision in random.decisions)
    assert 3 < fallbacks < 17 and random.report["failures"] == random.cost[FALLBACKS] == fallbacks
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [line["turn"] for line in lines] == list(range(20)) and sum(line["fallback"] for line in lines) == fallbacks
    assert all(line["fallback"] == (line["answers"] == ["HTTP 500"]) for line in lines)


def test_a_recording_replays_the_same_play_without_a_server(tmp_path):
    with StubServer(StubSettings(at_random_legal, faults={"dropped": 0.1})) as server:
        recorded, _ = played("2048-3x3-proact", server, 3, cache=str(tmp_path), on_failure="random", retries=0)
    replayed, _ = played("2048-3x3-proact", None, 3, cache=str(tmp_path), on_failure="random", retries=0, replay=True)
    for one, other in zip(recorded, replayed, strict=True):
        assert one.actions == other.actions and (one.cost == other.cost).all() and one.report == other.report
    assert sum(e.report["failures"] for e in recorded) > 0


def test_concurrent_episodes_play_as_if_alone():
    with StubServer(StubSettings(at_random, faults={"http-429": 0.1})) as server:
        alone, _ = played("2048-3x3-proact", server, 4)
    with StubServer(StubSettings(at_random, faults={"http-429": 0.1})) as server:
        planners = [find_planner("llm", {"base_url": server.url, "model": "stub", "backoff": 0.001}) for _ in range(4)]
        world = load_world("2048-3x3-proact")
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(lambda k: play(world.instance(k), planners[k], Budget(), seed=k), range(4)))
    assert [e.actions for e in alone] == [e.actions for e in together]


def test_modes_show_what_they_say(tmp_path):
    seen, other = [], tmp_path / "prompts.json"
    other.write_text(json.dumps({"x": {"system_prompt_template": "", "user_prompt_template": BOARD}}))

    def respond(request, rng):
        seen.append([message["content"] for message in request])
        return at_random_legal(request, rng)

    with StubServer(StubSettings(respond)) as server:
        for mode in ("proact", "clean"):
            played("2048-proact", server, steps=1, mode=mode)
        played("2048", server, steps=1, mode="menu")
        ((episode,), _) = played("2048", server, steps=5, samples=3)
        with pytest.raises(UsageError, match="mode=menu"):
            played("2048", server, mode="clean", prompts=str(other))
    assert seen[0][1].count("\n") == seen[1][1].count("\n") - 3
    assert "{'board': '[    ." in seen[0][1] or "{'board': '[    2" in seen[0][1]
    assert "\\n" in seen[0][1] and "\\n" not in seen[1][1] and "[    ." in seen[1][1]
    assert "numbered menu" in seen[2][0] and "1. " in seen[2][1]
    assert episode.cost[QUESTIONS] == 15 and len(seen) == 18
    for record in episode.decisions:
        assert not record.fallback


class Parts:
    """The two language parts on the first game of 2048, a trajectory of one step, and counters."""

    def __init__(self, server, **given):
        settings = {"base_url": server.url, "model": "stub", "timeout": 20, "retries": 0, **given}
        argument = ",".join(f"{name}={value}" for name, value in settings.items())
        self.instance = load_world("2048").instance(0)
        self.evaluator = parts.make_evaluator(self.instance, argument)
        self.proposal = parts.make_proposal(self.instance, 2, argument)
        self.cost = new_cost()
        self.trajectory = new_trajectory(1, 1)
        self.trajectory.states[:] = self.instance.start
        self.trajectory.actions[0] = 3

    def evaluate(self):
        return self.evaluator.evaluate(self.instance.model, self.trajectory, 1, None, self.cost)

    def propose(self):
        actions, scores = np.zeros(4, np.int64), np.zeros(4)
        count = self.proposal.propose(self.instance.model, self.instance.start, None, actions, scores, self.cost)
        return actions[:count].tolist(), scores[:count]


def test_parts_ask_in_words_and_read_the_answers():
    seen = []

    def respond(request, rng):
        seen.append("\n".join(message["content"] for message in request))
        return "I prefer [2, 1, 3]" if "Menu:" in seen[-1] else '{"score": 0.25}'

    with StubServer(StubSettings(respond)) as server:
        made = Parts(server)
        assert made.evaluate() == 0.25
        batch, values = new_batch(3, 1, 1), np.zeros(3)
        batch.all_states[:] = made.instance.start
        batch.lengths[:] = 1
        made.evaluator.evaluate_all(made.instance.model, batch, np.array([2, 0, 1]), 2, values, None, made.cost)
        assert values.tolist() == [0.25, 0.0, 0.25]
        assert made.evaluator.value(made.instance.model, made.instance.start, None, made.cost) == 0.25
        actions, scores = made.propose()
    names = [made.instance.world.action_name(made.instance, made.instance.start, a) for a in range(4)]
    assert len(actions) == 2 and len(scores) == 2
    assert "Steps: left" in seen[0] and seen[0].count("[    .") > 4
    assert f"2. {names[actions[0]]}" in seen[-1] and f"1. {names[actions[1]]}" in seen[-1] and "at most 2" in seen[-1]
    counters = dict(zip(COUNTERS, made.cost.tolist(), strict=True))
    assert counters["questions"] == 5 and counters["fallbacks"] == 0 and counters["proposals"] == 1
    assert counters["tokens_in"] == sum(-(-(len(text) - 1) // 4) for text in seen)


@pytest.mark.parametrize("fault", ["empty", "truncated-json", "http-500", "delay", "illegal-word"])
def test_parts_that_cannot_use_an_answer_go_on_and_count(fault):
    with StubServer(StubSettings(at_random, faults={fault: 1.0}, delay=0.3)) as server:
        made = Parts(server, timeout=0.1 if fault == "delay" else 20)
        assert made.evaluate() == 0.5
        assert made.propose()[0] == made.proposal._speech.options(made.instance.start)[0][:2]
        assert made.cost[FALLBACKS] == made.cost[QUESTIONS] == 2


def test_settings_of_parts_are_checked():
    instance = load_world("2048").instance(0)
    for argument, match in (("timeout", "name=value"), ("time=3", "did you mean 'timeout'"), ("retries=x", "whole number")):
        with pytest.raises(UsageError, match=match):
            parts.make_evaluator(instance, argument)


@pytest.mark.parametrize(
    ("world", "options"),
    [
        ("2048-proact", {}),
        ("2048-3x3-proact", {}),
        ("3072-proact", {}),
        ("2048", {"rows": 2, "columns": 3}),
        ("sokoban-proact", {"variant": "origin"}),
        ("sokoban-proact", {"variant": "action"}),
        ("sokoban-proact", {"variant": "symbol"}),
        ("sokoban", {"actions": "moves"}),
    ],
)
def test_boards_are_read_back_from_what_a_model_is_shown(world, options):
    made = load_world(world, options)
    instance = made.instance(2)
    speech = Speech(instance)
    prompt = speech.prompt(PROMPTS)
    for plain in (False, True):
        shown = speech.observation(instance.start, plain)
        board = find_board(prompt.messages(shown)[1]["content"] if prompt else shown)
        assert board.state[0] == instance.start[0] and len(board.state) <= len(instance.start)
        actions, names = speech.options(instance.start)
        assert set(board.words()) == {n for a, n in zip(actions, names, strict=True) if a in speech.effective(instance.start)}


def test_an_impossible_board_is_refused_and_text_without_one_has_none():
    assert find_board("no board here: [x]") is None and find_board("#####\n#@$.#") is None
    with pytest.raises(UsageError, match="2 players"):
        find_board("#####\n#@@ #\n#$. #\n#####")
    with pytest.raises(UsageError, match="tile 5"):
        find_board("[5 .]\n[. .]")


def test_sokoban_is_played_in_words():
    with StubServer(StubSettings(at_random, faults={"illegal-word": 0.2})) as server:
        ((episode,), world) = played("sokoban-proact", server, steps=60)
    errors, report = episode.actions.count(8), episode.report
    assert errors == report["format_errors"] == server.counts["illegal-word"] > 4
    unchanged = [(a == b).all() for a, b in zip(episode.states, episode.states[1:], strict=False)]
    assert sum(unchanged) == errors + report["illegal"] and report["illegal"] > 5
    assert {reward for reward, same in zip(episode.rewards, unchanged, strict=True) if same} == {-0.1}
    assert world.outcome(episode.instance, episode.states, episode.actions, episode.rewards)["moves"] == 60 - sum(unchanged)


def walked(planner, episodes=2, **params):
    """Return the episodes of a planner on the knowledge-graph walk."""
    made, world = find_planner(planner, params), load_world("kg-walk")
    return [play(world.instance(k), made, Budget(), seed=k) for k in range(episodes)]


def asking(server, **given):
    """Return the text that names the part ``llm``, asking `server`."""
    settings = {"base_url": server.url, "model": "stub", "timeout": 20, "retries": 0, **given}
    return "llm:" + ",".join(f"{name}={value}" for name, value in settings.items())


def test_a_model_that_goes_by_relevance_plays_greedily():
    with StubServer(StubSettings(from_planner("greedy"))) as server:
        alone = walked("llm", 5, base_url=server.url, model="stub")
        proposing = walked("greedy", 5, proposal=asking(server))
    for episodes, digits in ((alone, 2), (proposing, 20)):  # the model is shown two digits; greedy takes the best of its menu
        for episode in episodes:
            model = episode.instance.model
            for state, action in zip(episode.states, episode.actions, strict=False):
                looks = model.local[model.first[state[0]] : model.first[state[0] + 1]]
                assert round(model.local[action], digits) == round(looks.max(), digits)
    assert sum(e.cost[QUESTIONS] for e in alone) == sum(len(e.actions) for e in alone) > 20


def test_flare_with_an_endpoint_has_the_right_token_account():
    asked, said = [], []

    def respond(request, rng):
        asked.append(sum(len(message["content"]) for message in request))
        said.append(at_random(request, rng))
        return said[-1]

    with StubServer(StubSettings(respond)) as server:
        (episode,) = walked("flare", 1, evaluator=asking(server), proposal=asking(server), batch=4, S=6)
    counters = dict(zip(COUNTERS, episode.cost.tolist(), strict=True))
    assert counters["simulations"] == 6 * len(episode.decisions)
    assert counters["questions"] == len(asked) == server.counts["requests"] > len(episode.decisions)
    assert counters["tokens_in"] == sum(-(-characters // 4) for characters in asked)
    assert counters["tokens_out"] == sum(-(-len(text) // 4) for text in said)
    assert counters["fallbacks"] == 0


def test_flare_goes_on_when_answers_fail_and_counts_them():
    faults = {"http-429": 0.1, "truncated-json": 0.1, "dropped": 0.1, "empty": 0.1, "illegal-word": 0.1}
    with StubServer(StubSettings(at_random, faults=faults, seed=2)) as server:
        (episode,) = walked("flare", 1, evaluator=asking(server), S=6)
        unusable = server.counts
    assert 3 < episode.cost[FALLBACKS] < episode.cost[QUESTIONS] == unusable["requests"]
    assert episode.cost[FALLBACKS] <= sum(unusable[name] for name in faults)  # some showed several
    record = language_record([dict(zip(COUNTERS, episode.cost, strict=True))], [])
    assert record["degraded"] and record["unusable"] == episode.cost[FALLBACKS]
    with StubServer(StubSettings(at_random, faults={"delay": 0.5}, delay=0.4, seed=2)) as server:
        (late,) = walked("flare", 1, evaluator=asking(server, timeout=0.25), batch=4, S=4)
    assert late.cost[FALLBACKS] >= server.counts["delay"] > 0
    with pytest.raises(GameplanError, match=f"nobody answers at {server.url}"):
        walked("flare", 1, evaluator=asking(server))


def test_flare_records_and_replays(tmp_path):
    with StubServer(StubSettings(at_random)) as server:
        recorded = walked("flare", 2, evaluator=asking(server, cache=tmp_path), S=4)
        fewer = server.counts["requests"]
    replayed = walked("flare", 2, evaluator=f"llm:model=stub,replay=true,cache={tmp_path}", S=4)
    assert [e.actions for e in recorded] == [e.actions for e in replayed]
    assert all((one.cost == other.cost).all() for one, other in zip(recorded, replayed, strict=True))
    assert fewer <= sum(e.cost[QUESTIONS] for e in recorded)
