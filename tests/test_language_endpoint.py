"""Language models behind an endpoint: parsers, prompts, the client, and the stub server."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from games.errors import GameplanError, UsageError
from planners.language.client import Client
from planners.language.parser import lenient_move, menu_numbers, read_score, strict_move
from planners.language.prompts import BOARD, PROMPTS, PUSHES, WALKS, plain_board, read_prompts
from planners.language.settings import Settings
from planners.language.stub import StubServer, StubSettings
from planners.language.stub_answers import at_random, from_script

QUESTION = [{"role": "system", "content": "You play 2048."}, {"role": "user", "content": "Where to?"}]
WORDS = WALKS + PUSHES


@pytest.mark.parametrize(
    ("answer", "parsed", "legal"),
    [
        ("thought: x\nmove: left", "left", True),
        ("# Move: LEFT", "left", True),
        ("Thought: a\nAction: push up", "push up", True),
        ("thought: if I choose move: up it is bad\nmove: left", "left", True),
        ("thought: a\n#move: down", "down", True),
        ("move:left", "left", True),
        ("move:\nleft", "left", True),
        ("move: left\n\n", "left", True),
        ("thought: a\r\nmove: left\r\n", "left", True),
        ("move: left\r\nthought: because", "left", True),
        ("move: left\nthought: because", "left", True),
        ("move: left\n# Thought: because", "left", True),
        ("move: left<|im_end|>", "left", True),
        ("thought: move: left", None, False),
        ("left", None, False),
        ("move: left.", "left.", False),
        ("move: **left**", "**left**", False),
        ('move: "left"', '"left"', False),
        ("**move:** left", None, False),
        ("## move: left", None, False),
        ("Move : left", None, False),
        (" move: left", None, False),
        ("thought: x\n move: left", None, False),
        ("move: left\nbecause it merges", "left\nbecause it merges", False),
        ("move: up\nmove: left", "up\nmove: left", False),
        ("move: push  left", "push  left", False),
        ("move: ", "", False),
        ("move:", None, False),
        ("", None, False),
    ],
)
def test_strict_parser_has_every_row_of_the_table(answer, parsed, legal):
    assert strict_move(answer, WORDS) == (parsed, legal)


def test_strict_parser_knows_the_words_of_the_game_and_thinking():
    assert strict_move("move: push up", WALKS) == ("push up", False)
    thinking = "<think>\nmove: up\n</think>move: down"
    assert strict_move(thinking, WORDS, thinking=True) == ("down", True)
    assert strict_move(thinking, WORDS) == ("up\n</think>move: down", False)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        ("move: **left**.", "left"),
        ("thought: up is bad\n**Move:** push  left", "push left"),
        ("I go left", "left"),
        ("move: left\nbecause it merges", "left"),
        ("move: up or left", None),
        ("", None),
        ("move: jump", None),
    ],
)
def test_lenient_parser_forgives_form_but_not_ambiguity(answer, word):
    found = lenient_move(answer, WORDS)
    assert found.legal == (word is not None) and (word is None or found.text == word)


@pytest.mark.parametrize(
    ("answer", "numbers"),
    [
        ("[3, 1]", [3, 1]),
        ("```json\n[3, 3, 9, 0, 1]\n```", [3, 1]),
        ('Sure: {"choices": ["2", "four", 4]}', [2, 4]),
        ("3", [3]),
        ("Option 2.", [2]),
        ("[1.5, true, NaN, 1e999, -1]", None),
        ("[]", None),
        ("none of them", None),
        ("", None),
        ("[" * 5000, None),
    ],
)
def test_menu_parser(answer, numbers):
    assert menu_numbers(answer, 4) == numbers


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ('{"score": 0.7}', 0.7),
        ("0.7", 0.7),
        ("70%", 0.7),
        ("7/10", 0.7),
        ("**Score:** .7 as it ends well", 0.7),
        ("score 0.1, no: score 0.7", 0.7),
        ("1.2", None),
        ("-0.1", None),
        ("3/0", None),
        ("it is 3 steps long", None),
        ("", None),
    ],
)
def test_score_parser(answer, value):
    assert read_score(answer) == value


def test_prompts_of_a_file_take_the_place_of_ours(tmp_path):
    path = tmp_path / "prompts.json"
    path.write_text(json.dumps({"2048_4x4": {"system_prompt_template": "s", "user_prompt_template": f"{{x}} {BOARD}"}}))
    assert read_prompts(path)["2048_4x4"].messages("b")[1] == {"role": "user", "content": "{x} b"}
    path.write_text(json.dumps({"2048_4x4": {"system_prompt_template": "s", "user_prompt_template": "no board"}}))
    with pytest.raises(UsageError, match="textual_representation"):
        read_prompts(path)
    path.write_text("[")
    with pytest.raises(UsageError, match="JSON"):
        read_prompts(path)
    for prompt in PROMPTS.values():
        assert BOARD in prompt.user and "thought:" in prompt.system and "move:" in prompt.system
    assert plain_board(repr({"board": "[ 2]\n[ .]"})) == "[ 2]\n[ .]"


def ask(server, **given):
    given = {"model": "stub", "timeout": 20.0, "retries": 1, "backoff": 0.001, "base_url": server.url, **given}
    return Client(Settings.resolve(**given))


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        ("http-429", "HTTP 429"),
        ("http-500", "HTTP 500"),
        ("delay", "time-out"),
        ("truncated-json", "malformed answer"),
        ("dropped", "dropped connection"),
    ],
)
def test_what_may_come_next_time_is_asked_again_and_then_counted(fault, failure):
    with StubServer(StubSettings(at_random, faults={fault: 1.0}, delay=0.3)) as server:
        client = ask(server, timeout=0.1 if fault == "delay" else 20.0)
        answers = client.ask_all([(QUESTION, k) for k in range(3)])
        assert [answer.failure for answer in answers] == [failure] * 3
        account = client.account()
        assert account["requests"] == 3 and account["attempts"] == server.counts["requests"] == server.counts[fault] == 6
        assert account["failures"] == {failure: 3} and account["tokens_in"] == 0
        client.close()


def test_faults_at_a_rate_are_counted_exactly_and_retries_mend_them():
    faults = {"http-429": 0.2, "truncated-json": 0.2, "dropped": 0.2, "missing-usage": 0.5}
    with StubServer(StubSettings(at_random, seed=3, faults=faults)) as server:
        client = ask(server, retries=20)
        answers = client.ask_all([(QUESTION, k) for k in range(60)])
        account = client.account()
        assert not any(answer.failure for answer in answers)
        assert account["attempts"] == server.counts["requests"] > 90
        assert account["estimated"] == sum(answer.estimated for answer in answers)
        assert 15 <= account["estimated"] <= 45
        client.close()


def test_tokens_are_those_of_the_usage_or_an_estimate_of_the_same_size():
    totals = []
    for faults in ({}, {"missing-usage": 1.0}):
        with StubServer(StubSettings(from_script(["12345678"]), faults=faults)) as server:
            client = ask(server)
            for k in range(3):
                client.ask(QUESTION, k)
            account = client.account()
            totals.append((account["tokens_in"], account["tokens_out"], account["estimated"]))
    characters = sum(len(message["content"]) for message in QUESTION)
    assert totals == [(3 * -(-characters // 4), 6, 0), (3 * -(-characters // 4), 6, 3)]


def test_what_asking_again_cannot_mend_is_one_line(monkeypatch):
    with StubServer(StubSettings(at_random)) as server:
        url = server.url
        with pytest.raises(GameplanError, match=r"refuses \(HTTP 404.*'other' does not exist"):
            ask(server, model="other").ask(QUESTION)
    with pytest.raises(GameplanError, match=f"nobody answers at {url}"):
        Client(Settings.resolve(base_url=url, model="stub")).ask(QUESTION)
    for given, match in [
        ({}, "GAMEPLAN_LLM_BASE_URL"),
        ({"base_url": url}, "GAMEPLAN_LLM_MODEL"),
        ({"base_url": "ftp://x", "model": "m"}, "no http address"),
        ({"base_url": "http://user:secret@x/v1", "model": "m"}, "key_variable"),
        ({"base_url": url, "model": "m", "timeout": 0.0}, "timeout = 0.0 is out of range"),
        ({"model": "m", "replay": True}, "cache=DIR"),
    ]:
        monkeypatch.delenv("GAMEPLAN_LLM_BASE_URL", raising=False)
        monkeypatch.delenv("GAMEPLAN_LLM_MODEL", raising=False)
        with pytest.raises(UsageError, match=match) as caught:
            Settings.resolve(**given)
        assert "secret" not in str(caught.value)


def test_an_endpoint_that_stops_answering_ends_the_run():
    with StubServer(StubSettings(at_random, faults={"http-500": 1.0})) as server:
        client = ask(server, retries=0)
        for k in range(9):
            assert client.ask(QUESTION, k).failure == "HTTP 500"
        with pytest.raises(GameplanError, match="10 questions in a row"):
            client.ask(QUESTION, 9)


def test_waits_grow_and_obey_the_server():
    waits = []
    with StubServer(StubSettings(at_random, faults={"http-429": 1.0})) as server:
        client = Client(Settings.resolve(base_url=server.url, model="stub", retries=4), waits.append)
        assert client.ask(QUESTION).failure == "HTTP 429"
    assert waits == [0.5, 1.0, 2.0, 4.0]


def test_the_key_is_sent_but_neither_kept_nor_shown(monkeypatch, tmp_path):
    monkeypatch.setenv("MY_KEY", "sk-very-secret")
    seen = []

    def respond(request, rng):
        raise GameplanError("the key sk-very-secret is too old")

    with StubServer(StubSettings(respond)) as server:
        client = ask(server, key_variable="MY_KEY", cache=str(tmp_path))
        seen.append(client._connection().headers["Authorization"])
        with pytest.raises(GameplanError, match=r"the key \*\*\* is too old"):
            client.ask(QUESTION)
    with StubServer(StubSettings(at_random)) as server:
        ask(server, key_variable="MY_KEY", cache=str(tmp_path)).ask(QUESTION)
    assert seen == ["Bearer sk-very-secret"]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 1 and "secret" not in files[0].read_text()


def test_cache_saves_requests_and_a_replay_needs_no_server(tmp_path):
    questions = [(QUESTION, k % 5) for k in range(20)]
    with StubServer(StubSettings(at_random)) as server:
        client = ask(server, cache=str(tmp_path))
        first = client.ask_all(questions)
        assert server.counts["requests"] == 5  # equal questions at the same time are asked once
        again = ask(server, cache=str(tmp_path))
        assert again.ask_all(questions) == first
        assert server.counts["requests"] == 5
        assert again.account()["cached"] == 20 and again.account()["paid_in"] == 0 and again.account()["tokens_in"] > 0
    replay = Client(Settings.resolve(model="stub", cache=str(tmp_path), replay=True))
    assert replay.ask_all(questions) == first
    with pytest.raises(GameplanError, match="holds no answer"):
        replay.ask(QUESTION, 7)
    with pytest.raises(GameplanError, match="holds no answer"):
        Client(Settings.resolve(model="stub", cache=str(tmp_path), replay=True, temperature=0.5)).ask(QUESTION, 0)
    broken = next(path for path in tmp_path.rglob("*.json"))
    broken.write_text("{")
    with pytest.raises(GameplanError, match="no recorded answer"):
        replay.ask_all(questions)


def test_failures_are_replayed_but_not_kept_for_a_new_run(tmp_path):
    with StubServer(StubSettings(at_random, faults={"dropped": 1.0})) as server:
        failed = ask(server, cache=str(tmp_path)).ask(QUESTION)
    assert failed.failure == "dropped connection"
    assert Client(Settings.resolve(model="stub", cache=str(tmp_path), replay=True)).ask(QUESTION) == failed
    with StubServer(StubSettings(at_random)) as server:
        assert ask(server, cache=str(tmp_path)).ask(QUESTION).text


def test_the_stub_is_deterministic_whatever_the_concurrency():
    questions = [(QUESTION, k // 2) for k in range(40)]  # each twice: the repeat gets an answer of its own
    found = []
    for threads in (1, 8):
        with StubServer(StubSettings(at_random, seed=5)) as server:
            client = ask(server, concurrency=threads)
            with ThreadPoolExecutor(threads) as pool:
                answers = list(pool.map(lambda question, client=client: client.ask(*question).text, questions))
            found.append([sorted(answers[k : k + 2]) for k in range(0, 40, 2)])
    assert found[0] == found[1]
    assert len({answer for pair in found[0] for answer in pair}) == 4


def test_the_stub_refuses_what_it_cannot_answer():
    import httpx

    with StubServer(StubSettings(at_random, model="m")) as server:
        models = httpx.get(f"{server.url}/models", trust_env=False).json()
        assert [model["id"] for model in models["data"]] == ["m"]
        for content, status in (
            (b"{", 400),
            (b"[]", 400),
            (b'{"messages": []}', 400),
            (b'{"messages": [{"role": 1, "content": 2}]}', 400),
        ):
            assert httpx.post(f"{server.url}/chat/completions", content=content, trust_env=False).status_code == status
        assert httpx.post(f"{server.url}/other", content=b"{}", trust_env=False).status_code == 404
        with pytest.raises(GameplanError, match="port"):
            StubServer(StubSettings(at_random), int(server.url.split(":")[2].split("/")[0]))
    for faults, match in (({"http-42": 1.0}, "unknown fault"), ({"empty": 2.0}, "no rate")):
        with pytest.raises(UsageError, match=match):
            StubServer(StubSettings(at_random, faults=faults))
