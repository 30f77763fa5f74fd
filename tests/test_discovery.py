"""The discovery loop: the same run for any number of workers and kills, budgets, what counts, and the verbs."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from cli import cli
from games.errors import GameplanError, UsageError
from games.files import write_atomically
from workbench.discovery.analysis.lineage import descent
from workbench.discovery.books.exchange import export, read_programs
from workbench.discovery.books.records import Job, Trial
from workbench.discovery.books.store import Store
from workbench.discovery.config import BOUNDS, DiscoveryConfig, load_config, resolve
from workbench.discovery.isolation import measure
from workbench.discovery.population.ranking import average_score, capped_log_score, log_score, selection_weights
from workbench.discovery.session import begin, config_of, load_run, proceed, ranked
from workbench.discovery.task import find_task

TOY = str(Path(__file__).parent / "toy_task")
CONFIG = DiscoveryConfig(TOY, evals=40, window=4, pool=5)


def gameplan(*arguments):
    return CliRunner().invoke(cli, ["--debug", *map(str, arguments)])


def run(path, config=CONFIG, workers=1, **options):  # a worker takes seconds to warm up
    config = resolve(config)
    store = begin(config, path)
    return proceed(store, config, workers=workers, **options)


def contents(path, out):
    export(Store.open(path), out, clocks=False)
    return {str(file.relative_to(out)): file.read_bytes() for file in sorted(out.rglob("*")) if file.is_file()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("discovery") / "run"
    return path, run(path, workers=2)


def test_a_run_finds_something_and_keeps_its_books(whole):
    path, record = whole
    assert record["status"] == "done" and record["evaluations"] == 40
    assert record["known"].keys() == {"parabola"} and record["isolation"]
    loaded = load_run(Store.open(path))
    seed = loaded.members()[0]
    best = ranked(loaded.members())[0]
    assert seed.operator == "seed" and best.score > seed.score + 0.3
    assert record["best"]["id"] == best.id and record["best"]["values"] == dict(best.values)
    line = descent(loaded.steps, best.id)
    assert line[0].operator == "seed" and line[-1].program == best.id
    assert all(step.parents[0] == before.program for before, step in pairwise(line))


def test_no_behaviour_is_measured_twice_and_nothing_that_failed_is_a_parent(whole):
    path, _ = whole
    store = Store.open(path)
    steps = store.steps()
    measured = {e.program for e in store.evaluations("score")}
    sizes = {program.id: program.size for program in store.programs()}
    smallest = {}
    for step in steps:
        if step.program in measured and step.same_as is None:
            assert sizes[step.program] < smallest.get(step.fingerprint, 10**9)
            smallest[step.fingerprint] = sizes[step.program]
    assert any(step.status == "rejected:duplicate" for step in steps)
    scored = {member.id for member in load_run(store).members()}
    assert all(parent in scored for step in steps for parent in step.parents)
    assert [step.n for step in steps] == list(range(len(steps)))
    for step in steps:
        assert step.same_as is None or step.status == "rejected:duplicate"
        if step.status not in ("ok", "rejected:duplicate") or step.same_as not in (None, step.program):
            assert step.program not in scored


@pytest.mark.slow
def test_one_worker_writes_the_same_run(whole, tmp_path):
    path, _ = whole
    run(tmp_path / "one")
    assert contents(tmp_path / "one", tmp_path / "a") == contents(path, tmp_path / "b")


@pytest.mark.slow
def test_killed_at_any_moment_a_run_ends_the_same(whole, tmp_path):
    path, _ = whole
    expected = contents(path, tmp_path / "expected")
    rng = np.random.default_rng(5)
    command = [sys.executable, "-m", "cli", "evolve", "resume", str(tmp_path / "run"), "--jobs", "1", "--task", TOY]
    begin(resolve(CONFIG), tmp_path / "run")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    steps = 0
    while steps < 30:
        goal = steps + int(rng.integers(5, 15))
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while steps < goal and process.poll() is None:
            time.sleep(0.02 * rng.random())
            steps = len(Store.open(tmp_path / "run").steps())
        assert not process.poll(), "the run refuses to go on"
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert subprocess.run(command, env=environment, capture_output=True, timeout=120).returncode == 0
    found = contents(tmp_path / "run", tmp_path / "found")
    assert found == expected


@pytest.mark.slow
def test_a_stopped_run_goes_on_and_budgets_grow(tmp_path):
    seen = []
    record = run(tmp_path / "run", stop=lambda: len(seen) > 10, on_step=lambda step, _: seen.append(step))
    assert record["status"] == "interrupted" and 10 < record["steps"] < 40
    store = Store.open(tmp_path / "run")
    with pytest.raises(UsageError, match="only budgets can change"):
        config_of(store, {"seed": 3})
    assert proceed(store, config_of(store, {"evals": 20}))["evaluations"] == 20


@pytest.mark.slow
def test_seeds_differ_and_seeds_matter(tmp_path):
    first = run(tmp_path / "a", replace(CONFIG, evals=15))
    second = run(tmp_path / "b", replace(CONFIG, evals=15, seed=1))
    assert [s.program for s in Store.open(tmp_path / "a").steps()] != [s.program for s in Store.open(tmp_path / "b").steps()]
    assert first["evaluations"] == second["evaluations"] == 15


def test_rankings():
    values = {"a": 1e-2, "b": 1e-4}
    assert log_score(values) == pytest.approx(3.0) and average_score(values) == pytest.approx(-0.00505)
    weak, strong = {"a": 1.0, "b": 1.0}, {"a": 1e-1, "b": 1e-4}
    assert capped_log_score(values, weak, strong) == pytest.approx((1.5 + 1.0) / 2)
    assert log_score({"a": -1e-18}) == 17.0  # rounding may fall below zero
    weights = selection_weights([1.0, 2.0, 3.0, 4.0], [0, 0, 0, 3], 2.0)
    assert weights.sum() == pytest.approx(1.0) and weights[2] > weights[1] > weights[0] and weights[3] < weights[2]
    scaled = selection_weights([-1000.0, -900.0, -800.0, -700.0], [0, 0, 0, 3], 2.0)
    assert scaled == pytest.approx(weights)  # free of scale and sign


def test_the_verbs(whole, tmp_path, monkeypatch):
    path, record = whole
    monkeypatch.chdir(tmp_path)
    status = json.loads(gameplan("evolve", "status", path, "--json").stdout)
    assert status["best"]["id"] == record["best"]["id"]
    shown = gameplan("evolve", "status", path).stdout
    assert "parabola" in shown and "isolation" in shown and "duplicate" in shown
    listed = json.loads(gameplan("evolve", "list", path, "--json", "--limit", 3).stdout)["programs"]
    assert listed[0]["id"] == record["best"]["id"] and len(listed) == 3
    source = gameplan("evolve", "best", path).stdout
    assert "def curve" in source
    assert (
        gameplan("evolve", "best", path, "--out", "best.py").exit_code == 0
        and Path("best.py").read_text().partition("\n")[2] == source
    )
    assert "exists" in str(gameplan("evolve", "best", path, "--out", "best.py").exception)
    assert "def curve" in gameplan("evolve", "show", path, listed[1]["id"][:6]).stdout
    assert "no program" in str(gameplan("evolve", "show", path, "zzz").exception)
    assert "seed" in gameplan("evolve", "lineage", path).stdout
    assert gameplan("evolve", "diff", path, listed[0]["id"], listed[1]["id"]).stdout.startswith("---")
    assert gameplan("evolve", "export", path, "--out", "folder").exit_code == 0
    assert len(read_programs(Path("folder"))) >= len(list(Path("folder/programs").iterdir()))


def test_programs_are_imported_as_seeds(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = "PARAMS = {}\n\n\ndef curve(x, params):\n    return x * x + 1.0\n"
    Path("one.py").write_text(source)
    Path("many.jsonl").write_text(json.dumps({"id": "p", "code": source.replace("1.0", "0.5")}) + "\n")
    result = gameplan("evolve", "import", TOY, "one.py", "many.jsonl", "--out", "run", "--json")
    record = json.loads(result.stdout)
    assert record["steps"] == 2 and record["evaluations"] == 0 and record["best"]["values"]["square"] == pytest.approx(1e-9)
    Path("empty").mkdir()
    assert "holds no program" in str(gameplan("evolve", "import", TOY, "empty", "--out", "x").exception)
    assert "does not exist" in str(gameplan("evolve", "import", TOY, "nowhere.py", "--out", "x").exception)


@pytest.mark.slow
def test_what_the_user_chose_may_take_longer(tmp_path):
    slow = "PARAMS = {}\n\n\ndef curve(x, params):\n    for _ in range(6000000):\n        x = x * 1.0000001\n    return x\n"
    config = resolve(DiscoveryConfig(TOY, seeds=("slow.py",), evals=0, candidate_seconds=0.1), ("slow.py",))
    record = proceed(begin(config, tmp_path / "run", {"slow.py": slow}), config)
    assert (record["status"], record["programs"], record["evaluations"]) == ("done", 1, 0)
    (member,) = load_run(Store.open(tmp_path / "run")).members()
    job = Job(TOY, member.source, tuple(Trial(name, 9) for name in ("square", "wave")), limits=config.limits(chosen=False))
    assert measure(job).status == "timeout"


LLM = ("--set", "llm.model=m", "--set", "llm.base_url=http://127.0.0.1:9/v1")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evolve", "new", "cfx"], "did you mean 'cfr'"),
        (["evolve", "new", "cfr", "--from", "cfr++"], "did you mean 'cfr+'"),
        (["evolve", "new", "cfr", "--operator", "symbolc"], "did you mean 'symbolic'"),
        (["evolve", "new", "cfr", "--operator", "symbolic=x"], "is no number"),
        (["evolve", "new", "cfr", "--ranking", "best"], "unknown ranking"),
        (["evolve", "new", "cfr", "--set", "windw=3"], "did you mean 'window'"),
        (["evolve", "new", "cfr", "--set", "window=few"], "window = 'few' is not possible; it must be a whole number"),
        (
            ["evolve", "new", "cfr", "--set", "candidate_seconds=1e300"],
            "candidate_seconds = 1e+300 is out of range; legal are 0.001 to",
        ),
        (["evolve", "new", "cfr", "--set", "slack=nan"], "slack = nan is out of range"),
        (["evolve", "new", "cfr", "--set", "elites=2"], "elites = 2 is out of range; legal are 0.0 to 1.0"),
        (["evolve", "new", "cfr", "-n", str(2**62)], "is out of range; legal are 0 to 1,000,000,000"),
        (["evolve", "new", "cfr", "--set", "tokens=-1"], "tokens = -1 is out of range; legal are 0 to"),
        (["evolve", "new", "cfr", "--set", "money=nan"], "money = nan is out of range"),
        (["evolve", "new", "cfr", "--set", "seed=-1"], "seed = -1 is out of range"),
        (["evolve", "new", "cfr", "--set", "calls=true"], "calls = True is not possible; it must be a whole number"),
        (
            ["evolve", "new", "cfr", "--set", "evals=5", "--budget-evals", "6"],
            "evals is given twice, by --budget-evals and by --set",
        ),
        (["evolve", "new", "cfr", "--set", "task=psro"], "the task is named first"),
        (["evolve", "new", "cfr", "--set", "llm.retries=1"], "llm.retries is for the operator llm"),
        (["evolve", "new", "cfr", "--operator", "llm", "--set", "llm.retries=-1", "--set", "llm.model=m"], "no language model"),
        (["evolve", "new", "cfr", "--operator", "llm", *LLM, "--set", "llm.retries=-1"], "retries = -1 is out of range"),
        (["evolve", "new", "cfr", "--sandbox", "weak"], "'weak' is not one of"),
        (["evolve", "nwe", "cfr"], "did you mean 'new'"),
        (["evolve", "status", "nowhere"], "not a discovery"),
        (["evolve", "run", "none.toml"], "cannot read"),
    ],
)
def test_mistakes_get_one_line_and_leave_nothing(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = gameplan(*arguments)
    assert message in str(result.exception) + result.output
    assert getattr(result.exception, "exit_code", result.exit_code) == 2 or result.exit_code == 2
    assert not list(tmp_path.iterdir())


def test_configurations_are_files(tmp_path):
    (tmp_path / "c.toml").write_text('task = "cfr"\nevals = 5\nseeds = ["cfr+"]\n[operators]\nsymbolic = 2\n')
    config = resolve(load_config(tmp_path / "c.toml"))
    assert config.evals == 5 and config.operators == {"symbolic": 2} and config.horizon == 1000
    (tmp_path / "c.toml").write_text("evals = 5\n")
    with pytest.raises(UsageError, match="no task"):
        load_config(tmp_path / "c.toml")


def test_every_number_of_a_configuration_has_bounds(whole, tmp_path):
    numbers = {f.name for f in fields(DiscoveryConfig) if "int" in str(f.type) or "float" in str(f.type)} - {"operators"}
    assert numbers == set(BOUNDS)
    shutil.copytree(whole[0], tmp_path / "run")
    store = Store.open(tmp_path / "run")
    saved = store.get("config")
    for name in sorted(numbers):
        for value in (-1, 10**400, 1.1e300):
            with store.transaction():
                store.set("config", {**saved, name: value})
            with pytest.raises(
                GameplanError,
                match=rf"damaged: {name} = .* is (out of range; legal are|not possible; it must be a whole number)|too many digits",
            ):
                config_of(store)
    longest = DiscoveryConfig(TOY, candidate_seconds=BOUNDS["candidate_seconds"][1]).limits(chosen=True, scale=1e6)
    source = next(iter(find_task(TOY).seeds().values()))
    assert measure(Job(TOY, source, (Trial("square", 9),), limits=longest)).status == "ok"


def test_an_export_that_finds_no_room_leaves_nothing(whole, tmp_path, monkeypatch):
    written = []

    def full(path, content):
        if len(written) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(path)
        write_atomically(path, content)

    monkeypatch.setattr("workbench.discovery.books.exchange.write_atomically", full)
    with pytest.raises(GameplanError, match="No space left on device; choose another --out"):
        export(Store.open(whole[0]), tmp_path / "out")
    assert written and not (tmp_path / "out").exists()
