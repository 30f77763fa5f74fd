"""What a name is: every command says it of a name of another kind, and gives the command that takes it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import cli
from games.errors import UsageError
from tests.fuzz import commands
from workbench.catalogue.naming import USES, catalogue, kinds_of_text, what_is

PLANNER = "PARAMS = {}\nraise SystemExit\n\n\ndef make(name):\n    pass\n"  # looked at, never run, by what wants another kind
CASES = {
    "solve 2048": "2048 is a world: gameplan plan 2048",
    "check-world kg-walk": "kg-walk is a world by its name, where a file of one's own is wanted; use it with gameplan plan kg-walk",
    "solve quick": "quick is a suite of games: gameplan compare quick",
    "solve vad-cfr": "vad-cfr is an algorithm: gameplan solve GAME --algo vad-cfr",
    "solve planned": "planned is a planner run: gameplan plan --resume planned",
    "solve kuhn_2p --algo flare": "flare is a planner: gameplan plan WORLD --planner flare",
    "solve kuhn_2p --algo flrae": "did you mean 'flare', a planner: gameplan plan WORLD --planner flare?",
    "solve kuhn_2p --algo uniform": "uniform is a meta-strategy solver: gameplan solve GAME --train uniform",
    "solve kuhn_2p --algo ./own.py": "./own.py is a planner: gameplan plan WORLD --planner ./own.py",
    "solve kuhn_2p --algo ./planned": "is a planner run: gameplan plan --resume",
    "solve kuhn_2p --train vad-cfr": "vad-cfr is an algorithm: gameplan solve GAME --algo vad-cfr",
    "plan kuhn_2p": "kuhn_2p is a game: gameplan solve kuhn_2p",
    "plan p1 --planner nash": "nash is a meta-strategy solver: gameplan solve GAME --train nash",
    "plan p1 --planner ./planned": "is a planner run: gameplan plan --resume",
    "compare 2048 --algos cfr": "2048 is a world: gameplan plan 2048",
    "compare kuhn_2p --planners greedy": "kuhn_2p is a game: gameplan solve kuhn_2p",
    "critic vad-cfr": "vad-cfr is an algorithm: gameplan solve GAME --algo vad-cfr",
    "algos 2048": "2048 is a world: gameplan plan 2048",
    "games flare": "flare is a planner: gameplan plan WORLD --planner flare",
    "replay kuhn_2p": "kuhn_2p is a game: gameplan solve kuhn_2p",
    "replay planned": "planned has no finished episode yet; play some with: gameplan plan --resume planned",
    "export planned x.csv": "planned has no finished episode yet; 'gameplan show planned' says how far it is",
    "export planned x.csv --what policy": "planned is a planner run: gameplan plan --resume planned",
    "export quick x.csv": "quick is a suite of games: gameplan compare quick",
    "solve --resume planned": "planned is a planner run: gameplan plan --resume planned",
    "psro-show planned": "planned is a planner run: gameplan plan --resume planned",
    "evolve status planned": "planned is a planner run: gameplan plan --resume planned",
    "evolve new kuhn_2p": "kuhn_2p is a game: gameplan solve kuhn_2p",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return a directory with a planner's file and a planner run that was killed before its first episode."""
    from dataclasses import asdict

    from workbench.planning.config import PlanConfig, resolve_plan

    path = tmp_path_factory.mktemp("names")
    (path / "own.py").write_text(PLANNER)
    (path / "planned").mkdir()
    config = resolve_plan(PlanConfig(env="p1", planner="greedy", episodes=1))
    (path / "planned/config.json").write_text(json.dumps(asdict(config)))
    return path


@pytest.mark.parametrize("command", CASES)
def test_a_name_of_another_kind_is_told_what_it_is(command, place, monkeypatch):
    monkeypatch.chdir(place)
    error = CliRunner().invoke(cli.cli, command.split()).exception
    assert isinstance(error, UsageError) and CASES[command] in str(error) and "\n" not in str(error)
    assert sorted(path.name for path in Path().iterdir()) == ["own.py", "planned"]


def test_every_catalogued_name_is_known_and_its_command_exists():
    for kind, names in catalogue().items():
        for name in names:
            assert kind in [meaning.kind for meaning in what_is(name)]
    for use in USES.values():
        assert use.split()[1] in cli.COMMANDS


def test_files_are_known_by_what_they_define():
    assert kinds_of_text(PLANNER) == ["planner"] and kinds_of_text("def") == []
    assert kinds_of_text("OPTIONS: dict = {}\nfrom elsewhere import make\n") == ["world"]
    assert kinds_of_text("def train(payoffs, iteration): pass\n") == ["meta-strategy solver"]
    assert kinds_of_text("class RegretAccumulator: pass\n") == ["algorithm"]


def test_every_command_takes_a_name_or_says_in_one_line_what_it_is(tmp_path):
    """Every seventh pair of command and name, each command and each name among them; tests.fuzz.commands tries all."""
    commands.make_place(tmp_path)
    with commands.working_in(tmp_path), commands.without_work():
        pairs = [(c, n) for i, c in enumerate(commands.COMMANDS) for k, n in enumerate(commands.NAMES) if (i + k) % 7 == 0]
        found = {pair: wrong for pair in pairs if (wrong := commands.judge(*pair)[1])}
    assert not found and {name for _, name in pairs} == set(commands.NAMES)
