"""What a run directory or a store may not decide: whose code runs as the user, without isolation, and where models are asked."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from games.errors import GameplanError, UsageError
from workbench.commands.evolve import evolve
from workbench.discovery import task
from workbench.discovery.books.exchange import export
from workbench.discovery.config import DiscoveryConfig, resolve
from workbench.discovery.session import begin, config_of, load_run, resumed
from workbench.distill.config import DistillConfig, resolve_distill, resumed_distill
from workbench.planning.addresses import check_addresses
from workbench.planning.config import PlanConfig, resumed_plan
from workbench.runs.directory import RunDirectory
from workbench.runs.programs import is_marked
from workbench.training.config import TrainConfig, resolve_train, resumed_train
from workbench.training.language import LanguageConfig, resolve_language
from workbench.training.run import train

TOY = str(Path(__file__).parent / "toy_task")
DEFAULTS = {"base_url": "", "key_variable": "GAMEPLAN_LLM_KEY", "cache": ""}


def test_addresses_are_said_again(monkeypatch):
    monkeypatch.delenv("GAMEPLAN_LLM_BASE_URL", raising=False)
    check_addresses(DEFAULTS, {}, "again")
    check_addresses({}, {}, "again")
    url = "http://somewhere.example/v1"
    for name, value in (("base_url", url), ("key_variable", "AWS_SECRET"), ("cache", "/etc"), ("prompts", "/etc"), ("log", "/etc")):
        saved = {**DEFAULTS, name: value}
        with pytest.raises(UsageError, match=f"again --set llm.{name}={value}"):
            check_addresses(saved, {}, "again", "llm.")
        with pytest.raises(UsageError):
            check_addresses(saved, {name: "other"}, "again")
        check_addresses(saved, {name: value}, "again")
    part = {"evaluator": f"llm:timeout=20,base_url={url}"}
    with pytest.raises(UsageError, match="again --set evaluator=llm:timeout=20,base_url="):
        check_addresses(part, {}, "again")
    check_addresses(part, part, "again")
    monkeypatch.setenv("GAMEPLAN_LLM_BASE_URL", url)
    check_addresses({**DEFAULTS, "base_url": url}, {}, "again")
    with pytest.raises(UsageError):
        check_addresses({**DEFAULTS, "base_url": url + "x"}, {}, "again")


def test_a_planner_run_asks_no_address_that_only_it_says(tmp_path):
    run = RunDirectory.create(tmp_path / "run")
    params = {"base_url": "http://somewhere.example/v1", "key_variable": "AWS_SECRET"}
    run.write_json("config.json", asdict(PlanConfig("2048", "llm", 1, params=params)))
    with pytest.raises(UsageError, match=r"--set base_url=http://somewhere.example/v1 --set key_variable=AWS_SECRET"):
        resumed_plan(run, {})
    assert resumed_plan(run, {"params": params}).params.items() >= params.items()


def test_a_discovery_asks_no_address_that_only_it_says(tmp_path, monkeypatch):
    settings = {"model": "m", "base_url": "http://somewhere.example/v1"}
    store = begin(resolve(DiscoveryConfig("cfr", operators={"llm": 1.0}, language=settings)), tmp_path / "run")
    with pytest.raises(UsageError, match=r"--set llm\.base_url="):
        resumed(store, {})
    assert resumed(store, {}, language={"base_url": settings["base_url"]}).language["base_url"] == settings["base_url"]
    with pytest.raises(UsageError, match=r"llm\.temperature"):
        resumed(store, {}, language={"temperature": 0.1})
    settings["models"] = [{"model": "m", "key_variable": "AWS_SECRET"}]
    monkeypatch.setenv("GAMEPLAN_LLM_BASE_URL", "http://127.0.0.1:1/v1")  # without an address no discovery begins
    other = replace(resolve(DiscoveryConfig("cfr", operators={"llm": 1.0}, language={"models": settings["models"]})))
    with pytest.raises(UsageError, match=r"--set llm\.key_variable=AWS_SECRET"):
        resumed(begin(other, tmp_path / "other"), {})


def test_a_store_decides_neither_isolation_nor_whose_task_runs(tmp_path, monkeypatch):
    store = begin(DiscoveryConfig("cfr", ("cfr+",), horizon=10, sandbox="none"), tmp_path / "run")
    assert config_of(store).sandbox == "auto" == resumed(store, {}).sandbox
    assert resumed(store, {}, sandbox="none").sandbox == "none"
    toy = begin(DiscoveryConfig(TOY, ("one",), horizon=10), tmp_path / "toy")
    load_run(toy)  # who begins it has named it
    monkeypatch.setattr(task, "_named", set())
    monkeypatch.setattr(task, "find_task", lambda name: pytest.fail("its code has run"))
    for verb in ("status", "best", "list", "resume", "verify", "report"):
        found = CliRunner().invoke(evolve, [verb, str(tmp_path / "toy")])
        assert isinstance(found.exception, UsageError) and f"--task {TOY}" in str(found.exception), (verb, found.exception)
    monkeypatch.undo()
    assert CliRunner().invoke(evolve, ["list", str(tmp_path / "toy"), "--task", TOY], standalone_mode=False).exception is None


def test_imports_are_always_isolated(tmp_path):
    (tmp_path / "x.py").write_text("x = 1\n")
    found = CliRunner().invoke(evolve, ["import", "cfr", str(tmp_path / "x.py"), "--sandbox", "none"])
    assert found.exit_code == 2 and "always run isolated" in found.output
    assert "No such option" in CliRunner().invoke(evolve, ["verify", "run", "--sandbox", "none"]).output


def test_what_a_discovery_writes_says_so(tmp_path):
    from workbench.discovery.session import program_row
    from workbench.discovery.task import find_task

    store = begin(DiscoveryConfig("cfr", ("cfr+",), horizon=10), tmp_path / "run")
    cfr = find_task("cfr")
    with store.transaction():
        store.add_program(program_row(cfr, cfr.canonical(cfr.known()["cfr+"])))
    export(store, tmp_path / "out")
    (file,) = (tmp_path / "out/programs").glob("*.py")
    assert is_marked(file.read_text())


@pytest.fixture
def spy(tmp_path):
    """A program that leaves a mark if it runs."""
    mark, program = tmp_path / "mark", tmp_path / "spy.py"
    program.write_text(f"open({str(mark)!r}, 'w')\n")
    yield str(program)
    assert not mark.exists()


def saying(path, config):
    """Return a run directory that holds nothing but a configuration."""
    run = RunDirectory.create(path)
    run.write_json("config.json", config)
    return run


def test_no_player_runs_because_a_run_directory_names_it(spy, tmp_path):
    data = saying(tmp_path / "data", asdict(replace(resolve_distill(DistillConfig("2048-3x3", 6)), params={"players": f"{spy} 1"})))
    with pytest.raises(UsageError, match=r"a planner of its own, .*spy.py, which runs as you only if you name it again"):
        resumed_distill(data, {})
    beside = saying(tmp_path / "beside", asdict(PlanConfig("2048", "random", 1, protocol="proact", beside=f"random, {spy} 1")))
    with pytest.raises(UsageError, match=r"beside a planner of its own, .*spy.py, .* --trusted"):
        resumed_plan(beside, {})
    assert resumed_plan(beside, {}, trusted=True).beside
    world = saying(tmp_path / "world", asdict(DistillConfig(spy, 6, tokens=320)))
    with pytest.raises(GameplanError, match="legal are 2048, 2048-3x3, sokoban-proact"):
        resumed_distill(world, {})


def test_no_teacher_runs_because_a_run_directory_names_it(spy, tmp_path):
    config = resolve_train(TrainConfig("2048-2x2", "distill", updates=1, params={"planner": "random"}))
    run = saying(tmp_path / "run", asdict(replace(config, params={**config.params, "planner": spy})))
    with pytest.raises(UsageError, match=r"a planner of its own, .*spy.py, which runs as you only if you name it again"):
        resumed_train(run, {})
    with pytest.raises(UsageError, match="is not the file with which"):
        resumed_train(run, {"params": {"planner": spy}})


def test_no_world_runs_because_a_data_set_names_it(spy, tmp_path):
    (tmp_path / "train.jsonl").write_text("")
    for world in (spy, "spy:make", "kg-walk"):
        (tmp_path / "header.json").write_text(json.dumps({"settings": {"world": world}}))
        with pytest.raises(GameplanError, match=r"header.json says the data is of .*; legal are 2048, 2048-3x3, sokoban-proact"):
            resolve_language(LanguageConfig(str(tmp_path)))


TEACHER = """from planners.search.random_planner import Random

PARAMS = {}


def make(name):
    return Random(name)
"""


def test_a_teacher_of_ones_own_is_kept_and_runs_again_only_if_it_is_named(tmp_path):
    teacher, run = tmp_path / "mine.py", RunDirectory.create(tmp_path / "run")
    teacher.write_text(TEACHER)
    cheap = {"planner": str(teacher), "environments": 2, "turns": 4}
    given = TrainConfig("2048-2x2", "distill", policy="tabular", params=cheap, episodes=2)
    train(resolve_train(replace(given, updates=2)), run)
    train(resolve_train(replace(given, updates=4)), RunDirectory.create(tmp_path / "whole"))
    assert (run.path / "planner.py").read_text() == TEACHER
    with pytest.raises(UsageError, match="has a planner of its own"):
        resumed_train(run, {"updates": 4})
    again = resumed_train(run, {"updates": 4, "params": {"planner": str(teacher)}})
    teacher.write_text("no planner any more")
    train(again, run, resume=True)
    for name in ("learning.jsonl", "policy.safetensors", "config.json"):
        assert (run.path / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    with pytest.raises(UsageError, match="is not the file with which"):
        resumed_train(run, {"params": {"planner": str(teacher)}})
