"""Data sets of checked chains: claims read back, nothing false, falsified claims noticed, the same bytes however they are made."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from itertools import product

import pytest
from click.testing import CliRunner

from cli import cli
from games.errors import GameplanError, UsageError
from games.random import stream
from games.worlds import load_world
from planners.glad import tiles, yards
from planners.glad.chains import Style, answer, compose, problems
from planners.glad.claims import Claim, Unreadable, count_tokens
from planners.glad.judgement import Judgement, Move
from planners.language.parser import strict_move
from tests.glad_twin import examples, false_claims, slide, unnoticed
from workbench.distill.audit import audit, view_of
from workbench.distill.candidates import NEAR_TIE
from workbench.distill.config import DistillConfig, resolve_distill, resumed_distill, saved_distill
from workbench.distill.run import run_distill, split_of
from workbench.distill.sources.boards import Source as Boards
from workbench.distill.sources.levels import canonical, group
from workbench.distill.store import read_jsonl
from workbench.engines import local_pool
from workbench.planning.mixture import parse_players
from workbench.runs.directory import RunDirectory

SPLITS = ("train", "validation", "test")
QUICK = {"simulations": 40, "rollouts": 1, "horizon": 10, "per_game": 6, "noise": 0, "players": "expectimax:depth=2 3, random 1"}
SMALL = resolve_distill(DistillConfig("2048-3x3", 30, seed=1, splits="60,20,20", params=QUICK))
ROOMS = {"rows": 6, "columns": 6, "players": "oracle:objective=goals 3, random 1"}
YARDS = resolve_distill(DistillConfig("sokoban-proact", 24, seed=1, splits="60,20,20", params=ROOMS))


def files(path):
    """Return the content of every file of a data set that holds no clock and names no place."""
    left_out = ("result.json", "environment.json")
    found = sorted(place for place in path.rglob("*") if place.is_file() and place.name not in left_out)
    return {str(place.relative_to(path)): place.read_bytes() for place in found}


@pytest.fixture(scope="module")
def boards(tmp_path_factory):
    run = RunDirectory.create(tmp_path_factory.mktemp("data") / "boards")
    return run, run_distill(SMALL, run)


@pytest.fixture(scope="module")
def levels(tmp_path_factory):
    run = RunDirectory.create(tmp_path_factory.mktemp("data") / "levels")
    return run, run_distill(YARDS, run)


SAMPLES = {
    "action": ("up", "left", "right"), "other": ("right", "down"), "actions": (("up",), ("up", "down"), ("up", "down", "right")), "tile": (4, 2048),
    "number": (1, 3), "of": (4, 16), "percent": (0, 37), "within": (20,), "fewer": (1, 2), "room": (0, 1, 12), "pairs": (0, 1, 5),
    "place": ("in the top left corner", "inside"), "tiles": ((), (4,), (4, 8), (4, 4, 16)), "cells": ((2, 0, 4, 8), (0, 0, 2)),
    "boxes": (0, 1, 2), "moves": (0, 1, 17), "more": (1, 2), "route": (("up",), ("left", "push up")),
}  # fmt: skip


@pytest.mark.parametrize("language", [tiles.LANGUAGE, yards.LANGUAGE], ids=["tiles", "yards"])
def test_every_wording_is_read_back_as_the_claim_that_it_says(language):
    for kind, form in language.forms.items():
        for wording in range(len(form.wordings)):
            for k in range(4):
                arguments = []
                for name in form.arguments:
                    values = ((3, 4), (1, 12)) if name == "place" and language is yards.LANGUAGE else SAMPLES[name]
                    arguments.append(values[k % len(values)])
                claim = Claim(kind, tuple(arguments))
                text = language.write(claim, wording)
                if form.arguments[:1] == ("action",) and "{action}" not in form.wordings[wording]:
                    before = language.write(Claim("choose", claim.arguments[:1]))
                    assert language.read(f"{before[0].upper()}{before[1:]}; {text}.")[1:] == [claim]
                    with pytest.raises(Unreadable, match="no action"):
                        language.read(f"{text[0].upper()}{text[1:]}.")
                else:
                    assert language.read(f"{text[0].upper()}{text[1:]}.") == [claim], text


def test_what_is_no_claim_is_not_read():
    for text in ("Left is nice.", "Left makes 8", "Left makes eight.", "So I choose left. And it is good.", ""):
        with pytest.raises(Unreadable):
            tiles.LANGUAGE.read(text)


def test_chains_say_nothing_false_as_a_slow_judge_reads_the_board(boards):
    run, record = boards
    assert record["accepted"] == 30 and sum(record["splits"].values()) == 30
    said = Counter()
    for split in SPLITS:
        for shown, thought, judgement in examples(run.path, split):
            assert false_claims(shown, thought, judgement) == []
            said.update(claim.kind for claim in tiles.LANGUAGE.read(thought))
    assert set(tiles.LANGUAGE.forms) - set(said) <= {"danger", "only"}


def test_chains_about_large_boards_say_nothing_false_whatever_the_teacher_chooses():
    world = load_world("2048")
    for k, text in enumerate(
        ("2 16 4 16/2 128 64 4/8 16 8 2/4 4 2 4", "1024 512 64 8/4 16 32 4/2 8 4 ./. 2 . .", "2 2 4 4/. . . ./. . . ./. . . 2")
    ):
        instance, state = world.instance(0), world.read(text)
        words = [word for word in ("left", "down", "right", "up") if moved(text, word) is not None]
        judgement = Judgement(tuple(Move(word, 9.0 - j, 50, 2.0, 0.25, ("up", "left", "down")) for j, word in enumerate(words)), 20)
        view = tiles.Tiles(instance, state, judgement)
        thought = compose(tiles.LANGUAGE, tiles.outline(view), judgement.chosen, Style("full", 400, 0), stream("large", k))
        assert sorted(view.words) == sorted(words) and problems(tiles.LANGUAGE, view, answer(thought, "left"), view.words) == []
        assert false_claims(world.observation(state), thought, judgement.to_json()) == []


def moved(text, word):
    """Return the board after a move, None if it changes nothing."""
    board = [[0 if cell == "." else int(cell) for cell in row.split()] for row in text.split("/")]
    after, _ = slide(board, word)
    return None if after == board else after


def test_claims_made_false_are_noticed(boards):
    rng, made = stream("test mutations"), 0
    for shown, thought, judgement in list(examples(boards[0].path, "train")) * 8:
        is_false, is_missed = unnoticed(shown, thought, judgement, rng)
        assert not is_missed, thought
        made += is_false
    assert made > 60


def test_no_claim_breaks_the_check_whatever_it_names(boards, levels):
    for run, language in ((boards[0], tiles.LANGUAGE), (levels[0], yards.LANGUAGE)):
        for shown, _, found in list(examples(run.path, "train"))[:3]:
            _, view = view_of(shown, Judgement.from_json(found))
            for kind, form in language.forms.items():
                values = [
                    ((3, 4), (1, 12)) if name == "place" and language is yards.LANGUAGE else SAMPLES[name]
                    for name in form.arguments
                ]
                for arguments in product(*values):
                    assert language.holds(Claim(kind, arguments), view) in (True, False)


def test_an_answer_is_refused_for_every_kind_of_fault(boards):
    shown, thought, found = next(examples(boards[0].path, "train"))
    judgement = Judgement.from_json(found)
    language, view = view_of(shown, judgement)
    good = answer(thought, judgement.chosen)
    assert problems(language, view, good, view.words) == []
    other = next(word for word in ("up", "down", "left", "right") if word != judgement.chosen)
    sentences = thought.split(". ")
    future = next(s for s in sentences if s.startswith(judgement.chosen.capitalize()) or s.startswith(f"With {judgement.chosen}"))
    without = ". ".join(s for s in sentences if s != future)
    for text, why in (
        (answer(thought, other), "is read as"),
        (good + ".", "is read as"),
        (good.replace("thought: ", "think: "), "format"),
        (answer(thought + " Trust me.", judgement.chosen), "no claim"),
        (answer(without, judgement.chosen), "not mentioned"),
    ):
        assert any(why in problem for problem in problems(language, view, text, view.words)), text


def test_an_example_has_its_three_messages_and_its_forms_agree(boards):
    run, record = boards
    for split in SPLITS:
        lines = (run.path / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
        assert len(lines) == record["splits"][split] > 0
        found = [json.loads(line) for line in lines]
        assert all(list(example) == ["messages"] for example in found)
        pairs = list(read_jsonl(run.path / "prompt_completion" / f"{split}.jsonl"))
        plain = json.loads((run.path / "lists" / f"{split}.json").read_text(encoding="utf-8"))
        for example, pair, entry, side in zip(
            found, pairs, plain, read_jsonl(run.path / "metadata" / f"{split}.jsonl"), strict=True
        ):
            system, user, assistant = example["messages"]
            assert [message["role"] for message in example["messages"]] == ["system", "user", "assistant"]
            assert pair == {"prompt": [system, user], "completion": [assistant]}
            expected = {"system_prompt": system["content"], "user_prompt": user["content"], "ast_prompt": assistant["content"]}
            assert entry == expected
            assert strict_move(assistant["content"], ("up", "down", "left", "right")).text == side["judgement"]["chosen"]
            assert side["tokens"] == count_tokens(assistant["content"]) <= SMALL.tokens
            moves = side["judgement"]["moves"]
            assert moves[0]["visits"] == max(move["visits"] for move in moves)
            assert moves[0]["value"] == max(move["value"] for move in moves)


def test_phases_are_balanced_and_no_position_is_twice_or_in_two_splits(boards, levels):
    for run, record in (boards, levels):
        third = record["samples"] // 3
        assert record["phases"] == {"early": third, "middle": third, "late": third}
        keys, groups = [], {}
        for split in SPLITS:
            for entry in read_jsonl(run.path / "metadata" / f"{split}.jsonl"):
                keys.append(entry["key"])
                assert groups.setdefault(entry["group"], split) == split
                assert split_of(saved_distill(run), int(entry["group"], 16)) == split
        assert len(set(keys)) == len(keys) == record["samples"]


def test_images_of_a_board_have_one_key():
    source, world = Boards(SMALL), load_world("2048-3x3")
    board = [[2, 4, 8], [0, 16, 2], [4, 0, 0]]
    turned = [list(row) for row in zip(*board[::-1], strict=True)]
    assert (
        source.key(world.state(board)) == source.key(world.state(turned)) == source.key(world.state([row[::-1] for row in board]))
    )
    assert source.key(world.state(board)) != source.key(world.state([[4, 2, 8], *board[1:]]))
    level = "#####\n#@$.#\n#####"
    assert canonical(level) == canonical("#####\n#.$@#\n#####") == canonical("###\n#@#\n#$#\n#.#\n###")
    assert group(level) == group("#####\n# @*#\n#####") != canonical(level)


def test_starts_of_games_for_tests_are_held_out():
    source = Boards(SMALL)
    forbidden = source.held_out()
    assert {source.key(source.world.instance(seed).start) for seed in range(40)} <= forbidden


def test_near_ties_are_dropped_and_counted():
    judgement = Judgement((Move("left", 10.0, 50, 5.0), Move("up", 9.0, 50, 5.0)))
    assert judgement.gap == 1.0 and judgement.gap_error == pytest.approx(1.0)
    source = Boards(replace(SMALL, params={**SMALL.params, "margin": 1e6}))
    found = list(source.candidates(0, "early", lambda: False))
    assert found and {candidate.reason for candidate in found} == {NEAR_TIE}


def test_short_chains_keep_what_matters_within_their_length(boards):
    shown, _, found = next(examples(boards[0].path, "train"))
    judgement = Judgement.from_json(found)
    language, view = view_of(shown, judgement)
    for tokens in (120, 80):
        thought = compose(language, tiles.outline(view), judgement.chosen, Style("short", tokens, 1), stream("short"))
        text = answer(thought, judgement.chosen)
        assert count_tokens(text) <= tokens and problems(language, view, text, view.words) == []
        assert thought == compose(language, tiles.outline(view), judgement.chosen, Style("short", tokens, 1), stream("other"))
    assert compose(language, tiles.outline(view), judgement.chosen, Style("short", 12, 1), stream("short")) is None
    worded = {compose(language, tiles.outline(view), judgement.chosen, Style("full", 320, 0), stream("s", k)) for k in range(8)}
    assert len(worded) == 8


def test_sokoban_chains_are_exact(levels):
    run, record = levels
    assert audit(YARDS, run) | {"run": ""} == {
        "schema": record["schema"], "command": "distill --check", "world": "sokoban-proact", "examples": 24,
        "claims": audit(YARDS, run)["claims"], "wrong": 0, "first": [], "leaks": 0, "run": "",
    }  # fmt: skip
    for k, (shown, thought, found) in enumerate(examples(run.path, "train")):
        language, view = view_of(shown, Judgement.from_json(found))
        if k < 3:
            assert false_claims(shown, thought, found) == []
        best = {word: view.left(word) for word in view.words}
        assert best[found["chosen"]] == min(n for n in best.values() if n is not None) == view.left() - 1
        claims = {claim.kind: claim for claim in language.read(thought)}
        route = claims["route"].arguments[0]
        assert route[0] == found["chosen"] and view.replay(route) == view.left() - len(route)
        for kind, wrong in (("end", (view.left() + 1,)), ("choose", ("up" if found["chosen"] != "up" else "down",))):
            assert not language.holds(Claim(kind, wrong), view)


def test_the_check_finds_a_false_claim_and_a_leak(boards, tmp_path):
    import shutil

    place = tmp_path / "changed"
    shutil.copytree(boards[0].path, place)
    text = (place / "train.jsonl").read_text(encoding="utf-8").replace(" empty cells", "1 empty cells", 1)
    (place / "train.jsonl").write_text(text, encoding="utf-8")
    side = place / "metadata" / "test.jsonl"
    first = next(read_jsonl(place / "metadata" / "train.jsonl"))
    lines = side.read_text(encoding="utf-8").splitlines()
    entry = {**json.loads(lines[0]), "key": first["key"], "group": first["group"]}
    side.write_text("\n".join([json.dumps(entry), *lines[1:]]) + "\n", encoding="utf-8")
    result = CliRunner().invoke(cli, ["distill", "--check", str(place), "--json"], standalone_mode=False)
    record = json.loads(result.stdout)
    assert (
        result.return_value == 1 and record["wrong"] == 1 and record["leaks"] == 2 and "train.jsonl, line 1" in record["first"][0]
    )


@pytest.mark.slow
def test_the_same_bytes_in_two_processes_and_after_a_stop(boards, tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.distill.run.SLOW_SAMPLES", 0)
    accepted = []
    other = RunDirectory.create(tmp_path / "other")
    stopped = run_distill(SMALL, other, on_accepted=accepted.append, stop=lambda: bool(accepted) and accepted[-1] > 8)
    assert stopped["status"] == "interrupted" and 8 < stopped["accepted"] < 30
    for name in ("train.jsonl", "metadata/test.jsonl", "progress.jsonl"):  # what a kill leaves half-written
        with open(other.path / name, "a", encoding="utf-8") as grown:
            grown.write('{"messages": [{"role"')
    with local_pool(2) as pool:
        run_distill(resumed_distill(other, {"world": "2048-3x3"}), other, resume=True, executor=lambda: pool, workers=2)
    assert files(other.path) == files(boards[0].path)


@pytest.mark.slow
def test_a_data_set_killed_at_any_moment_ends_with_the_same_bytes(tmp_path):
    arguments = ["distill", "2048-3x3", "--samples", "60", "--seed", "3", "--set", "simulations=40"]

    def command(place):
        return [sys.executable, "-m", "cli", *arguments, "--out", str(place), "--jobs", "1"]

    subprocess.run(command(tmp_path / "whole"), check=True, capture_output=True, env={**os.environ})
    kills = 0
    for k in range(200):
        child = subprocess.Popen(command(tmp_path / "killed"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        journal, size = tmp_path / "killed" / "progress.jsonl", 0
        before = journal.stat().st_size if journal.exists() else 0
        deadline = time.monotonic() + 120
        while child.poll() is None and size <= before and time.monotonic() < deadline:
            size = journal.stat().st_size if journal.exists() else 0
            time.sleep(0.001)
        time.sleep(0.013 * (k % 7))
        if child.poll() is None:
            child.kill()
            kills += 1
        if child.wait() == 0:
            break
        if kills == 10:
            subprocess.run(command(tmp_path / "killed"), check=True, capture_output=True)
            break
    assert kills >= 3 and files(tmp_path / "killed") == files(tmp_path / "whole")


def test_too_many_samples_end_with_a_reason_and_keep_what_there_is(tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.distill.run.MOST_IDLE", 3)
    config = replace(SMALL, params={**SMALL.params, "margin": 1e6})
    run = RunDirectory.create(tmp_path / "none")
    with pytest.raises(GameplanError, match=r"3 games in a row had no new position of the phase early.*near tie"):
        run_distill(config, run)
    assert saved_distill(run) == config


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["2048x"], "did you mean '2048'"),
        (["sokoban"], "legal are 2048"),
        (["2048", "--form", "long"], "legal: full, short"),
        (["2048", "--splits", "50,50"], "such as 90,5,5"),
        (["2048", "--tokens", "3"], "at least 40"),
        (["2048", "--set", "players=expectimaxx"], "expectimax"),
        (["2048", "--set", "players=llm"], "no player"),
        (["2048", "--set", "simulation=3"], "did you mean 'simulations'"),
        (["sokoban-proact", "--set", "rows=2"], "rows=2 is not possible; legal: from 3 to 60"),
        (["2048", "--set", "noise=2"], "noise=2.0 is not possible; legal: from 0 to 1"),
        (["--resume", "nowhere"], "not a run directory"),
        ([], "name a world"),
    ],
)
def test_mistakes_are_one_clear_line(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["distill", *arguments])
    text = str(result.exception) if isinstance(result.exception, GameplanError) else result.stderr
    assert result.exit_code != 0 and message in text and not list(tmp_path.iterdir())


def test_a_resumed_data_set_keeps_its_settings(boards):
    with pytest.raises(UsageError, match="has seed = 1, not 2"):
        resumed_distill(boards[0], {"seed": 2})


def test_players_are_parsed():
    assert [player.label for player in parse_players("expectimax:depth=2 3, random")] == ["expectimax:depth=2", "random"]
    for text in ("", "random 0", "random one two", "expectimax:depth"):
        with pytest.raises(UsageError, match="players"):
            parse_players(text)


def test_header_and_card_say_what_was_made(boards):
    run, record = boards
    header = json.loads((run.path / "header.json").read_text())
    assert header["settings"]["samples"] == 30 and header["rejected"] == record["rejected"]
    assert {split: about["examples"] for split, about in header["splits"].items()} == record["splits"]
    assert sum(sum(about["tokens"].values()) for about in header["splits"].values()) == 30
    answers = [example["messages"][2]["content"] for example in read_jsonl(run.path / "train.jsonl")]
    assert header["splits"]["train"]["characters"]["assistant"] == pytest.approx(sum(map(len, answers)) / len(answers))
    card = (run.path / "README.md").read_text(encoding="utf-8")
    assert "gameplan distill 2048-3x3 --samples 30 --seed 1" in card and "path: train.jsonl" in card and "is not shown" in card
    entries = json.loads((run.path / "configs" / "dataset_info.json").read_text())
    assert entries["gameplan_2048_3x3_train"]["file_name"] == "train.jsonl"


def test_the_library_datasets_reads_it(boards, tmp_path):
    datasets = pytest.importorskip("datasets", reason="the extra 'data' is not installed")
    path = boards[0].path
    found = datasets.load_dataset(
        "json", data_files={split: str(path / f"{split}.jsonl") for split in SPLITS}, cache_dir=str(tmp_path / "cache")
    )
    assert {split: len(found[split]) for split in SPLITS} == boards[1]["splits"]
    for example, expected in zip(found["train"], read_jsonl(path / "train.jsonl"), strict=True):
        assert list(example["messages"]) == expected["messages"]
    assert found["train"].column_names == ["messages"]
