"""A small language model: tokens lose nothing, the cache changes nothing, answers depend on nothing beside them, learning learns."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from games.errors import GameplanError, UsageError
from planners.language.small import needs_learn
from planners.language.small.tokens import CHARACTERS, END, SPECIAL, UNKNOWN, Vocabulary, make_vocabulary
from workbench.commands.language import train_lm

TEXT = "thought: The 2048 board\n{'board': '[    .     2]\\n'}  has 12 empty cells; go  left.\nmove: left"


def test_tokens_lose_nothing():
    vocabulary = make_vocabulary([TEXT])
    numbers = vocabulary.encode(TEXT)
    assert vocabulary.decode(numbers) == TEXT and len(numbers) < len(TEXT) / 2
    other = "Something else: 777!\n"
    assert vocabulary.decode(vocabulary.encode(other)) == other
    assert vocabulary.encode("\N{SNOWMAN}") == [UNKNOWN] and vocabulary.decode([*numbers, END, 7]) == TEXT


def test_a_vocabulary_keeps_the_most_frequent_pieces():
    vocabulary = make_vocabulary(["left left left up"], SPECIAL + len(CHARACTERS) + 1)
    assert vocabulary.pieces[-1] == " left"
    with pytest.raises(GameplanError):
        Vocabulary(["a", "a"])


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "optax", None)
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(GameplanError, match=r"pip install 'gameplan\[learn\]'"):
        needs_learn()


def test_what_often_stands_together_is_a_phrase_but_no_number_and_no_cell():
    texts = [f"now: {n}     .     {n}\nthen play {word}" for n, word in zip("2482", ("up", "left", "down", "up"), strict=True)]
    vocabulary = make_vocabulary(texts)
    pieces = [vocabulary.decode([number]) for number in vocabulary.encode(texts[0])]
    assert pieces == ["now:", " 2", "     .", "     2", "\nthen play up"]  # up twice in four texts
    assert [vocabulary.decode([n]) for n in vocabulary.encode(texts[1])][-2:] == ["\nthen play", " left"]
    assert vocabulary.decode(vocabulary.encode("then player: 22")) == "then player: 22"


@pytest.fixture(scope="module")
def jax():
    return pytest.importorskip("jax", reason="the extra learn is not installed")


@pytest.fixture(scope="module")
def small(jax):
    from planners.language.small.network import Size, initial

    size = Size(2, 16, 2, 40, 24)
    parameters = {name: 5.0 * array if array.ndim > 2 else array for name, array in initial(size, 3).items()}
    return size, parameters


def test_the_cache_changes_nothing(jax, small):
    from planners.language.small.network import empty_cache, forward, step

    size, parameters = small
    tokens = np.random.default_rng(0).integers(5, 40, (3, 10)).astype(np.int32)
    whole = np.asarray(forward(parameters, tokens, size.heads))
    cache, move = empty_cache(size, 3), jax.jit(step, static_argnums=4)
    for place in range(10):
        logits, cache = move(parameters, cache, tokens[:, place], place, size.heads)
        np.testing.assert_allclose(np.asarray(logits), whole[:, place], atol=2e-5)


def test_nothing_is_known_of_what_comes_later(small):
    from planners.language.small.network import forward

    size, parameters = small
    tokens = np.random.default_rng(1).integers(5, 40, (1, 8)).astype(np.int32)
    changed = tokens.copy()
    changed[0, 5] += 1
    one, two = (np.asarray(forward(parameters, t, size.heads)) for t in (tokens, changed))
    np.testing.assert_allclose(one[:, :5], two[:, :5], atol=1e-6)
    assert np.abs(one[:, 5:] - two[:, 5:]).max() > 1e-4


def test_an_answer_depends_on_nothing_beside_it(small):
    from planners.language.small.sampling import Speaker

    size, parameters = small
    speaker = Speaker(parameters, size, Vocabulary(CHARACTERS[: size.tokens - SPECIAL]), batch=4)
    questions = [[7, 8, 9], [10], [11, 12], [13, 14, 15, 16], [17]]
    together = speaker.answer(questions, [1, 2, 3, 4, 5])
    assert together == [speaker.answer([q], [s])[0] for q, s in zip(questions, [1, 2, 3, 4, 5], strict=True)]
    assert speaker.answer([[10]], [2])[0] != speaker.answer([[10]], [9])[0]
    assert speaker.answer([[10]], [2], temperature=0.0) == speaker.answer([[10]], [9], temperature=0.0)
    assert speaker.answer([[10]], [2], longest=3)[0][1] <= 3


DATA = [("Now 1.", "thought: one\nmove: up"), ("Now 2.", "thought: two\nmove: left")]


def write_data(folder: Path, copies: int = 8) -> Path:
    folder.mkdir()
    lines = [
        json.dumps(
            {"messages": [{"role": r, "content": c} for r, c in zip(("system", "user", "assistant"), ("s", *p), strict=True)]}
        )
        for p in DATA * copies
    ]
    for split in ("train", "validation"):
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "header.json").write_text(json.dumps({"settings": {"world": "2048"}}))
    return folder


@pytest.fixture(scope="module")
def trained(jax, tmp_path_factory):
    place = tmp_path_factory.mktemp("lm")
    data = write_data(place / "data")
    options = [
        "--layers",
        "1",
        "--width",
        "32",
        "--heads",
        "2",
        "--batch",
        "4",
        "--epochs",
        "30",
        "--rate",
        "0.02",
        "--context",
        "48",
        "--episodes",
        "0",
    ]
    found = CliRunner().invoke(train_lm, [str(data), *options, "--out", str(place / "run"), "--json"], standalone_mode=False)
    assert found.return_value == 0, found.output
    return place / "run", json.loads(found.stdout)


def test_learning_learns(trained):
    from planners.language.small.files import read_model
    from planners.language.small.sampling import Speaker

    run, record = trained
    assert record["validation_loss"] < 0.1 and record["updates"] == 120 and record["status"] == "done"
    model = read_model(run)
    speaker = Speaker(model.parameters, model.size, model.vocabulary, 2)
    said = speaker.answer([model.vocabulary.encode(q) for q, _ in DATA], [0, 0], temperature=0.0)
    assert [text for text, _ in said] == [answer for _, answer in DATA]


def test_texts_of_like_length_share_batches_and_each_is_seen_once_an_epoch(jax):
    from planners.language.small.learning import LanguageLearner, Texts
    from planners.language.small.network import Size
    from planners.language.small.tokens import PAD

    lengths = np.random.default_rng(0).integers(2, 40, 130)
    rows = np.where(np.arange(40) < lengths[:, None], 7, PAD).astype(np.int32)
    texts = Texts(rows, np.ones(130, np.int64))
    learner = LanguageLearner(Size(1, 8, 1, 10, 48), texts, texts, 4, 2, 0.01, 0.0, 0)
    epochs = []
    for epoch in range(2):
        batches = []
        for place in range(32):
            learner.updates = 32 * epoch + place
            batches.append(learner._rows())
        assert all(len(batch) == 4 for batch in batches) and len(set(np.concatenate(batches).tolist())) == 128
        assert np.mean([lengths[batch].max() - lengths[batch].min() for batch in batches]) < 4
        epochs.append(np.concatenate(batches).tolist())
    assert epochs[0] != epochs[1]


def test_games_are_played_side_by_side_and_counted(trained):
    from planners.language.small.files import read_model
    from workbench.training.language import play_record, world_of

    found = play_record(read_model(trained[0]), world_of("2048-3x3"), 3, 0.6)
    again = play_record(read_model(trained[0]), world_of("2048-3x3"), 3, 0.6)
    assert found == again and found["world"] == "2048-3x3-proact" and found["episodes"] == 3
    assert 0.0 <= found["format_errors"] <= 1.0 and sum(found["max_tiles"].values()) == 3
    assert found["beside"]["random"]["mean"] > 0.0
    with pytest.raises(UsageError, match="there is no prompt for"):
        play_record(read_model(trained[0]), world_of("p1"), 1, 0.6)


def test_agreement_is_the_share_of_equal_moves(trained):
    from planners.language.small.files import read_model
    from planners.language.small.play import agreement

    model = read_model(trained[0])
    assert agreement(model, DATA) == 1.0 and agreement(model, []) is None
    assert agreement(model, [DATA[0], (DATA[1][0], "thought: three\nmove: down")]) == 0.5


def test_a_run_that_was_interrupted_goes_on(trained, tmp_path):
    """Its lines are whole, and what it says at the end it says again when it is resumed once more."""
    from workbench.runs.directory import RunDirectory
    from workbench.training.language import LanguageConfig, resolve_language, train_language

    data = write_data(tmp_path / "data", 2)
    sizes = {"layers": 1, "width": 32, "heads": 2, "batch": 4, "context": 48, "games": 0, "epochs": 3, "rate": 0.02}
    config = resolve_language(LanguageConfig(data=str(data), **sizes))
    run, left = RunDirectory.create(tmp_path / "run"), iter([False, False, True])
    assert train_language(config, run, stop=lambda: next(left))["status"] == "interrupted"
    games, left = replace(config, games=2), iter([False, False, True])  # one update, then a turn of the games
    stopped = train_language(games, run, resume=True, stop=lambda: next(left))
    assert stopped["status"] == "interrupted" and stopped["updates"] == 3 and stopped["score"]["episodes"] == 0
    record = train_language(config, run, resume=True)
    assert record["status"] == "done" and record["updates"] == 3
    lines = [json.loads(line) for line in (run.path / "learning.jsonl").read_text().splitlines()]
    assert [line["update"] for line in lines] == [1, 2, 3] and all(line["validation_loss"] > 0.0 for line in lines)
    again = train_language(config, run, resume=True)
    assert all(again[name] == record[name] for name in ("loss", "validation_loss", "tokens", "updates", "agreement"))


def test_a_server_answers_by_the_protocol(trained):
    from planners.language.client import Client
    from planners.language.settings import Settings
    from planners.language.small.files import read_model
    from planners.language.small.serving import ModelServer

    with ModelServer(read_model(trained[0]), "small", batch=4) as server:
        client = Client(Settings.resolve(base_url=server.url, model="small", temperature=0.0))
        said = client.ask_all([([{"role": "user", "content": question}], 0) for question, _ in DATA * 4])
        client.close()
    assert [answer.text for answer in said] == [answer for _, answer in DATA * 4]
    assert server.counts["requests"] == 8 and server.counts["batches"] < 8


def test_what_is_no_model_or_no_data_is_one_line(jax, trained, tmp_path):
    from planners.language.small import MODEL
    from planners.language.small.files import read_model
    from workbench.training.language import LanguageConfig, read_pairs, resolve_language

    with pytest.raises(UsageError, match="there is no language model"):
        read_model(tmp_path / "nowhere")
    content = bytearray((trained[0] / MODEL).read_bytes())
    for cut in (0, 100, len(content) // 2):
        (tmp_path / "cut").write_bytes(content[:cut])
        with pytest.raises(GameplanError, match="is no language model"):
            read_model(tmp_path / "cut")
    with pytest.raises(UsageError, match="is no data set"):
        resolve_language(LanguageConfig(data=str(tmp_path)))
    data = write_data(tmp_path / "data", 1)
    (data / "train.jsonl").write_text('{"messages": []}\n')
    with pytest.raises(GameplanError, match=r"train\.jsonl, line 1 is no example"):
        read_pairs(data, "train", "chain")


def test_a_model_of_another_world_or_of_no_size_is_one_line(trained, tmp_path):
    """Its world is a name of the catalogue, never a program's; its size is compared before memory is taken for it."""
    from safetensors import safe_open
    from safetensors.numpy import save_file

    from planners.language.small import MODEL
    from planners.language.small.files import read_model

    with safe_open(trained[0] / MODEL, framework="numpy") as stream:
        header = json.loads(stream.metadata()["model"])
        arrays = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
    program = tmp_path / "spy.py"
    program.write_text(f"open({str(tmp_path / 'mark')!r}, 'w')\n")
    for changed, told in (
        ({"world": str(program)}, "which is no world of gameplan"),
        ({"world": "spy:make"}, "which is no world of gameplan"),
        ({"width": 2**40}, "its weights are not those of a model of its size"),
        ({"pieces": [""] * len(header["pieces"])}, "model.safetensors is damaged: the pieces"),
    ):
        save_file(arrays, tmp_path / MODEL, metadata={"model": json.dumps({**header, **changed})})
        with pytest.raises(GameplanError, match=told):
            read_model(tmp_path)
    assert not (tmp_path / "mark").exists()


def test_of_levels_as_many_games_are_played_as_asked(trained):
    """Also more than there are: they come again."""
    from planners.language.small.files import read_model
    from workbench.training.language import play_record, world_of

    world = world_of("sokoban-proact")
    record = play_record(read_model(trained[0]), world, len(world) + 2, 0.0)
    assert record["episodes"] == len(world) + 2 == record["beside"]["random"]["episodes"]


@pytest.mark.parametrize("word", ["nan", "inf", "-1"])
@pytest.mark.parametrize("option", ["--temperature", "--rate", "--decay"])
def test_what_is_no_number_is_no_setting(option, word, tmp_path):
    found = CliRunner().invoke(train_lm, [str(tmp_path), option, word])
    assert found.exit_code == 2 and ("is not finite" in found.output or "is not in the range" in found.output)


def test_targets(tmp_path):
    from workbench.training.language import read_pairs

    data = write_data(tmp_path / "data", 10)
    chains, actions, shuffled = (read_pairs(data, "train", target) for target in ("chain", "action", "shuffled"))
    assert chains == DATA * 10
    assert {answer for _, answer in actions} == {"thought: I decide.\nmove: up", "thought: I decide.\nmove: left"}
    assert [a.rpartition("\n")[2] for _, a in shuffled] == [a.rpartition("\n")[2] for _, a in chains]
    assert sorted(a.partition("\n")[0] for _, a in shuffled) == sorted(a.partition("\n")[0] for _, a in chains)
    assert sum(a != b for a, b in zip(shuffled, chains, strict=True)) > 3
